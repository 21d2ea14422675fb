/** Implements `evidence add` and `ci report`: reports a command that already ran. Runs in the CLI process. */
import type { EvidenceBody, SeenBy } from "../../schemas/evidence.js";
import { normalizeCommand } from "../../shared/command-text.js";
import { failureOf } from "../ask.js";
import type { Args, CommandContext } from "../command-row.js";
import { CliFailure, wrongUsage } from "../failure.js";
import { isFailure } from "../outcome.js";
import { printAnswer } from "../output.js";
import { sendEvidence } from "./record.js";
import { hashTree } from "./tree-hash.js";

/** Returns the members about the files: those of the flag, else those of the working tree; none outside of git. */
function treeMembers(args: Args, folder: string): Pick<EvidenceBody, "tree_before" | "tree_after" | "head"> {
  const given = args.text("tree");
  if (given !== undefined) return { tree_before: given, tree_after: given };
  const hashed = hashTree(folder);
  return hashed instanceof CliFailure ? {} : { tree_before: hashed.tree, tree_after: hashed.tree, head: hashed.head };
}

/** @param seenBy the origin that the record names. An agent's word has no tree, because nothing was seen. */
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
