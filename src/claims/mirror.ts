/**
 * The claims that are alive, as the front knows them: what each commit has left of them, and who wants to know when one
 * is no longer what it was. Answers lists, checks and places in line without the writer. Pure but for its state.
 */
import type { LeaseRecord } from "../../schemas/leases.js";
import type { Exposition, Measured } from "../measure/exposition.js";
import { type LiveLease, liveLease } from "./lease.js";
import { conflict } from "./ledger.js";
import type { Resource } from "./resource.js";
import { type Meeting, ResourceIndex } from "./resource-index.js";

/** Who is told of each lease that a commit has changed; of one that has ended, too. */
export type LeaseListener = (record: LeaseRecord) => void;

export class LeaseMirror implements Measured {
  readonly #live = new Map<number, LiveLease>();
  readonly #by_holder = new Map<string, Set<LiveLease>>();
  readonly #index = new ResourceIndex<LiveLease>();
  readonly #waiters = new Map<number, Set<() => void>>();
  readonly #listeners: LeaseListener[] = [];
  /** From the request to the grant, in seconds: how many were granted, and how long they have waited together. */
  readonly #waited = { count: 0, sum_s: 0 };
  #held = 0;

  /** What every change is told to. */
  listen(listener: LeaseListener): void {
    this.#listeners.push(listener);
  }

  /** Takes what the database holds: at the start, after a crash of the writer, after a restore. */
  load(records: readonly LeaseRecord[]): void {
    const before = [...this.#live.values()];
    this.#live.clear();
    this.#by_holder.clear();
    this.#index.clear();
    this.#held = 0;
    for (const record of records) this.#put(record);
    for (const { order, record } of before) if (!this.#live.has(order)) this.#tell({ ...record, state: "lost" });
    for (const record of records) this.#tell(record);
  }

  /** Takes what a commit has changed, in its order. */
  accept(records: readonly LeaseRecord[]): void {
    for (const record of records) {
      const known = this.#live.get(record.row);
      if (record.state === "held" && known?.record.state !== "held") {
        this.#waited.count += 1;
        this.#waited.sum_s += ((record.granted_at ?? 0) - record.requested_at) / 1000;
      }
      this.#put(record);
    }
    for (const record of records) this.#tell(record);
  }

  get(row: number): LeaseRecord | undefined {
    return this.#live.get(row)?.record;
  }

  /** Those that are held or wait, the newest request first. */
  list(): LeaseRecord[] {
    return [...this.#live.values()].map(({ record }) => record).toSorted((a, b) => b.row - a.row);
  }

  /** What a holder holds and waits for. */
  *of(holder: string): Generator<LeaseRecord> {
    for (const { record } of this.#by_holder.get(holder) ?? []) yield record;
  }

  /** What others than `holder` hold of these; "" is nobody. */
  heldByOthers(resources: readonly Resource[], holder: string, shared: boolean): Generator<Meeting<LiveLease>> {
    return this.#index.meeting(
      resources,
      (lease) => lease.record.state === "held" && lease.holder !== holder && !(shared && lease.shared),
    );
  }

  /** The place of a lease among those that wait and conflict with it, from 1 on; null where it does not wait. */
  positionOf(row: number): number | null {
    const lease = this.#live.get(row);
    if (lease?.record.state !== "waiting") return null;
    const before = new Set<LiveLease>();
    const where = (other: LiveLease): boolean =>
      other.record.state === "waiting" && other.order < lease.order && conflict(other, lease) && !before.has(other);
    for (const { filed } of this.#index.meeting(lease.resources, where)) before.add(filed);
    return before.size + 1;
  }

  /**
   * Waits until a lease does not wait any more.
   * @param client is told what to call when it has gone
   */
  whileWaiting(row: number, wait_ms: number, client: { onAbort(listener: () => void): void }): Promise<void> {
    if (this.#live.get(row)?.record.state !== "waiting") return Promise.resolve();
    return new Promise((resolve) => {
      const waiters = this.#waiters.get(row) ?? new Set();
      this.#waiters.set(row, waiters);
      const finish = (): void => {
        clearTimeout(timer);
        waiters.delete(finish);
        if (waiters.size === 0 && this.#waiters.get(row) === waiters) this.#waiters.delete(row);
        resolve();
      };
      const timer = setTimeout(finish, wait_ms);
      waiters.add(finish);
      client.onAbort(finish);
    });
  }

  /** Nobody waits any more: the server shuts down. */
  end(): void {
    for (const waiters of [...this.#waiters.values()]) for (const finish of [...waiters]) finish();
  }

  expose(out: Exposition): void {
    out
      .metric("koor_leases", "gauge", "Leases by state.")
      .sample("koor_leases", this.#held, { state: "held" })
      .sample("koor_leases", this.#live.size - this.#held, { state: "waiting" })
      .metric("koor_lease_wait_seconds", "summary", "From a lease's request to its grant.")
      .sample("koor_lease_wait_seconds_sum", this.#waited.sum_s)
      .sample("koor_lease_wait_seconds_count", this.#waited.count);
  }

  #put(record: LeaseRecord): void {
    const known = this.#live.get(record.row);
    if (known?.record.state === "held") this.#held -= 1;
    if (record.ended_at !== null) {
      if (known !== undefined) this.#remove(known);
      return;
    }
    if (record.state === "held") this.#held += 1;
    if (known === undefined) this.#add(liveLease(record));
    else known.record = record;
  }

  #add(lease: LiveLease): void {
    this.#live.set(lease.order, lease);
    this.#index.add(lease);
    const theirs = this.#by_holder.get(lease.holder);
    if (theirs === undefined) this.#by_holder.set(lease.holder, new Set([lease]));
    else theirs.add(lease);
  }

  #remove(lease: LiveLease): void {
    this.#live.delete(lease.order);
    this.#index.remove(lease);
    const theirs = this.#by_holder.get(lease.holder);
    theirs?.delete(lease);
    if (theirs?.size === 0) this.#by_holder.delete(lease.holder);
  }

  #tell(record: LeaseRecord): void {
    for (const listener of this.#listeners) listener(record);
    if (record.state === "waiting") return;
    for (const finish of [...(this.#waiters.get(record.row) ?? [])]) finish();
  }
}
