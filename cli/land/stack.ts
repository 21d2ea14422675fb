/**
 * Rebases the branches of a landing onto the head of the target, each one on top of the one before it. The landing's
 * own branch comes first, and the other branches of the batch follow. Runs in the CLI process.
 */
import { CliFailure } from "../failure.js";
import type { Lease } from "../lease-calls.js";
import { isFailure } from "../outcome.js";
import { addFence } from "./fence-trailer.js";
import { checkKeyOf, listLandings } from "./lane.js";
import { readMarks } from "./landing-marks.js";
import type { LandPlan } from "./plan.js";
import { rebase, type Rebased } from "./rebase.js";
import type { ScratchTree } from "./scratch-tree.js";
import type { Turn } from "./turn.js";

/** A branch that may land in this turn. */
export interface Member {
  readonly branch: string;
  readonly head: string;
  readonly holder: Lease["holder"];
}

/** A branch that was rebased onto the branches before it. */
export interface Stacked extends Member {
  readonly commit: string;
  readonly commits: number;
}

/**
 * Returns the waiting landings that can land in this turn too. They must request the same check, and must be landings
 * of this repository (landing-marks.ts). If the server cannot list them, returns an empty list, because the landing
 * works without them.
 */
export async function findMembers({ settings, lane, check, batch }: LandPlan, folder: string): Promise<Member[]> {
  const members: Member[] = [];
  const listed = batch < 2 ? [] : await listLandings(settings, lane, null, Date.now());
  if (isFailure(listed) || listed.length === 0) return members;
  const isOfRepository = await readMarks(folder);
  for (const { state, branch, head, holder, check_key: key } of listed) {
    if (members.length + 1 >= batch) break;
    if (state !== "waiting" || branch === null || head === null || key !== checkKeyOf(check)) continue;
    if (isOfRepository({ lane, branch, head })) members.push({ branch, head, holder });
  }
  return members;
}

/**
 * Rebases one branch onto `onto` and adds the fence. Returns null if `onto` already contains all commits of the branch.
 */
async function stackOne(
  tree: ScratchTree,
  member: Member,
  onto: string,
  { fence, signal }: Turn,
): Promise<Stacked | Extract<Rebased, { kind: "conflict" }> | null | CliFailure> {
  const problem = await tree.reset(member.head);
  if (problem !== undefined) return problem;
  const rebased = await rebase(tree.folder, onto, signal);
  if (rebased instanceof CliFailure || rebased.kind === "conflict") return rebased;
  if (rebased.commits === 0) return null;
  const commit = await addFence(tree.folder, { onto, head: rebased.head, fence });
  return commit instanceof CliFailure ? commit : { ...member, commit, commits: rebased.commits };
}

/**
 * Rebases the branches, each one onto the one before it. A branch that conflicts with earlier ones is left out, and
 * lands in its own turn. If the first branch conflicts with the target, returns this conflict, because it is the
 * landing's own branch.
 * @returns the rebased branches that add commits; empty if the first branch adds none
 */
export async function stackMembers(
  tree: ScratchTree,
  onto: string,
  members: readonly Member[],
  turn: Turn,
): Promise<Stacked[] | Extract<Rebased, { kind: "conflict" }> | CliFailure> {
  const stack: Stacked[] = [];
  for (const [at, member] of members.entries()) {
    const one = await stackOne(tree, member, stack.at(-1)?.commit ?? onto, turn);
    if (one !== null && !("kind" in one) && !(one instanceof CliFailure)) stack.push(one);
    else if (at === 0 || turn.signal.aborted) return one ?? [];
  }
  return stack;
}
