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
import type { ReplyOf } from "../../platform/rpc/method.js";
import type { Writer } from "../../platform/threads/writer.js";
import { leaveQueue, releaseLease } from "./commands.js";

type Leases = Pick<LeaseProjection, "get" | "isCostlyAt" | "isEndCostly" | "list">;

/** The writer may not have run a call that failed with such an HTTP status, because it is busy or restarts. */
const SERVER_ERROR = 500;

export class QueuedCalls implements BackgroundTask {
  readonly #leases: Leases;
  readonly #writer: Pick<Writer, "call">;
  /** The number of calls that wait for each lease, by the row of the lease. */
  readonly #calls = new TurnoverMap<number, number>();
  /** The rows of waiting leases that may have no waiting call. The next tick checks them. */
  #abandoned = new Set<number>();
  /** The leases that could not be released yet, with the call of each release. The next tick tries again. */
  #unreleased = new Map<number, CallContext>();

  constructor(leases: Leases, writer: Pick<Writer, "call">) {
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
    if (this.#abandoned.size > 0) {
      const abandoned = this.#abandoned;
      this.#abandoned = new Set();
      for (const row of abandoned) {
        const record = this.#leases.get(row);
        if (record !== undefined && isForCalls(record) && !this.#calls.has(row)) this.#leave(record);
      }
    }
    if (this.#unreleased.size > 0) {
      const unreleased = this.#unreleased;
      this.#unreleased = new Map();
      for (const [row, context] of unreleased) this.#release(row, context);
    }
  }

  #leave({ row, holder }: LeaseRecord): void {
    const context = { actor: holder, trace: "" };
    const done = (reply: ReplyOf<typeof leaveQueue> | Failure): void => {
      if (!(reply instanceof Failure)) {
        if (reply.held) this.#release(row, context);
      } else if (reply.status !== "NOT_FOUND") this.#abandoned.add(row);
    };
    this.#writer.call(leaveQueue, { row, stays: false }, context, done, this.#leases.isCostlyAt(row));
  }

  /** Releases a lease that was granted after its last waiting call had ended. */
  #release(row: number, context: CallContext): void {
    const fence = this.#leases.get(row)?.fence ?? null;
    const done = (reply: unknown): void => {
      // A refusal of the release itself means that the lease has ended, or that another call has it.
      if (reply instanceof Failure && reply.http >= SERVER_ERROR) this.#unreleased.set(row, context);
    };
    this.#writer.call(releaseLease, { row, fence }, context, done, this.#leases.isEndCostly(row));
  }
}

function isForCalls({ state, queued }: LeaseRecord): boolean {
  return state === "waiting" && !queued;
}
