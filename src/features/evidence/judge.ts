/**
 * Decides whether a required command has passed. A record does not count if it is only an agent's claim, has no exit
 * code, or is about other files. The newest record that counts decides, so a later failure overrides an earlier pass.
 * Pure.
 */
import type { MissingReason } from "../../../schemas/evidence.js";
import { levelOf } from "./levels.js";
import type { JudgedRow } from "./table.js";

export interface Judgement {
  /** The reason why the command does not count as passed; null if it has passed. */
  readonly why: MissingReason | null;
  /** The id of the record that decides; null if there is none. */
  readonly evidence: number | null;
}

export interface JudgedAgainst {
  /** The git tree of the files that the agent wants to deliver; null if it is not known. */
  readonly tree: string | null;
  /** The id of the newest record at the time of the last edit. Records up to this id are stale. */
  readonly staleTo: number;
}

/**
 * Returns whether a command ran on the files of the given tree. A hook does not know the tree, so its records match
 * every tree; only a later edit makes them stale.
 */
function ranOn({ seen_by, tree_before, tree_after }: JudgedRow, tree: string | null): boolean {
  return tree === null || seen_by === "hook" || (tree_before === tree && tree_after === tree);
}

/** @param records all records that may count for the command, in any order */
export function judge(records: readonly JudgedRow[], { tree, staleTo }: JudgedAgainst): Judgement {
  const newestFirst = records.toSorted((a, b) => b.id - a.id);
  const say = (why: MissingReason | null, row: JudgedRow | undefined): Judgement => ({
    why,
    evidence: row?.id ?? null,
  });
  const [newest] = newestFirst;
  if (newest === undefined) return say("none", undefined);
  const seen = newestFirst.filter(({ seen_by }) => levelOf(seen_by) !== "said");
  if (seen.length === 0) return say("said", newest);
  const known = seen.filter(({ exit_code }) => exit_code !== null);
  if (known.length === 0) return say("unknown", seen[0]);
  const deciding = known.find((row) => ranOn(row, tree));
  if (deciding === undefined) return say("tree", known[0]);
  if (deciding.exit_code !== 0) return say("failed", deciding);
  return say(deciding.id <= staleTo ? "stale" : null, deciding);
}
