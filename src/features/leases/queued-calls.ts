/**
 * Removes lease requests from the wait queue if no call waits for them any more. A request without `queue` may stay in
 * the queue only while a call waits for it. So this class counts the waiting calls of each request. Runs on the front.
 *
 * After a restart of the server or a crash of the writer, waiting calls may be gone, so all requests are checked. The
 * waiting itself happens in lease-projection.ts.
 */
import type { LeaseRecord } from "../../../schemas/leases.js";
import type { BackgroundTask } from "../../platform/background/task.js";
import { Failure } from "../../base/result.js";
import { TurnoverMap } from "../../base/turnover-map.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import { leaveQueue, releaseLease } from "./commands.js";

export class QueuedCalls implements BackgroundTask {
  readonly #leases: LeaseProjection;
  readonly #writer: Writer;
  /** The number of calls that wait for each lease, by the row of the lease. */
  readonly #calls = new TurnoverMap<number, number>();
  /** The rows of waiting leases that may have no waiting call. The next tick checks them. */
  #abandoned = new Set<number>();

  constructor(leases: LeaseProjection, writer: Writer) {
    this.#leases = leases;
    this.#writer = writer;
  }

  /**
   * Counts a call that waits for a lease.
   * @returns a function to call when this call ends. It returns whether other calls still wait for the lease.
   */
  join(row: number): () => { readonly others: boolean } {
    this.#calls.set(row, (this.#calls.get(row) ?? 0) + 1);
    return () => {
      const others = (this.#calls.get(row) ?? 1) - 1;
      if (others > 0) this.#calls.set(row, others);
      else this.#calls.delete(row);
      return { others: others > 0 };
    };
  }

  /** Marks a lease for the next check. Called when a call has ended but could not take its request out of the queue. */
  abandon(row: number): void {
    this.#abandoned.add(row);
  }

  /** Marks all waiting leases for the next check. Called when the calls that waited for them may be gone. */
  checkAll(): void {
    for (const record of this.#leases.list()) if (isForCalls(record)) this.#abandoned.add(record.row);
  }

  /**
   * Checks the marked leases, and takes each one out of the queue for which no call waits. If a new call has begun to
   * wait for a lease since it was marked, the lease stays.
   */
  tick(): void {
    if (this.#abandoned.size === 0) return;
    const abandoned = this.#abandoned;
    this.#abandoned = new Set();
    for (const row of abandoned) {
      const record = this.#leases.get(row);
      if (record !== undefined && isForCalls(record) && !this.#calls.has(row)) this.#leave(record);
    }
  }

  #leave({ row, holder }: LeaseRecord): void {
    const context = { actor: holder, trace: "" };
    this.#writer.call(leaveQueue, { row, stays: false }, context, (reply) => {
      if (!(reply instanceof Failure)) {
        if (reply.held) this.#release(row, context);
      } else if (reply.status !== "NOT_FOUND") this.#abandoned.add(row);
    });
  }

  /** Releases a lease that was granted after its last waiting call had ended. */
  #release(row: number, context: CallContext): void {
    const fence = this.#leases.get(row)?.fence ?? null;
    this.#writer.call(releaseLease, { row, fence }, context, () => undefined);
  }
}

function isForCalls({ state, queued }: LeaseRecord): boolean {
  return state === "waiting" && !queued;
}
