/**
 * Defines the messages between the front and a thread of the pool: batches of tasks, and their answers in the order of
 * the tasks. The two sides also share one word of memory. It holds the index of the task that the thread is running. It
 * also lets the front reclaim the tasks that the thread has not started, without a message to a thread that may be
 * stuck.
 */
import type { MessagePort } from "node:worker_threads";
import type { StoreSettings } from "../../../schemas/config.js";
import type { StatusName } from "../../../schemas/status.js";

/** The database that a thread reads, and the settings of the server. */
export interface PoolData {
  readonly data_dir: string;
  readonly settings: StoreSettings;
}

/** The data that a thread is started with. */
export interface PoolThreadData extends PoolData {
  /** The memory of its BatchCursor. */
  readonly cursor: SharedArrayBuffer;
}

/**
 * A job in the form in which it is sent to a thread. `port` is set if the answer is a stream, whose chunks are sent
 * through it.
 */
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
  /** The thread could not open a file that it needs. It must be ended, which closes the files that it has opened. */
  | readonly [kind: "short", reason: string]
  /** The job threw, which is a bug. The text is for the log. */
  | readonly [kind: "thrown", reason: string];

/**
 * Answers to consecutive tasks of a batch. `first` is the index of the first of these tasks. `ended` is true in the
 * last message about a batch. A thread's first message has no answers and only says that the thread has started.
 */
export type PoolAnswers = readonly [first: number, answers: readonly PoolAnswer[], ended: boolean];

/** The flag that the front has reclaimed the rest of the batch. It is one bit above those of a task's index. */
const RECLAIMED = 1 << 16;

/** The index of the task that a thread is running, in shared memory. */
export class BatchCursor {
  readonly #cell: Int32Array;

  constructor(readonly memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.#cell = new Int32Array(memory);
  }

  /** Sets the cursor to the first task of the next batch. Called on the front, while the thread has no batch. */
  reset(): void {
    Atomics.store(this.#cell, 0, 0);
  }

  /** Advances the cursor to the next task. Returns false if the front has reclaimed that task. Called in the thread. */
  advance(to: number): boolean {
    return Atomics.compareExchange(this.#cell, 0, to - 1, to) === to - 1;
  }

  /**
   * Reclaims the tasks that the thread has not started, and returns the index of the one that it is running. Called on
   * the front.
   */
  reclaim(): number {
    return Atomics.or(this.#cell, 0, RECLAIMED) & ~RECLAIMED;
  }
}
