/**
 * Implements `radar`, which lists overlaps, and with `--watch` lists them again after each change. Also implements
 * `radar changes`. Runs in the CLI process.
 */
import { ask, failureOf } from "../ask.js";
import { findCheckout } from "../checkout.js";
import { encodeQuery } from "../client.js";
import type { Args, CommandContext } from "../command-row.js";
import { printUntilStopped } from "../event-sink.js";
import { CliFailure, type ExitCode } from "../failure.js";
import { io } from "../io.js";
import { isFailure } from "../outcome.js";
import { formatAnswer, isForPerson, printAnswer } from "../output.js";
import type { Settings } from "../settings.js";
import { waitForMatch } from "../wait-loop.js";
import { workspaceHeaders } from "../workspace-name.js";

const BLANK_LINE = "\n";

/** The settings, the path and the headers of the request for the list of overlaps. */
interface Query {
  readonly settings: Settings;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

function readQuery(args: Args, context: CommandContext): Query | CliFailure {
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  const parameters: Record<string, string> = {};
  for (const name of ["workspace", "checkout"]) {
    const value = args.text(name);
    if (value !== undefined) parameters[name] = value;
  }
  const headers = parameters["workspace"] === undefined ? workspaceHeaders(context.folder, {}) : {};
  if (headers instanceof CliFailure) return headers;
  return { settings, path: `/api/radar${encodeQuery(parameters)}`, headers };
}

async function fetchOverlaps({ settings, path, headers }: Query): Promise<Buffer | CliFailure> {
  const answer = await ask(settings, { method: "GET", path, headers });
  return isFailure(answer) ? failureOf(answer) : answer.body;
}

/**
 * Prints the list now. After each event of the radar, prints it again if it has changed. Each list is requested after
 * the cursor for the next wait, so that no change is missed.
 */
async function follow(
  query: Query,
  signal: AbortSignal,
  write: (answer: Buffer) => Promise<void>,
): Promise<CliFailure | undefined> {
  let last = "";
  for (let after: string | undefined; !signal.aborted; ) {
    const options = { after, waitMs: after === undefined ? 0 : undefined, signal };
    const waited = await waitForMatch(query.settings, [["event", "radar.**"]], options);
    if (signal.aborted) return undefined;
    if (waited instanceof CliFailure) return waited;
    after = waited.cursor;
    const answer = await fetchOverlaps(query);
    if (answer instanceof CliFailure) return answer;
    const text = answer.toString("latin1");
    if (text !== last) await write(answer);
    last = text;
  }
  return undefined;
}

/**
 * Prints the overlaps until the user presses Ctrl-C, stdout closes, or the server refuses. The first two give exit code
 * 0.
 */
async function watch(query: Query, context: CommandContext): Promise<ExitCode | CliFailure> {
  let isFirst = true;
  return await printUntilStopped(async (sink, signal) => {
    const write = async (answer: Buffer): Promise<void> => {
      const text = await formatAnswer(answer, context);
      const isTable = isForPerson(context) && !isFirst;
      isFirst = false;
      if (!sink.write(isTable ? Buffer.concat([Buffer.from(BLANK_LINE), text]) : text)) await sink.drained();
    };
    return await follow(query, signal, write);
  });
}

export async function listOverlaps(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const query = readQuery(args, context);
  if (query instanceof CliFailure) return query;
  if (args.has("watch")) return await watch(query, context);
  const answer = await fetchOverlaps(query);
  return answer instanceof CliFailure ? answer : ((await printAnswer(answer, context)) ?? 0);
}

export async function printChanges(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  const checkout = args.text("checkout") ?? findCheckout(context.folder, io().environment).id;
  const answer = await ask(settings, { method: "GET", path: `/api/checkouts/${encodeURIComponent(checkout)}/changes` });
  return isFailure(answer) ? failureOf(answer) : ((await printAnswer(answer.body, context)) ?? 0);
}
