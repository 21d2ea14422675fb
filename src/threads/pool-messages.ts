/**
 * What the front and a thread of the pool say to each other: a batch of tasks, answers in their order, and one
 * word of memory that both see. It says which task the thread is at, and lets the front take back those that it has
 * not begun, without asking a thread that may be stuck.
 */
import type { MessagePort } from "node:worker_threads";
import type { StoreSettings } from "../../schemas/config.js";
import type { StatusName } from "../../schemas/status.js";

/** What a thread reads. */
export interface PoolData {
  readonly data_dir: string;
  readonly settings: StoreSettings;
}

/** What a thread is started with. */
export interface PoolThreadData extends PoolData {
  /** The memory of its BatchCursor. */
  readonly cursor: SharedArrayBuffer;
}

/** A task; `port` where the answer is a stream. */
export type PoolTask = readonly [method: number, request: unknown, port: MessagePort | null];

export type PoolAnswer =
  | readonly [kind: "reply", reply: unknown]
  | readonly [
      kind: "failure",
      status: StatusName,
      message: string,
      members: Readonly<Record<string, unknown>> | null,
      subject: object | null,
    ]
  /** The thread could not open what it needs: it is to be ended, and what it has opened with it. */
  | readonly [kind: "short", reason: string]
  /** A bug: what the log says of it. */
  | readonly [kind: "thrown", reason: string];

/**
 * Answers of the batch from the task `first` on; `ended` with the last that there will be. A thread's first message has
 * none: it has started.
 */
export type PoolAnswers = readonly [first: number, answers: readonly PoolAnswer[], ended: boolean];

/** Beside the number of a task. */
const RECLAIMED = 1 << 16;

/** Which task of its batch a thread is at. */
export class BatchCursor {
  readonly #cell: Int32Array;

  constructor(readonly memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.#cell = new Int32Array(memory);
  }

  /** On the front, while the thread has no batch: the next begins with its first task. */
  reset(): void {
    Atomics.store(this.#cell, 0, 0);
  }

  /** In the thread: goes on from the task before this one; false where this one is the front's again. */
  advance(to: number): boolean {
    return Atomics.compareExchange(this.#cell, 0, to - 1, to) === to - 1;
  }

  /** On the front: the thread begins none after the task that it is at, which is returned. */
  reclaim(): number {
    return Atomics.or(this.#cell, 0, RECLAIMED) & ~RECLAIMED;
  }
}
