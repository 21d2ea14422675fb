/** Judges commits by the leases that were held when they were made. Pure; runs in the CLI process. */
import type { Holder } from "../../schemas/leases.js";
import type { Static } from "typebox";
import type { CommitRecord } from "./commit-paths.js";
import { LANE_PREFIX } from "../../shared/landing-lane.js";
import { type LeaseHistory, type PastLease, wasPerhapsHeld } from "./lease-history.js";

const SECOND_MS = 1_000;

export interface Violation {
  readonly path: string;
  readonly holder: Static<typeof Holder>;
  readonly lease_id: string;
}

export interface Judgement {
  readonly commit: string;
  readonly verdict: "covered" | "free" | "violation" | "off" | "unknown" | "unproven";
  /** The first fence in the commit's message that is valid; null if none is. */
  readonly fence: number | null;
  readonly violations: readonly Violation[];
  /** The commands that are not proved to pass on the commit's files; absent if the user named no commands. */
  readonly unproven?: readonly string[];
}

export interface PastRecords {
  readonly history: LeaseHistory;
  /** The ids of the commits that were made with KOOR_GUARD=off, according to the audit log. */
  readonly off: ReadonlySet<string>;
  /** The time before which the history is incomplete, in ms. Leases that ended earlier may be missing. */
  readonly sinceMs: number;
}

/**
 * Returns the leases that justify the commit. The commit names their fence and touches a path of theirs. They were held
 * at one of the commit's times.
 */
function validLeases({ fences, paths, authorS, committerS }: CommitRecord, history: LeaseHistory): PastLease[] {
  return fences
    .map((fence) => history.byFence(fence))
    .filter((past) => past !== undefined)
    .filter((past) => wasPerhapsHeld(past, authorS) || wasPerhapsHeld(past, committerS))
    .filter((past) => paths.some((path) => past.covers(path)));
}

/**
 * Whether `koor land` made the commit, by rebasing an earlier one. Such a commit names the fence of a lane lease that
 * was held at the committer's time. The files are as the author wrote them, so they are judged by the author's time.
 */
function hasLanded({ fences, committerS }: CommitRecord, history: LeaseHistory): boolean {
  return fences.some((fence) => {
    const past = history.byFence(fence);
    if (past === undefined || !wasPerhapsHeld(past, committerS)) return false;
    return past.lease.resources.some((resource) => resource.startsWith(LANE_PREFIX));
  });
}

/**
 * Returns the leases of other holders that covered a path of the commit during a second, one violation per path and
 * lease.
 */
function findViolations(
  commit: CommitRecord,
  second: number,
  valid: readonly PastLease[],
  history: LeaseHistory,
): Violation[] {
  const holders = new Set(valid.map(({ lease }) => lease.holder.id));
  const checkouts = new Set(valid.map(({ lease }) => lease.checkout));
  const violations: Violation[] = [];
  for (const path of commit.paths) {
    for (const { lease } of history.heldAt(path, second)) {
      const isElsewhere = lease.scope === "checkout" && !checkouts.has(lease.checkout);
      if (holders.has(lease.holder.id) || isElsewhere) continue;
      violations.push({ path, holder: lease.holder, lease_id: lease.id });
    }
  }
  return violations;
}

export function judge(commit: CommitRecord, { history, off, sinceMs }: PastRecords): Judgement {
  const valid = validLeases(commit, history);
  const fence = valid[0]?.lease.fence ?? null;
  const say = (verdict: Judgement["verdict"], violations: readonly Violation[] = []): Judgement => ({
    commit: commit.commit,
    verdict,
    fence,
    violations,
  });
  if (off.has(commit.commit)) return say("off");
  const isCovered = valid.length > 0 && commit.paths.every((path) => valid.some(({ covers }) => covers(path)));
  if (isCovered) return say("covered");
  const second = hasLanded(commit, history) ? commit.authorS : commit.committerS;
  if (second * SECOND_MS < sinceMs) return say("unknown");
  const violations = findViolations(commit, second, valid, history);
  return say(violations.length > 0 ? "violation" : "free", violations);
}
