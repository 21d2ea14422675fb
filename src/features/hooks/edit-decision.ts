/**
 * Decides about a tool call that edits files. The policy of the project says whether the server leases the free files,
 * demands that the agent has leased them, or only reports conflicts. If a lease fails because of another agent, the
 * call is denied. If it fails for any other reason, the call may run. Runs on the front.
 */
import type { LeaseRecord } from "../../../schemas/leases.js";
import type { Failure } from "../../base/result.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import type { AutoLeases } from "./auto-leases.js";
import { notCheckedLine, notLeasedLine } from "./call-lines.js";
import { type CallOutcome, type DecidedCall, denied, MAY_RUN } from "./decided-call.js";
import { awaitedReason, leasedReason, unleasedReason } from "./denial.js";
import type { HeldByOthers, WantedPath } from "./held-by-others.js";
import type { HeldLines } from "./held-lines.js";
import type { NearbyLines } from "./nearby-lines.js";
import type { LocatedPath } from "./roots.js";

export interface EditDecisionOptions {
  readonly leases: LeaseProjection;
  readonly held: HeldByOthers;
  readonly heldLines: HeldLines;
  readonly auto: AutoLeases;
  readonly nearby: NearbyLines;
}

export class EditDecision {
  readonly #options: EditDecisionOptions;

  constructor(options: EditDecisionOptions) {
    this.#options = options;
  }

  decide(call: DecidedCall): CallOutcome | Promise<CallOutcome> {
    const { effects, roots, actor } = call;
    const located = locateAll(effects.written.paths, effects.directory, roots);
    if (roots.isSpent) return { denial: null, lines: [notCheckedLine("its paths and the globs are too long")] };
    if (located.length === 0) return MAY_RUN;
    const { paths, problem } = this.#options.held.want(located, actor);
    const why = effects.written.complete ? problem : "it writes too many paths";
    const decided = this.#decideFor(paths, effects.written.complete, call);
    if (why === null) return decided;
    const add = (outcome: CallOutcome): CallOutcome =>
      outcome.denial === null ? { denial: null, lines: [notCheckedLine(why), ...outcome.lines] } : outcome;
    return decided instanceof Promise ? decided.then(add) : add(decided);
  }

  /**
   * Decides about the paths that can be compared with leases.
   * @param isComplete whether they are all paths of the call. If not, they are not leased, because the call writes more
   * files than one call may lease
   */
  #decideFor(paths: readonly WantedPath[], isComplete: boolean, call: DecidedCall): CallOutcome | Promise<CallOutcome> {
    const { policy } = call.headers;
    if (policy === "warn") return this.#warn(paths, call);
    const [obstacle] = this.#options.held.obstacles(paths);
    if (obstacle !== undefined) return denied(leasedReason(obstacle), obstacle);
    if (!isComplete) return MAY_RUN;
    return policy === "strict" ? this.#demand(paths, call) : this.#lease(paths, call);
  }

  #warn(paths: readonly WantedPath[], call: DecidedCall): CallOutcome {
    const { held, heldLines, nearby } = this.#options;
    const lines = heldLines.of(held.obstacles(paths), call.actor.id);
    return { denial: null, lines: [...lines, ...nearby.of(paths, call)] };
  }

  /** Denies the call unless the agent, or the parent of a subagent, has leased each path. */
  #demand(paths: readonly WantedPath[], call: DecidedCall): CallOutcome {
    const { held, nearby } = this.#options;
    const { actor, session } = call;
    const free = paths.find((path) => !held.isCovered(path, actor.id) && !held.isCovered(path, session.id));
    if (free !== undefined)
      return denied(unleasedReason(free), { path: free.path, resource: free.resource, lease: null });
    this.#touch(paths, call);
    return { denial: null, lines: nearby.of(paths, call) };
  }

  /** Leases the paths that the agent itself has not leased yet. */
  #lease(paths: readonly WantedPath[], call: DecidedCall): CallOutcome | Promise<CallOutcome> {
    const { held, nearby } = this.#options;
    const { actor } = call;
    this.#touch(paths, call);
    // Leave out the workspace's root. A lease of it would exclude all other agents, although no tool writes all files.
    const free = paths.filter((path) => path.path !== "" && !held.isCovered(path, actor.id));
    if (free.length === 0) return { denial: null, lines: nearby.of(paths, call) };
    return this.#acquire(free, paths, call);
  }

  async #acquire(free: readonly WantedPath[], paths: readonly WantedPath[], call: DecidedCall): Promise<CallOutcome> {
    const { auto, nearby } = this.#options;
    const { actor, headers, context } = call;
    const refusal = await auto.lease(free, actor, headers.autoTtlS, context);
    if (refusal === null) return { denial: null, lines: nearby.of(paths, call) };
    return this.#conflict(refusal, free) ?? { denial: null, lines: [notLeasedLine(refusal.message)] };
  }

  #touch(paths: readonly WantedPath[], { actor, context }: DecidedCall): void {
    const { auto, held } = this.#options;
    const touched = new Map<number, LeaseRecord>();
    for (const path of paths) for (const record of held.covering(path, actor.id)) touched.set(record.row, record);
    auto.touch(touched.values(), context);
  }

  /** Returns a denial if a lease request failed because of another agent; null if it failed for another reason. */
  #conflict({ members }: Failure, free: readonly WantedPath[]): CallOutcome | null {
    const { conflicts } = (members ?? {}) as {
      readonly conflicts?: readonly { readonly wanted: string; readonly lease: number }[];
    };
    const conflict = conflicts?.[0];
    const record = conflict === undefined ? undefined : this.#options.leases.get(conflict.lease);
    const path = free.find(({ resource }) => resource === conflict?.wanted) ?? free[0];
    if (record === undefined || path === undefined) return null;
    const obstacle = this.#options.held.obstacleOf(path, record);
    return denied(record.state === "waiting" ? awaitedReason(obstacle) : leasedReason(obstacle), obstacle);
  }
}

/**
 * Converts paths to paths in the workspace. Leaves out duplicates, ignored paths, and paths outside of the workspace.
 */
export function locateAll(
  paths: readonly string[],
  directory: string,
  roots: DecidedCall["roots"],
): readonly LocatedPath[] {
  const found = new Map<string, LocatedPath>();
  for (const path of paths) {
    const located = roots.locate(path, directory);
    if (located !== null) found.set(located.resource, located);
  }
  return [...found.values()];
}
