/**
 * Ends expired claims. Each claim is checked when it would expire if its holder sent no heartbeat. If there was a
 * heartbeat before the check, the claim is checked again at its new expiry time. So a heartbeat causes no work here.
 * Runs on the front, driven by ticks.
 */
import type { LeaseRecord } from "../../../schemas/leases.js";
import { CLAIMS_ENDED_TOGETHER } from "../../../schemas/limits/claims.js";
import type { BackgroundTask } from "../../platform/background/task.js";
import type { Clock } from "../../base/clock.js";
import type { Log } from "../../base/log.js";
import { Failure } from "../../base/result.js";
import type { PauseDetector } from "../../base/pause-detector.js";
import { NO_CALLER } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import { endClaims } from "./commands.js";
import { isLease, leaseId } from "./lease.js";
import { type EndReason, lifeOf } from "./life.js";
import type { LeaseProjection } from "./lease-projection.js";

/** Tells the expiry when the holders of claims were last seen. */
export interface Holders {
  /**
   * Returns when an instance was last seen, in ms. The time is in the future while the instance is busy, and 0 if the
   * instance was deleted.
   */
  lastSeenOf(id: string, nowMs: number): number;
  /**
   * Starts or stops watching an instance. Each heartbeat of a watched instance first calls `Expiry.endOverdue`, and
   * counts afterwards.
   */
  watch(id: string, watched: boolean): void;
}

export interface ExpiryOptions {
  readonly leases: LeaseProjection;
  readonly holders: Holders;
  readonly writer: Writer;
  readonly clock: Clock;
  readonly log: Log;
  readonly pauseDetector: Pick<PauseDetector, "resumed">;
  /**
   * The settings of a cluster; null on a single server. In a cluster, only the leader ends claims. If another node
   * received a heartbeat, the leader learns of it with a delay. So the leader waits another `graceMs` before it ends a
   * claim, unless no other node is alive.
   */
  readonly shared: {
    readonly isLeader: () => boolean;
    readonly hasNoPeers: () => boolean;
    readonly graceMs: number;
  } | null;
}

/** The width of a time slot in the schedule, in ms. Claims are checked with this precision. */
const SLOT_MS = 100;
/**
 * If the clock goes back by at most this number of slots, nothing happens. A larger step means that the clock was set
 * back, and all claims are scheduled again.
 */
const SLOTS_BACK_MAX = 100;
/** The delay before the next attempt, in ms. An attempt fails while the writer is busy or restarting. */
const RETRY_MS = 1_000;

interface End {
  readonly row: number;
  readonly fence: number;
  readonly reason: EndReason;
  /**
   * The time at which the holder was last seen, as the front knows it, in ms; null on a single server. The writer keeps
   * the claim if it knows a later time.
   */
  readonly heard_at: number | null;
}

export class Expiry implements BackgroundTask {
  readonly #options: ExpiryOptions;
  /** The rows of the claims to check in each time slot. */
  readonly #slots = new Map<number, number[]>();
  /**
   * The slot in which each claim is checked, by the claim's row. `#slots` may still list the row in an older slot; that
   * entry is skipped.
   */
  readonly #slotOf = new Map<number, number>();
  /**
   * Claims that were granted since the last tick. They are scheduled only at the next tick, because most short claims
   * have ended by then.
   */
  #fresh: number[] = [];
  /** The fence of each claim that the writer is ending or will end next, by the row of the claim. */
  readonly #ending = new Map<number, number>();
  /** The claims that the writer will end next. */
  readonly #overdueClaims: End[] = [];
  /** Whether the writer is ending claims. */
  #isEnding = false;
  #doneSlot: number;

