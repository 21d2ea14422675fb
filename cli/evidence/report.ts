/** Implements `evidence add` and `ci report`, which record a command that has already run. Runs in the CLI process. */
import type { EvidenceBody, SeenBy } from "../../schemas/evidence.js";
import { normalizeCommand } from "../../shared/command-text.js";
import { failureOf } from "../ask.js";
import type { Args, CommandContext } from "../command-row.js";
import { CliFailure, wrongUsage } from "../failure.js";
import { isFailure } from "../outcome.js";
import { printAnswer } from "../output.js";
import { sendEvidence } from "./record.js";
import { hashTree } from "./tree-hash.js";

/**
 * Returns the part of the record that identifies the files: the value of `--tree`, or the hash of the working tree.
 * Outside of git, it is empty.
 */
function treeMembers(args: Args, folder: string): Pick<EvidenceBody, "tree_before" | "tree_after" | "head"> {
  const given = args.text("tree");
  if (given !== undefined) return { tree_before: given, tree_after: given };
  const hashed = hashTree(folder);
  return hashed instanceof CliFailure ? {} : { tree_before: hashed.tree, tree_after: hashed.tree, head: hashed.head };
}

/**
 * Sends a record of a command that has already run.
 * @param seenBy the origin of the record. A record of `agent` has no tree, because only the agent claims that the
 * command has run.
 */
export async function reportEvidence(
  args: Args,
  context: CommandContext,
  seenBy: Extract<SeenBy, "agent" | "ci">,
): Promise<number | CliFailure> {
  const { folder } = context;
  const exitCode = Number(args.need("exit-code"));
  if (!Number.isSafeInteger(exitCode)) return wrongUsage("--exit-code is too large for an exit code");
  const task = args.text("for");
  const durationMs = args.duration("duration");
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  const body: EvidenceBody = {
    command: normalizeCommand(args.need("command")),
    exit_code: exitCode,
    ...(durationMs === undefined ? {} : { duration_ms: Math.round(durationMs) }),
    ...(task === undefined ? {} : { task }),
    seen_by: seenBy,
    ...(seenBy === "ci" ? treeMembers(args, folder) : {}),
  };
  const sent = await sendEvidence(settings, folder, body, { repeatable: false });
  return isFailure(sent) ? failureOf(sent) : ((await printAnswer(sent.body, context)) ?? 0);
}
