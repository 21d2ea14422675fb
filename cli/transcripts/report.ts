/**
 * Implements `llm report`. It reports the token usage that an agent's client has written to its transcript. Runs in the
 * CLI process.
 */
import { randomUUID } from "node:crypto";
import { join, resolve } from "node:path";

import { isJsonObject } from "../../shared/json-object.js";
import { parseJson } from "../../shared/json-text.js";
import { ask, failureOf, isTransient, Refusal } from "../ask.js";
import type { Args, CommandContext } from "../command-row.js";
import { CliFailure, failed, wrongUsage } from "../failure.js";
import { JSON_TYPE } from "../input.js";
import { io } from "../io.js";
import { printAnswer, warn } from "../output.js";
import { stateFolder } from "../position-file.js";
import { readTextIfAny } from "../regular-file.js";
import type { Settings } from "../settings.js";
import { describeSystemError } from "../system-error.js";
import { homeFolder, userFolder } from "../user-folder.js";
import { findWorkspace } from "../workspace-name.js";
import { type FilePosition, type PendingReport, PositionStore, type TranscriptPosition } from "./positions.js";
import { readUsage, subagentFiles } from "./read-usage.js";
import { costOf, type Prices, readPrices, UsageSums } from "./usage-sums.js";

const REQUEST_TYPE = "transcript";

/** A report as the command prints it. */
interface Reported {
  readonly provider: string;
  readonly model: string;
  readonly tokens_in: number;
  readonly tokens_out: number;
  readonly cost_usd: number | null;
}

export interface TranscriptReport {
  /** An absolute path. */
  readonly path: string;
  readonly workspace: string | undefined;
  /** Whether the first report counts old lines of the transcript too. */
  readonly all: boolean;
  /**
   * The minimum time since the last report, in ms. If less time has passed, nothing is reported. 0 means no minimum.
   */
  readonly gapMs: number;
}

export async function report(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const path = resolve(context.folder, args.need("file"));
  const asked = { path, workspace: args.text("workspace"), all: args.has("all"), gapMs: 0 };
  const reports = await reportTranscript(asked, context);
  if (reports instanceof CliFailure) return reports;
  return (await printAnswer(Buffer.from(JSON.stringify({ file: path, reports })), context)) ?? 0;
}

/**
 * Sends the pending reports. Then reads the new lines of a transcript and reports them. Returns the reports that the
 * server has accepted.
 */
export async function reportTranscript(
  { path, workspace: given, all, gapMs }: TranscriptReport,
  context: CommandContext,
): Promise<readonly Reported[] | CliFailure> {
  const { environment } = io();
  const home = homeFolder(environment, process.platform);
  const folder = stateFolder(environment, process.platform);
  if (home === undefined || folder === undefined) return failed("there is no place for positions: set HOME");
  const store = new PositionStore(folder, path);
  try {
    // If the clock was set back, this check skips reports until the end of a turn. The report at the end of a turn has
    // no minimum, and writes the position with the new time.
    if (gapMs > 0 && Date.now() - store.writtenMs < gapMs) return [];
    const settings = context.settings();
    if (settings instanceof CliFailure) return settings;
    const workspace = findWorkspace(context.folder, environment, given);
    if (workspace instanceof CliFailure) return workspace;
    const release = await store.lock();
    if (release === undefined) return failed(`another command is reading ${path}`);
    try {
      const target = { settings, store, project: workspace.name ?? "" };
      const sent = await sendPending(target, store.read());
      if (sent instanceof CliFailure) return sent;
      const read = readNew(path, { home, all, known: store.read() });
      if (read instanceof CliFailure) return read;
      store.write(read);
      const fresh = await sendPending(target, read);
      return fresh instanceof CliFailure ? fresh : [...sent, ...fresh];
    } finally {
      release();
    }
  } catch (error) {
    return failed(`cannot read ${path}: ${describeSystemError(error)}`);
  }
}

/** Reads the new lines. Returns the new position, which includes the reports to send. */
function readNew(
  path: string,
  { home, all, known }: { readonly home: string; readonly all: boolean; readonly known: TranscriptPosition },
): TranscriptPosition | CliFailure {
  const sums = new UsageSums();
  const options = { home, all, nowMs: Date.now(), known: known.files, sums };
  const main = readUsage(path, options);
  if (typeof main === "string") return wrongUsage(`cannot read ${path}: ${main}`);
  const files: Record<string, FilePosition> = { [path]: main };
  for (const file of subagentFiles(path)) {
    const position = readUsage(file, options);
    if (typeof position !== "string") files[file] = position;
  }
  if (sums.leftOut > 0) warn(`${sums.leftOut} calls are not reported: their models have no usable names`);
  const prices = userPrices();
  const { session } = main.lines;
  const pending = sums
    .list()
    .map((usage) => ({ ...usage, cost: costOf(usage, prices), session, request_id: randomUUID() }));
  return { version: known.version, files, pending };
}

/**
 * Returns the prices of models from the user's own settings. A project cannot set prices, because another person may
 * have written its files.
 */
function userPrices(): Prices {
  const folder = userFolder(io().environment, process.platform);
  const text = folder === undefined ? undefined : readTextIfAny(join(folder, "settings.json"));
  const settings = text === undefined ? undefined : parseJson(text);
  const prices = isJsonObject(settings) ? readPrices(settings["prices"]) : {};
  if (prices === undefined)
    warn('your settings: prices must be {"MODEL":{"input","cache_write","cache_read","output"}} in dollars');
  return prices ?? {};
}

interface Target {
  readonly settings: Settings;
  readonly store: PositionStore;
  readonly project: string;
}

/**
 * Sends the pending reports. If the server refuses a report, it is dropped. If the server cannot be reached, the rest
 * stays pending.
 */
async function sendPending(
  { settings, store, project }: Target,
  position: TranscriptPosition,
): Promise<Reported[] | CliFailure> {
  const reported: Reported[] = [];
  let refusal: CliFailure | undefined;
  for (const [at, pending] of position.pending.entries()) {
    const answer = await send(settings, pending, project);
    if (isTransient(answer)) {
      store.write({ ...position, pending: position.pending.slice(at) });
      return failureOf(answer);
    }
    if (answer instanceof Refusal) refusal = failureOf(answer);
    else reported.push(shown(pending));
  }
  if (position.pending.length > 0) store.write({ ...position, pending: [] });
  return refusal ?? reported;
}

async function send(settings: Settings, pending: PendingReport, project: string): Promise<unknown> {
  const { session, request_id, ...usage } = pending;
  const { provider, model, tokens_in, tokens_out, cost_usd } = shown(usage);
  const body = {
    provider,
    model,
    project,
    tokens_in,
    tokens_out,
    ...(cost_usd === null ? {} : { cost_usd }),
    request_type: REQUEST_TYPE,
    request_id,
  };
  return await ask(actingFor(settings, session), {
    method: "POST",
    path: "/api/llm/usage",
    headers: JSON_TYPE,
    body: Buffer.from(JSON.stringify(body)),
    repeatable: true,
  });
}

/**
 * Returns settings with which a request acts as the session of the transcript. An instance that is already set is kept.
 */
function actingFor(settings: Settings, session: string): Settings {
  if (settings.instance !== "" || session === "") return settings;
  const { fallback: _fallback, ...own } = settings;
  return { ...own, session };
}

function shown({
  provider,
  model,
  input,
  cache_write,
  cache_read,
  output,
  cost,
}: Omit<PendingReport, "session" | "request_id">): Reported {
  return { provider, model, tokens_in: input + cache_write + cache_read, tokens_out: output, cost_usd: cost };
}
