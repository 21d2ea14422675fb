/**
 * Answers the shells' completion scripts. zsh and fish pass the words (`koor __complete words WORD…`), and bash passes
 * the line (`koor __complete bash LINE BREAKS`). The first line of the answer is `values`, `files` or `commands`. After
 * `values`, each line has one value. For shells that show descriptions, a tab and the description follow the value. A
 * problem is never reported, and only makes the list shorter. Runs in the CLI process.
 */
import { CLI_COMPLETE_VALUES_MAX } from "../../schemas/limits/cli.js";
import { escapeHidden } from "../../schemas/visible-text.js";
import { parseJson } from "../../shared/json-text.js";
import { isSuccess, makeHeaders } from "../client.js";
import type { CommandRow } from "../command-row.js";
import { COMMANDS } from "../commands.js";
import { exchange, NoAnswer } from "../exchange.js";
import { CliFailure } from "../failure.js";
import { COMMON_FLAGS } from "../common-flags.js";
import { readContexts } from "../context-file.js";
import type { Given } from "../server-choice.js";
import { readIdentity, serversOf } from "../settings.js";
import { askFor, type Candidate, type Question } from "./question.js";
import { endQuote, quoteForBash, readBashLine } from "./shell-line.js";
import { listNames, type Fetch } from "./sources.js";

/** Matches the part of a description that is shown: the first 60 characters. */
const ABOUT = /^.{0,60}/u;
/** Matches a word that a command may read as a flag. `-5` is not one. */
const FLAG = /^-[-a-z]/i;

/** Where completion runs. */
export interface Place {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  /** The maximum time to wait for an answer of the server, in ms. */
  readonly timeoutMs: number;
}

/** Returns the value of a flag that the line contains before the cursor; "" if it does not contain the flag. */
function valueOf(flag: string, earlier: readonly string[]): string {
  const at = earlier.lastIndexOf(flag);
  const joined = earlier.findLast((word) => word.startsWith(`${flag}=`));
  return joined?.slice(flag.length + 1) ?? (at < 0 ? "" : (earlier[at + 1] ?? ""));
}

/**
 * Makes the function that calls the server. Completion cannot ask the user, so it sends the token only where no consent
 * is needed.
 */
function makeFetch(given: Given, { folder, environment, timeoutMs }: Place, signal: AbortSignal): Fetch {
  const identity = readIdentity(folder, environment, given);
  if (identity instanceof CliFailure) return () => Promise.resolve(undefined);
  const { settings } = identity;
  const limits = { connect_ms: timeoutMs, answerMs: timeoutMs };
  return async (path) => {
    for (const server of serversOf(settings)) {
      if (signal.aborted) return undefined;
      const answer = await exchange(server, makeHeaders(settings), { method: "GET", path, signal }, limits);
      if (!(answer instanceof NoAnswer) && isSuccess(answer)) return parseJson(answer.body.toString("utf8"));
    }
    return undefined;
  };
}

/** Lists the user's contexts. They come from a file, so the server is not called. */
function listContexts(environment: NodeJS.ProcessEnv, before: string): readonly Candidate[] {
  const all = readContexts(environment);
  if (all instanceof CliFailure) return [];
  return [...all.contexts].map(([name, { server }]) => ({ value: before + name, about: server }));
}

/**
 * Lists the values that may stand at the cursor. Names that the server does not send in time are missing. Names that
 * the command would read as flags are missing, too. A name such as `--server=URL` would otherwise choose the server to
 * which the command sends the token.
 */
async function listValues(question: Question, given: Given, place: Place): Promise<readonly Candidate[]> {
  const { values, typed, before, candidates, flagsEnded } = question;
  if (values === undefined || values === "file" || values === "command") return candidates;
  if (typeof values !== "string")
    return [...candidates, ...values.map((value) => ({ value: before + value, about: "" }))];
  if (values === "context") return [...candidates, ...listContexts(place.environment, before)];
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<readonly Candidate[]>((resolve) => {
    timer = setTimeout(resolve, place.timeoutMs, []);
  });
  try {
    const names = listNames(values, makeFetch(given, place, stop.signal), typed);
    const found = await Promise.race([names, tooLate]);
    const named = found.map(({ value, about }) => ({ value: before + value, about }));
    return [...candidates, ...named.filter(({ value }) => flagsEnded || before !== "" || !FLAG.test(value))];
  } catch {
    return candidates;
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

/**
 * Chooses the candidates that begin with the typed word. Leaves out names with control characters or invisible
 * characters, because the user could not see what the shell inserts.
 */
function fitting(candidates: readonly Candidate[], current: string): readonly Candidate[] {
  const byValue = new Map(candidates.map((candidate) => [candidate.value, candidate]));
  return [...byValue.values()]
    .filter(({ value }) => value !== "" && value.startsWith(current) && escapeHidden(value) === value)
    .slice(0, CLI_COMPLETE_VALUES_MAX);
}

function describe({ value, about }: Candidate): string {
  const [shown = ""] = ABOUT.exec(escapeHidden(about)) ?? [];
  return shown === "" ? value : `${value}\t${shown}`;
}

/** Answers a completion script. Returns "" if the arguments do not come from such a script. */
export async function answerCompletion(
  argv: readonly string[],
  place: Place,
  rows: readonly CommandRow[] = COMMANDS,
): Promise<string> {
  const [form, ...rest] = argv;
  if (form !== "words" && form !== "bash") return "";
  const line =
    form === "bash"
      ? readBashLine(rest[0] ?? "", rest[1] ?? "")
      : { earlier: rest.slice(0, -1), current: rest.at(-1) ?? "", kept: 0, quote: "" as const };
  const { earlier, current, kept, quote } = line;
  const question = askFor(earlier, current, rows, COMMON_FLAGS);
  const { values } = question;
  if (values === "file" || values === "command") return `${values}s\n`;
  const given = { server: valueOf("--server", earlier), context: valueOf("--context", earlier) };
  const found = fitting(await listValues(question, given, place), current);
  if (form === "words") return ["values", ...found.map(describe), ""].join("\n");
  const quoted = found.map(({ value }) => quoteForBash(value.slice(kept), quote));
  return ["values", ...(quoted.length === 1 ? quoted.map((one) => endQuote(one, quote)) : quoted), ""].join("\n");
}
