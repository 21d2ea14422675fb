/**
 * Ends claims whose life is over: a claim is looked at when it would end if nothing had been heard of its holder since,
 * and again then where something was. So signs of life cost nothing here, and what is looked at is little more than
 * what ends. Runs on the front, driven by ticks.
 */
import type { LeaseRecord } from "../../schemas/leases.js";
import { CLAIMS_ENDED_TOGETHER } from "../../schemas/limits.js";
import type { BackgroundTask } from "../background/task.js";
import type { Clock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { Failure } from "../base/result.js";
import type { PauseDetector } from "../base/pause-detector.js";
import { NO_CALLER } from "../rpc/frames.js";
import type { Writer } from "../threads/writer.js";
import { endClaims } from "./commands.js";
import { isLease, leaseId } from "./lease.js";
import { type EndReason, lifeOf } from "./life.js";
import type { LeaseProjection } from "./lease-projection.js";

/** What is asked of those who hold claims. */
export interface Holders {
  /** When an instance was heard of last, in ms; in the future where it is busy, 0 where it is gone. */
  lastSeenOf(id: string, now_ms: number): number;
  /** From now on `Expiry.hear` is told of a sign of life before it counts, or no more. */
  watch(id: string, watched: boolean): void;
}

export interface ExpiryOptions {
  readonly leases: LeaseProjection;
  readonly holders: Holders;
  readonly writer: Writer;
  readonly clock: Clock;
  readonly log: Log;
  readonly run_time: Pick<PauseDetector, "resumed">;
  /** Where other servers may hear of holders, too: the one that leads ends claims, a while later unless it is alone. */
  readonly shared: {
    readonly isLeader: () => boolean;
    readonly alone: () => boolean;
    readonly grace_ms: number;
  } | null;
}

/** Claims are filed by when they are due, to so many ms. */
const SLOT_MS = 100;
/** By how many slots the time may fall without being taken to have gone back. */
const SLOTS_BACK_MAX = 100;
/** A writer that is busy or restarting is asked again after so long. */
const RETRY_MS = 1_000;

interface End {
  readonly row: number;
  readonly fence: number;
  readonly reason: EndReason;
  /** When the holder was heard of last; null where no other server may have heard of it since. */
  readonly heard_at: number | null;
}

export class Expiry implements BackgroundTask {
  readonly #options: ExpiryOptions;
  /** Rows by the slot in which they are looked at. */
  readonly #slots = new Map<number, number[]>();
  /** The slot of a row, by which one that was filed anew is known. */
  readonly #slotOf = new Map<number, number>();
  /** Claims that have come since the last tick: most that end soon have ended before they are filed. */
  #fresh: number[] = [];
  /** What the writer was asked to end: under these fences. */
  readonly #ending = new Map<number, number>();
  #done_slot: number;

  constructor(options: ExpiryOptions) {
    this.#options = options;
    this.#done_slot = slotAt(options.clock.now());
    options.leases.listen((record) => this.#follow(record));
  }

  /** Until when a lease lives if nothing more is heard; null where it is not held. */
  endOf(record: LeaseRecord): number | null {
    if (record.state !== "held") return null;
    return this.#lifeOf(record, this.#options.clock.now()).ends_ms;
  }

  tick(now_ms: number): void {
    for (const row of this.#fresh.splice(0)) {
      const record = this.#options.leases.get(row);
      if (record !== undefined) this.#schedule(row, this.#lifeOf(record, now_ms).ends_ms);
    }
    const last = slotAt(now_ms) - 1;
    const due: number[] = [];
    if (last < this.#done_slot - SLOTS_BACK_MAX) this.#scheduleAgain(last, now_ms);
    // Where the clock has leapt, there are fewer slots than steps.
    const slots =
      last - this.#done_slot > this.#slots.size
        ? [...this.#slots.keys()].filter((slot) => slot <= last)
        : Array.from({ length: Math.max(0, last - this.#done_slot) }, (_, at) => this.#done_slot + 1 + at);
    for (const slot of slots) {
      for (const row of this.#slots.get(slot) ?? []) if (this.#slotOf.get(row) === slot) due.push(row);
      this.#slots.delete(slot);
    }
    this.#done_slot = Math.max(this.#done_slot, last);
    this.#check(due, now_ms);
  }

  /** The time went back, as where a node's clock was found to be wrong: everything is due earlier than it was filed. */
  #scheduleAgain(last: number, now_ms: number): void {
    this.#done_slot = last;
    for (const row of [...this.#slotOf.keys()]) {
      const record = this.#options.leases.get(row);
      if (record !== undefined) this.#schedule(row, this.#lifeOf(record, now_ms).ends_ms);
    }
  }

  /**
   * A sign of life of a holder, before it counts: what had ended by now has ended, although nobody has looked yet. What
   * the holder asks for next comes behind that.
   */
  endOverdue(holder: string, now_ms: number): void {
    // Whoever leads may know of another sign of life.
    const { shared } = this.#options;
    if (shared !== null && !(shared.isLeader() && shared.alone())) return;
    const rows = [...this.#options.leases.of(holder)].map(({ row }) => row);
    this.#end(rows.flatMap((row) => this.#overdue(row, now_ms)));
  }

  /** A holder's claims end sooner than they would have. */
  hurry(holder: string): void {
    for (const record of this.#options.leases.of(holder)) this.#follow(record);
  }

  #follow(record: LeaseRecord): void {
    const { leases, holders, clock } = this.#options;
    if (record.state === "held" || record.state === "waiting") {
      holders.watch(record.holder, true);
      if (this.#slotOf.has(record.row)) this.#schedule(record.row, this.#lifeOf(record, clock.now()).ends_ms);
      else this.#fresh.push(record.row);
      return;
    }
    this.#slotOf.delete(record.row);
    this.#ending.delete(record.row);
    if (leases.of(record.holder).next().done === true) holders.watch(record.holder, false);
  }

  #lifeOf(record: LeaseRecord, now_ms: number): ReturnType<typeof lifeOf> {
    const { holders, run_time } = this.#options;
    return lifeOf(record, holders.lastSeenOf(record.holder, now_ms), run_time.resumed(now_ms));
  }

  #schedule(row: number, ends_ms: number): void {
    const slot = Math.max(slotAt(ends_ms), this.#done_slot + 1);
    if (this.#slotOf.get(row) === slot) return;
    this.#slotOf.set(row, slot);
    const rows = this.#slots.get(slot);
    if (rows === undefined) this.#slots.set(slot, [row]);
    else rows.push(row);
  }

  #check(rows: readonly number[], now_ms: number): void {
    const ends: End[] = [];
    for (const row of rows) {
      this.#slotOf.delete(row);
      const over = this.#overdue(row, now_ms);
      ends.push(...over);
      const record = this.#options.leases.get(row);
      if (over.length > 0 || record === undefined) continue;
      // Where it is not this server's to end it is looked at again.
      const { shared } = this.#options;
      const least_ms = shared === null || shared.isLeader() ? 0 : now_ms + RETRY_MS;
      this.#schedule(row, Math.max(this.#due(this.#lifeOf(record, now_ms)), least_ms));
    }
    this.#end(ends);
  }

  /** The end of a lease whose life is over, and which nobody is ending yet. */
  #overdue(row: number, now_ms: number): End[] {
    const record = this.#options.leases.get(row);
    if (record === undefined || this.#ending.get(row) === record.fence) return [];
    const life = this.#lifeOf(record, now_ms);
    const { shared, holders } = this.#options;
    const { fence, holder } = record;
    if (this.#due(life) > now_ms || shared?.isLeader() === false) return [];
    const heard_at = shared === null ? null : holders.lastSeenOf(holder, now_ms);
    return [{ row, fence, reason: life.reason, heard_at }];
  }

  /** When a life is taken to be over: a sign of life that was heard elsewhere is known a while later. */
  #due({ ends_ms, reason }: ReturnType<typeof lifeOf>): number {
    const { shared } = this.#options;
    return shared === null || reason === "max_s" || shared.alone() ? ends_ms : ends_ms + shared.grace_ms;
  }

  #end(ends: readonly End[]): void {
    const { leases, writer, log, clock } = this.#options;
    for (let at = 0; at < ends.length; at += CLAIMS_ENDED_TOGETHER) {
      const together = ends.slice(at, at + CLAIMS_ENDED_TOGETHER);
      for (const { row, fence } of together) this.#ending.set(row, fence);
      const names = new Map(together.map(({ row }) => [row, nameOf(leases.get(row), row)]));
      writer.call(endClaims, { ends: together }, NO_CALLER, (reply) => {
        for (const { row, reason } of together) {
          this.#ending.delete(row);
          if (reply instanceof Failure) this.#schedule(row, clock.now() + RETRY_MS);
          else log.info("claim lost", { id: names.get(row), reason });
        }
      });
    }
  }
}

/** What a claim is called in the log: its lease, or else its task. */
function nameOf(record: LeaseRecord | undefined, row: number): string {
  return record === undefined || isLease(record) ? leaseId(row) : (record.task ?? "");
}

function slotAt(time_ms: number): number {
  return Math.floor(time_ms / SLOT_MS);
}
