/**
 * Finds the leases of other agents with which a tool call would conflict. Also finds leases of the same paths in other
 * working trees, because their changes will have to be merged with those of the call. All answers come from the front's
 * memory. Runs on the front.
 */
import type { LeaseRecord } from "../../../schemas/leases.js";
import { RESOURCE_BYTES_MAX } from "../../../schemas/limits/claims.js";
import { utf8Length } from "../../../schemas/text.js";
import { Failure, invalid } from "../../base/result.js";
import type { Contender } from "../claims/contention.js";
import { isLease, limitOf, TOO_MANY_STEPS } from "../claims/lease.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import { parseResource, type Resource } from "../claims/resource.js";
import type { Entry } from "../instances/entry.js";
import type { Obstacle } from "./denial.js";
import { LeaseWaiters } from "./lease-waiters.js";
import type { LocatedPath } from "./roots.js";

/** A path that a tool call writes, with the claim that the agent would need for it. */
export interface WantedPath extends LocatedPath {
  readonly wanted: Resource;
  readonly asked: Contender;
}

export interface WantedPaths {
  readonly paths: readonly WantedPath[];
  /** Why a path is left out; null if none is. */
  readonly problem: string | null;
}

export interface HeldByOthersOptions {
  readonly leases: LeaseProjection;
  readonly waiters: LeaseWaiters;
  /** Returns the time in ms at which a lease ends; null if that is not known. */
  readonly endOf: (record: LeaseRecord) => number | null;
}

export class HeldByOthers {
  readonly #options: HeldByOthersOptions;

  constructor(options: HeldByOthersOptions) {
    this.#options = options;
  }

  /**
   * Prepares paths for a comparison with leases. Leaves out a path that no lease can name. All other paths are compared
   * nevertheless, because the call could otherwise write any file beside such a path. If the comparison costs too much,
   * no path is compared.
   */
  want(located: readonly LocatedPath[], { id: holder, parent, workspace, checkout }: Entry): WantedPaths {
    const paths: WantedPath[] = [];
    let problem: string | null = null;
    for (const path of located) {
      const wanted = readPath(path, workspace);
      if (wanted instanceof Failure) {
        problem ??= wanted.message;
        continue;
      }
      const limitedTo = path.scope === "repo" ? null : (checkout?.id ?? null);
      paths.push({ ...path, wanted, asked: { holder, parent, shared: false, limitedTo } });
    }
    const costsTooMuch = this.#options.leases.costsTooMuch(paths.map(({ wanted }) => wanted));
    return costsTooMuch ? { paths: [], problem: TOO_MANY_STEPS.message } : { paths, problem };
  }

  /** Yields each path that other agents have leased, with the oldest of their leases. */
  *obstacles(paths: readonly WantedPath[]): Generator<Obstacle> {
    const search = LeaseWaiters.search();
    for (const path of paths) {
      const record = this.#oldestOf(path);
      if (record !== undefined) yield this.obstacleOf(path, record, search);
    }
  }

  /** Returns the data that a denial reports about a lease, or about an earlier request in the queue. */
  obstacleOf({ path, resource }: LocatedPath, record: LeaseRecord, search = LeaseWaiters.search()): Obstacle {
    const { holder, holder_name, reason, row, state } = record;
    return {
      path,
      resource,
      lease: row,
      holder: { id: holder, name: holder_name },
      reason,
      untilMs: this.#options.endOf(record),
      waiters: state === "held" ? this.#options.waiters.of(record, search).map(({ name }) => name) : [],
    };
  }

  /** Returns whether an agent holds an exclusive lease that covers a path. */
  isCovered(path: WantedPath, holder: string): boolean {
    return this.covering(path, holder).length > 0;
  }

  /** Returns the exclusive leases of an agent that cover a path. */
  covering({ wanted, asked: { limitedTo } }: WantedPath, holder: string): LeaseRecord[] {
    const covering: LeaseRecord[] = [];
    for (const { filed } of this.#options.leases.heldBy(holder, [wanted])) {
      const { record } = filed;
      const limit = limitOf(record);
      if (!record.shared && (limit === null || limit === limitedTo)) covering.push(record);
    }
    return covering;
  }

  /** Yields the leases of the same path in other working trees. Their holders change the path, too. */
  *nearby({ wanted, asked }: WantedPath): Generator<LeaseRecord> {
    for (const { filed } of this.#options.leases.nearbyOf(wanted, asked)) yield filed.record;
  }

  #oldestOf({ wanted, asked }: WantedPath): LeaseRecord | undefined {
    let oldest: LeaseRecord | undefined;
    for (const { filed } of this.#options.leases.heldByOthers([wanted], asked))
      if (isLease(filed.record) && (oldest === undefined || filed.order < oldest.row)) oldest = filed.record;
    return oldest;
  }
}

function readPath({ resource }: LocatedPath, workspace: string): Resource | Failure {
  if (utf8Length(resource) > RESOURCE_BYTES_MAX) return invalid(`a path is longer than ${RESOURCE_BYTES_MAX} bytes`);
  return parseResource(resource, workspace, "a path");
}