  constructor(options: ExpiryOptions) {
    this.#options = options;
    this.#doneSlot = slotAt(options.clock.now());
    options.leases.listen((record) => this.#follow(record));
  }

  /**
   * Returns the time in ms at which a lease expires if its holder is not seen again. Returns null if the lease is not
   * held.
   */
  endOf(record: LeaseRecord): number | null {
    if (record.state !== "held") return null;
    return this.#lifeOf(record, this.#options.clock.now()).endsMs;
  }

  tick(nowMs: number): void {
    for (const row of this.#fresh.splice(0)) {
      const record = this.#options.leases.get(row);
      if (record !== undefined) this.#schedule(row, this.#lifeOf(record, nowMs).endsMs);
    }
    const last = slotAt(nowMs) - 1;
    const due: number[] = [];
    if (last < this.#doneSlot - SLOTS_BACK_MAX) this.#scheduleAgain(last, nowMs);
    // Usually visit each slot of the time that has passed. If the clock has jumped far forward, these are more slots
    // than the schedule has, so visit the slots of the schedule instead.
    const slots =
      last - this.#doneSlot > this.#slots.size
        ? [...this.#slots.keys()].filter((slot) => slot <= last)
        : Array.from({ length: Math.max(0, last - this.#doneSlot) }, (_, at) => this.#doneSlot + 1 + at);
    for (const slot of slots) {
      for (const row of this.#slots.get(slot) ?? []) if (this.#slotOf.get(row) === slot) due.push(row);
      this.#slots.delete(slot);
    }
    this.#doneSlot = Math.max(this.#doneSlot, last);
    this.#check(due, nowMs);
  }

  /**
   * Schedules all claims again after the clock was set back, for example because a node's clock was wrong. Without
   * this, every claim would be checked too late.
   */
  #scheduleAgain(last: number, nowMs: number): void {
    this.#doneSlot = last;
    for (const row of [...this.#slotOf.keys()]) {
      const record = this.#options.leases.get(row);
      if (record !== undefined) this.#schedule(row, this.#lifeOf(record, nowMs).endsMs);
    }
  }

  /**
   * Ends the overdue claims of a holder before its heartbeat counts. So an expired claim stays expired, even if no tick
   * has checked it yet. The request that brought the heartbeat is applied afterwards, and finds the claim ended.
   */
  endOverdue(holder: string, nowMs: number): void {
    // Another live node of the cluster may have received a later heartbeat. So while there is such a node, only the
    // leader's ticks end claims.
    const { shared } = this.#options;
    if (shared !== null && !(shared.isLeader() && shared.hasNoPeers())) return;
    const rows = [...this.#options.leases.of(holder)].map(({ row }) => row);
    this.#end(rows.flatMap((row) => this.#overdue(row, nowMs)));
  }

  /** Schedules the claims of a holder again because they now expire sooner. */
  hurry(holder: string): void {
    for (const record of this.#options.leases.of(holder)) this.#follow(record);
  }

  #follow(record: LeaseRecord): void {
    const { leases, holders, clock } = this.#options;
    if (record.state === "held" || record.state === "waiting") {
      holders.watch(record.holder, true);
      if (this.#slotOf.has(record.row)) this.#schedule(record.row, this.#lifeOf(record, clock.now()).endsMs);
      else this.#fresh.push(record.row);
      return;
    }
    this.#slotOf.delete(record.row);
    this.#ending.delete(record.row);
    if (leases.of(record.holder).next().done === true) holders.watch(record.holder, false);
  }

  #lifeOf(record: LeaseRecord, nowMs: number): ReturnType<typeof lifeOf> {
    const { holders, pauseDetector } = this.#options;
    return lifeOf(record, holders.lastSeenOf(record.holder, nowMs), pauseDetector.resumed(nowMs));
  }

  #schedule(row: number, endsMs: number): void {
    const slot = Math.max(slotAt(endsMs), this.#doneSlot + 1);
    if (this.#slotOf.get(row) === slot) return;
    this.#slotOf.set(row, slot);
    const rows = this.#slots.get(slot);
    if (rows === undefined) this.#slots.set(slot, [row]);
    else rows.push(row);
  }

  #check(rows: readonly number[], nowMs: number): void {
    const ends: End[] = [];
    for (const row of rows) {
      this.#slotOf.delete(row);
      const over = this.#overdue(row, nowMs);
      ends.push(...over);
      const record = this.#options.leases.get(row);
      if (over.length > 0 || record === undefined) continue;
      // Only the leader ends claims, so any other server checks the claim again later.
      const { shared } = this.#options;
      const leastMs = shared === null || shared.isLeader() ? 0 : nowMs + RETRY_MS;
      this.#schedule(row, Math.max(this.#due(this.#lifeOf(record, nowMs)), leastMs));
    }
    this.#end(ends);
  }

  /**
   * Returns a list with one element if a claim has expired: the data with which the writer ends it. The list is empty
   * if the claim has not expired, or if the writer is already ending it.
   */
  #overdue(row: number, nowMs: number): End[] {
    const record = this.#options.leases.get(row);
    if (record === undefined || this.#ending.get(row) === record.fence) return [];
    const life = this.#lifeOf(record, nowMs);
    const { shared, holders } = this.#options;
    const { fence, holder } = record;
    if (this.#due(life) > nowMs || shared?.isLeader() === false) return [];
    const heardAt = shared === null ? null : holders.lastSeenOf(holder, nowMs);
    return [{ row, fence, reason: life.reason, heard_at: heardAt }];
  }

  /**
   * Returns the time in ms at which a claim counts as expired. In a cluster it is later, because a heartbeat that
   * another node received reaches this node with a delay.
   */
  #due({ endsMs, reason }: ReturnType<typeof lifeOf>): number {
    const { shared } = this.#options;
    return shared === null || reason === "max_s" || shared.hasNoPeers() ? endsMs : endsMs + shared.graceMs;
  }

  #end(ends: readonly End[]): void {
    for (const { row, fence } of ends) this.#ending.set(row, fence);
    this.#overdueClaims.push(...ends);
    if (!this.#isEnding) this.#endNext();
  }

  /**
   * Asks the writer to end a limited number of claims. The next claims follow after its reply, so that the writer
   * executes other calls in between.
   */
  #endNext(): void {
    const { leases, writer, log, clock } = this.#options;
    const together = this.#overdueClaims.splice(0, CLAIMS_ENDED_TOGETHER);
    this.#isEnding = together.length > 0;
    if (!this.#isEnding) return;
    const names = new Map(together.map(({ row }) => [row, nameOf(leases.get(row), row)]));
    writer.call(endClaims, { ends: together }, NO_CALLER, (reply) => {
      for (const { row, fence, reason } of together) {
        this.#ending.delete(row);
        // The writer keeps a claim if a heartbeat or a renewal came after the front's decision.
        const isKept = leases.get(row)?.fence === fence;
        if (reply instanceof Failure || isKept) this.#schedule(row, clock.now() + RETRY_MS);
        else log.info("claim lost", { id: names.get(row), reason });
      }
      this.#endNext();
    });
  }
}

/** Returns the name of a claim for the log: the lease id, or the task id if the claim is not a lease. */
function nameOf(record: LeaseRecord | undefined, row: number): string {
  return record === undefined || isLease(record) ? leaseId(row) : (record.task ?? "");
}

function slotAt(timeMs: number): number {
  return Math.floor(timeMs / SLOT_MS);
}
