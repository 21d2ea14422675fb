/**
 * Implements `hooks report`, which hooks start in the background after tools. Reports the changes of the checkout to
 * the radar, and the token usage in the session's transcript to the server. Prints nothing and always exits with 0,
 * because a client might react to output or to a failure. Runs in the CLI process.
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

/** The environment variable in which `koor-hook` passes the start of the hook's input. Other hooks pass it on stdin. */
const INPUT_VARIABLE = "KOOR_HOOK";
const TRANSCRIPT = /"transcript_path"\s*:\s*("(?:[^"\\]|\\.)+")/;
const EVENT = /"hook_event_name"\s*:\s*"(\w+)"/;
/** Matches events that may be the last one for a long time. Their reports are never skipped. */
const ENDS = /^(?:Stop|SubagentStop|SessionEnd)$/;

/** Reads stdin up to TRANSCRIPT_INPUT_BYTES_MAX or a little more. */
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

/** Reports the changes of the folder's checkout to the radar. Sends nothing if the report cannot be made. */
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
  // `koor-hook` limits how often it starts this command. Without `koor-hook`, this command limits itself by `gapMs`. It
  // then reports no changes, because the server asks the agent to report them.
  const isOfProgram = given !== undefined;
  const input = given ?? (await readInput());
  if (isOfProgram && existsSync(join(context.folder, ".git"))) await reportChanges(context);
  const path = transcriptIn(input);
  if (path === undefined) return 0;
  const gapMs = isOfProgram || ENDS.test(EVENT.exec(input)?.[1] ?? "") ? 0 : CLI_RADAR_HOOK_GAP_MS;
  await reportTranscript({ path, workspace: undefined, all: false, gapMs }, context);
  return 0;
}
