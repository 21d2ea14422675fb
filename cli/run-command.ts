/**
 * Runs one row of the command table. Most rows declare a request, which this module sends, and it prints the answer.
 * Other rows have their own function. command-line.ts parses the command line, and client.ts sends the request. Runs in
 * the CLI process.
 */
import { isJson } from "../shared/json-text.js";
import { describeRefusal, encodeQuery, isSuccess, sendRequest } from "./client.js";
import type { Args, CommandContext, CommandRow, RequestRow } from "./command-row.js";
import type { Answer } from "./exchange.js";
import { CliFailure, failed, wrongUsage, type ExitCode } from "./failure.js";
import { inFlagWords } from "./flag-words.js";
import { encodeKey } from "./key-path.js";
import { askForList } from "./whole-list.js";
import { formatAnswer, formatValue, print } from "./output.js";

/** Matches a placeholder in the path of a row: `{name}`, `{name...}` or `{name/}` (see command-row.ts). */
const PLACEHOLDER = /\{(\w+)(\.\.\.|\/)?\}/g;

function encodeArgument(value: string, mark: string | undefined): string {
  if (mark === "...") return encodeKey(value);
  if (mark === undefined) return encodeURIComponent(value);
  const slash = value.indexOf("/");
  return `${encodeURIComponent(value.slice(0, slash))}/${encodeURIComponent(value.slice(slash + 1))}`;
}

function makeQuery(row: RequestRow, args: Args, context: CommandContext): string | CliFailure {
  const own = row.query?.(args, context);
  if (own instanceof CliFailure) return own;
  const given: Record<string, string> = {};
  for (const flag of row.flags ?? []) {
    const value = args.text(flag.name);
    // If the row's own function returns a query parameter, its value replaces the flag's value.
    if (flag.query !== undefined && value !== undefined) given[flag.query] = own?.[flag.query] ?? value;
  }
  const others = Object.entries(own ?? {}).filter(([name]) => given[name] === undefined);
  return encodeQuery({ ...Object.fromEntries(others), ...given });
}

/**
 * Builds the path and the query of the request. Refuses an empty argument, because the path without it would name
 * another resource.
 */
function makePath(row: RequestRow, args: Args, context: CommandContext): string | CliFailure {
  for (const [, name = "", mark] of row.path.matchAll(PLACEHOLDER)) {
    if (args.need(name) === "") return wrongUsage(`<${name}> must not be empty`);
    if (mark === "/" && !/^[^/]+\/./s.test(args.need(name)))
      return wrongUsage(`"${args.need(name)}" is not <project>/<name>`);
  }
  try {
    const path = row.path.replace(PLACEHOLDER, (_, name: string, mark?: string) =>
      encodeArgument(args.need(name), mark),
    );
    const query = makeQuery(row, args, context);
    return query instanceof CliFailure ? query : path + query;
  } catch (error) {
    if (error instanceof URIError) return wrongUsage("the arguments must be valid Unicode text");
    throw error;
  }
}

/** Matches a value that HTTP allows in a header: tabs and printable ASCII characters. */
const HEADER_VALUE = /^[\t\x20-\x7e]+$/;

function findBadHeader(headers: Readonly<Record<string, string>>): CliFailure | undefined {
  const bad = Object.entries(headers).find(([, value]) => !HEADER_VALUE.test(value));
  if (bad === undefined) return undefined;
  const [name, value] = bad;
  return wrongUsage(`${name} cannot be ${JSON.stringify(value)} (${inFlagWords(name)})`);
}

async function formatBody(
  row: RequestRow,
  answer: Answer,
  args: Args,
  context: CommandContext,
): Promise<Buffer | CliFailure> {
  if (row.answer === "raw") return await formatRaw(answer.body, context);
  if (!/^application\/json\b/i.test(answer.content_type)) {
    return failed(`the answer is not JSON but ${answer.content_type || "of no type"}: is this a Koor server?`);
  }
  const shown = row.onAnswer === undefined ? answer.body : row.onAnswer(answer.body, args, context);
  return shown instanceof CliFailure ? shown : await formatAnswer(shown, context);
}

/** Formats a stored value. If it is JSON, `--fields` selects its members. */
async function formatRaw(value: Buffer, context: CommandContext): Promise<Buffer | CliFailure> {
  if (context.fields === undefined) return formatValue(value, context.pretty);
  return isJson(value.toString("utf8"))
    ? await formatAnswer(value, context)
    : wrongUsage("--fields selects members of JSON, and the value is not JSON");
}

async function runRequest(row: RequestRow, args: Args, context: CommandContext): Promise<ExitCode | CliFailure> {
  const path = makePath(row, args, context);
  if (path instanceof CliFailure) return path;
  const headers = row.headers?.(args, context) ?? {};
  if (headers instanceof CliFailure) return headers;
  const badHeader = findBadHeader(headers);
  if (badHeader) return badHeader;
  const body = await row.body?.(args, context);
  if (body instanceof CliFailure) return body;
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;

  const plan = {
    method: row.method,
    headers: body && row.typeOf ? { "Content-Type": row.typeOf(body), ...headers } : headers,
    ...(body ? { body } : {}),
    repeatable: typeof row.repeatable === "function" ? row.repeatable(args) : row.repeatable === true,
    aboutServer: row.aboutServer === true,
  };
  const ask = async (from: string): Promise<Answer | CliFailure> => {
    const answer = await sendRequest(settings, { ...plan, path: from });
    if (answer instanceof CliFailure || isSuccess(answer)) return answer;
    return describeRefusal(answer.status, answer.body);
  };
  const limitName = row.flags?.find(({ query }) => query === "limit" || query === "last")?.query ?? "limit";
  const answer =
    row.method === "GET" && row.list !== undefined
      ? await askForList({ list: row.list, parts: row.parts ?? {}, path, limitName, limit: args.text(limitName) }, ask)
      : await ask(path);
  if (answer instanceof CliFailure) return answer;

  const output = await formatBody(row, answer, args, context);
  return output instanceof CliFailure ? output : ((await print(output)) ?? row.exit?.(answer.body) ?? 0);
}

export async function runCommand(row: CommandRow, args: Args, context: CommandContext): Promise<number | CliFailure> {
  return "run" in row ? await row.run(args, context) : await runRequest(row, args, context);
}
