/**
 * The messages between the front and a thread of the pool: a batch of tasks, and answers in the order of the tasks.
 * Besides, both share one word of memory. It holds the task that the thread is at, and lets the front reclaim the tasks
 * that the thread has not started, without a message to a thread that may be stuck.
 */
import type { MessagePort } from "node:worker_threads";
import type { StoreSettings } from "../../schemas/config.js";
import type { StatusName } from "../../schemas/status.js";

/** The database that a thread reads, and its settings. */
export interface PoolData {
  readonly data_dir: string;
  readonly settings: StoreSettings;
}

/** The data that a thread is started with. */
export interface PoolThreadData extends PoolData {
  /** The memory of its BatchCursor. */
  readonly cursor: SharedArrayBuffer;
}

/** A task: a job as the thread gets it. `port` is set if the answer is a stream. */
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
  /** The thread could not open what it needs. It has to be ended, which closes what it has opened. */
  | readonly [kind: "short", reason: string]
  /** A bug, with the text for the log. */
  | readonly [kind: "thrown", reason: string];

/**
 * Answers of the batch, from the task `first` on; `ended` is true with the last ones of the batch. A thread's first
 * message has no answers: it says that the thread has started.
 */
export type PoolAnswers = readonly [first: number, answers: readonly PoolAnswer[], ended: boolean];

/** The bit beside the number of a task that says that the front has reclaimed the rest of the batch. */
const RECLAIMED = 1 << 16;

/** The task of its batch that a thread is at, in shared memory. */
export class BatchCursor {
  readonly #cell: Int32Array;

  constructor(readonly memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.#cell = new Int32Array(memory);
  }

  /** On the front, while the thread has no batch: sets the cursor to the first task of the next batch. */
  reset(): void {
    Atomics.store(this.#cell, 0, 0);
  }

  /** In the thread: advances from the previous task to this one; false if the front has reclaimed this one. */
  advance(to: number): boolean {
    return Atomics.compareExchange(this.#cell, 0, to - 1, to) === to - 1;
  }

  /** On the front: reclaims the tasks that the thread has not started; returns the index of the task that it is at. */
  reclaim(): number {
    return Atomics.or(this.#cell, 0, RECLAIMED) & ~RECLAIMED;
  }
}
