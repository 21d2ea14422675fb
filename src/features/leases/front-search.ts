/**
 * Finds the leases that match a query. Live leases come from memory, ended leases from the database. Runs on the front.
 */
import type { Static } from "typebox";
import type { LeaseQuery, LeaseRecord } from "../../../schemas/leases.js";
import { LEASE_LIST_PAGE, LEASE_ROWS_DEFAULT } from "../../../schemas/limits/leases.js";
import { NEEDS_INSTANCE } from "../../base/needs-instance.js";
import { BUSY, Failure } from "../../base/result.js";
import { TimeSlice } from "../../base/time-slice.js";
import type { Answer } from "../../platform/front/route.js";
import { type CallContext, callerOf } from "../../platform/rpc/frames.js";
import type { Permit, Semaphore } from "../../platform/threads/semaphore.js";
import type { Writer } from "../../platform/threads/writer.js";
import { isLease, leaseRow, liveLease, readGlobs } from "../claims/lease.js";
import type { LeasePresenter } from "../claims/lease-presenter.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import { wantedBy } from "../claims/lock-entry.js";
import { resourcesMeet, type Resource, storedResource } from "../claims/resource.js";
import type { LeaseReader } from "../claims/table.js";
import type { Directory } from "../instances/directory.js";
import { LeaseList } from "./front-list.js";

export interface LeaseSearchOptions {
  readonly writer: Writer;
  readonly leases: LeaseProjection;
  readonly presenter: LeasePresenter;
  readonly reader: LeaseReader;
  readonly directory: Directory;
}

export class LeaseSearch {
  readonly #options: LeaseSearchOptions;
  readonly #slice = new TimeSlice();
  readonly #longLists: Semaphore;

  constructor(options: LeaseSearchOptions, longLists: Semaphore) {
    this.#options = options;
    this.#longLists = longLists;
  }

  /** Replies with the matching leases, the newest first. */
  async list(query: Static<typeof LeaseQuery>, context: CallContext): Promise<Answer> {
    const { actor } = context;
    const { workspace, holder, state = "held", resource, limit = LEASE_ROWS_DEFAULT, after } = query;
    const { own = 0, from, to } = query;
    if (own === 1 && actor === "") return NEEDS_INSTANCE;
    const before = leaseRow(after ?? "") ?? Number.MAX_SAFE_INTEGER;
    const overlaps = overlapping(resource, workspace);
    if (overlaps instanceof Failure) return overlaps;
    // Hooks renew automatic leases without waiting for the writer.
    await this.#options.writer.settled();
    const matches = (record: LeaseRecord): boolean =>
      isLease(record) &&
      record.row < before &&
      (state === "all" || record.state === state) &&
      (workspace === undefined || record.workspace === workspace) &&
      (holder === undefined || record.holder === holder) &&
      (own === 0 || this.#isOwn(record, actor)) &&
      wasHeldWithin(record, from, to) &&
      overlaps(record);
    const list = new LeaseList((record) => this.#options.presenter.show(record), limit);
    let permit: Permit | null = null;
    try {
      for await (const records of this.#pages(state === "held" || state === "waiting", before)) {
        for (const record of records) {
          if (list.ended) break;
          if (list.isLong && permit === null) {
            permit = await this.#longLists.take(callerOf(context));
            if (permit === null) return BUSY;
          }
          await this.#slice.yieldIfOver();
          if (matches(record)) list.add(record);
        }
        if (list.ended) break;
      }
      return list.end();
    } finally {
      permit?.();
    }
  }

  /** Returns whether a lease is held by an instance, by its parent, or by one of its subagents. */
  #isOwn({ holder, parent }: LeaseRecord, actor: string): boolean {
    return holder === actor || parent === actor || holder === this.#options.directory.get(actor)?.parent;
  }

  /**
   * Yields pages of lease records. Live leases come from memory. Ended leases come from the database. After each page
   * there is a pause, in which other requests are served.
   */
  async *#pages(live: boolean, before: number): AsyncGenerator<readonly LeaseRecord[]> {
    const { leases, reader } = this.#options;
    if (live) {
      yield leases.list();
      return;
    }
    for (let next: number | undefined = before; next !== undefined; ) {
      const page: LeaseRecord[] = reader.page(next, LEASE_LIST_PAGE);
      yield page;
      next = page.length < LEASE_LIST_PAGE ? undefined : page.at(-1)?.row;
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  }
}

/**
 * Returns whether a lease was held at some time between `from` and `to`. The result is false if the lease was never
 * granted. Without `from` and `to`, every lease matches.
 */
function wasHeldWithin({ granted_at, ended_at }: LeaseRecord, from?: number, to?: number): boolean {
  if (from === undefined && to === undefined) return true;
  if (granted_at === null || (to !== undefined && granted_at > to)) return false;
  return from === undefined || ended_at === null || ended_at >= from;
}

/**
 * Returns a function that tests whether a lease overlaps a resource. Without a workspace, the resource is interpreted
 * in the workspace of each tested lease.
 */
function overlapping(
  text: string | undefined,
  workspace: string | undefined,
): ((record: LeaseRecord) => boolean) | Failure {
  if (text === undefined) return () => true;
  const problem = readGlobs([text], workspace ?? "", () => "resource", "resource");
  if (problem instanceof Failure) return problem;
  const asked = new Map<string, Resource>();
  const askedIn = (workspaceOfLease: string): Resource => {
    const known = asked.get(workspaceOfLease) ?? storedResource(text, workspaceOfLease);
    asked.set(workspaceOfLease, known);
    return known;
  };
  return (record) => wantedBy(liveLease(record)).some((theirs) => resourcesMeet(theirs, askedIn(record.workspace)));
}
