/**
 * Implements `hooks report`, which hooks start in the background after tools. It reports the changes of the checkout to
 * the radar, and the usage in the session's transcript. It prints nothing and always exits with 0, because a client
 * might react to output or to a failure. Runs in the CLI process.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";

import { CLI_RADAR_HOOK_GAP_MS } from "../../schemas/limits/cli.js";
import { TRANSCRIPT_INPUT_BYTES_MAX } from "../../schemas/limits/transcripts.js";
import { parseJson } from "../../shared/json-text.js";
import type { CommandContext } from "../command-row.js";
import { CliFailure } from "../failure.js";
import { findRepository, treeOf } from "../guard/repository.js";
import { io } from "../io.js";
import { makeReport, sendReport } from "../radar/report.js";
import { findWorkspace } from "../workspace-name.js";
import { reportTranscript } from "./report.js";

/**
 * The variable in which `koor-hook` passes the beginning of the hook's input. Other hooks pass their input on stdin.
 */
const INPUT_VARIABLE = "KOOR_HOOK";
const TRANSCRIPT = /"transcript_path"\s*:\s*("(?:[^"\\]|\\.)+")/;
const EVENT = /"hook_event_name"\s*:\s*"(\w+)"/;
/** The events after which no other event may follow for a long time. Their reports are never skipped. */
const ENDS = /^(?:Stop|SubagentStop|SessionEnd)$/;

/** Returns the beginning of stdin. */
async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of io().stdin()) {
    chunks.push(Buffer.from(chunk as Buffer));
    bytes += chunks.at(-1)?.length ?? 0;
    if (bytes > TRANSCRIPT_INPUT_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}

function transcriptIn(input: string): string | undefined {
  const path = parseJson(TRANSCRIPT.exec(input)?.[1] ?? "");
  return typeof path === "string" && path !== "" ? path : undefined;
}

/** Sends the radar's report on the folder's checkout. If the report cannot be made, nothing is sent. */
async function reportChanges(context: CommandContext): Promise<void> {
  const repository = findRepository(context.folder);
  if (repository instanceof CliFailure || repository.isBare) return;
  const workspace = findWorkspace(repository.root, io().environment, undefined, treeOf(repository));
  if (workspace instanceof CliFailure || workspace.name === null) return;
  const settings = context.settings();
  const made = makeReport(repository, { workspace: workspace.name, base: undefined, warn: () => {} });
  if (!(made instanceof CliFailure) && !(settings instanceof CliFailure)) await sendReport(settings, made);
}

export async function reportForHook(context: CommandContext): Promise<number> {
  const given = io().environment[INPUT_VARIABLE];
  // `koor-hook` has already limited how often this command runs. Without `koor-hook`, the command itself limits it, and
  // the server asks the agent to report its changes.
  const isOfProgram = given !== undefined;
  const input = given ?? (await readInput());
  if (isOfProgram && existsSync(join(context.folder, ".git"))) await reportChanges(context);
  const path = transcriptIn(input);
  if (path === undefined) return 0;
  const gapMs = isOfProgram || ENDS.test(EVENT.exec(input)?.[1] ?? "") ? 0 : CLI_RADAR_HOOK_GAP_MS;
  await reportTranscript({ path, workspace: undefined, all: false, gapMs }, context);
  return 0;
}
