/**
 * The calls that wait in line. A request that is not queued is there for them: once none waits for it any more, it
 * leaves. That is so after a restart, and where a call was refused because the writer crashed. Runs on the front.
 */
import type { LeaseRecord } from "../../schemas/leases.js";
import type { BackgroundTask } from "../background/task.js";
import { Failure } from "../base/result.js";
import { TurnoverMap } from "../base/turnover-map.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import type { CallContext } from "../rpc/frames.js";
import type { Writer } from "../threads/writer.js";
import { leaveQueue, releaseLease } from "./commands.js";

export class QueuedCalls implements BackgroundTask {
  readonly #leases: LeaseProjection;
  readonly #writer: Writer;
  /** How many calls wait for a lease, by its row. */
  readonly #calls = new TurnoverMap<number, number>();
  /** For these none does, as far as is known. */
  #abandoned = new Set<number>();

  constructor(leases: LeaseProjection, writer: Writer) {
    this.#leases = leases;
    this.#writer = writer;
  }

  /** A call waits for a lease from now on; until the function that is returned, which says whether others still do. */
  join(row: number): () => { readonly others: boolean } {
    this.#calls.set(row, (this.#calls.get(row) ?? 0) + 1);
    return () => {
      const others = (this.#calls.get(row) ?? 1) - 1;
      if (others > 0) this.#calls.set(row, others);
      else this.#calls.delete(row);
      return { others: others > 0 };
    };
  }

  /** The call that waited for a lease could not take its request out of the line. */
  abandon(row: number): void {
    this.#abandoned.add(row);
  }

  /** Looks at all that wait: they may be of calls that nobody answers any more. */
  checkAll(): void {
    for (const record of this.#leases.list()) if (isForCalls(record)) this.#abandoned.add(record.row);
  }

  /** A call may wait by now whose request was seen before its answer. */
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

  /** What was granted to nobody. */
  #release(row: number, context: CallContext): void {
    const fence = this.#leases.get(row)?.fence ?? null;
    this.#writer.call(releaseLease, { row, fence }, context, () => undefined);
  }
}

function isForCalls({ state, queued }: LeaseRecord): boolean {
  return state === "waiting" && !queued;
}
