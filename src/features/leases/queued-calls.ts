/**
 * Counts the calls that wait for each queued lease request. A request without `queue` stays in the queue only while a
 * call waits for it. When the last such call is gone, this class takes the request out of the queue. Runs on the front.
 *
 * A call also counts as gone after a restart of the server, or if it failed because the writer crashed. The calls
 * themselves wait in the projection of leases.
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
  /** The number of calls that wait for a lease, by its row. */
  readonly #calls = new TurnoverMap<number, number>();
  /** The rows of waiting leases that may have no waiting call. The next tick checks them. */
  #abandoned = new Set<number>();

  constructor(leases: LeaseProjection, writer: Writer) {
    this.#leases = leases;
    this.#writer = writer;
  }

  /**
   * Counts a call that waits for a lease.
   * @returns a function that stops counting the call, and returns whether other calls still wait
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

  /** Marks a lease for a check. Called when a call ended but could not take its request out of the queue. */
  abandon(row: number): void {
    this.#abandoned.add(row);
  }

  /** Marks all waiting leases for a check. Called when the calls that waited for them may have ended. */
  checkAll(): void {
    for (const record of this.#leases.list()) if (isForCalls(record)) this.#abandoned.add(record.row);
  }

  /**
   * Checks the marked leases, and takes those without a waiting call out of the queue. A lease may have been marked
   * before a call joined it. If a call has joined it by now, the lease stays in the queue.
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

  /** Releases a lease that was granted after the last call that waited for it had ended. */
  #release(row: number, context: CallContext): void {
    const fence = this.#leases.get(row)?.fence ?? null;
    this.#writer.call(releaseLease, { row, fence }, context, () => undefined);
  }
}

function isForCalls({ state, queued }: LeaseRecord): boolean {
  return state === "waiting" && !queued;
}
