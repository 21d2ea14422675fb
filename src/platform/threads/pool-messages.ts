/**
 * Defines the messages between the front and a thread of the pool: a batch of tasks, and the answers in the order of
 * the tasks. The two sides also share the memory of the cursors, which say which task a thread is running. A cursor
 * also lets the front reclaim the tasks that the thread has not started, without a message to a thread that may be
 * stuck.
 */
import type { MessagePort } from "node:worker_threads";
import type { StoreSettings } from "../../../schemas/config.js";
import type { StatusName } from "../../../schemas/status.js";
import { machineClock } from "../../base/clock.js";

/** The database that a thread reads, and the settings of the server. */
export interface PoolData {
  readonly data_dir: string;
  readonly settings: StoreSettings;
}

/** The data that a thread gets when it is started. */
export interface PoolThreadData extends PoolData {
  /** The memory of the cursors. */
  readonly cursors: SharedArrayBuffer;
}

/** The name under which a thread's script exports the function that runs a batch. */
export const BATCH_FUNCTION = "runBatch";

/** Runs tasks of a batch, one after the other, and returns their answers. It may leave out the last tasks. */
export type BatchFunction = (request: BatchRequest) => Promise<readonly PoolAnswer[]>;

export interface BatchRequest {
  /** The cell of the batch's cursor, in the memory of the cursors. */
  readonly cell: number;
  /** The number of the batch. The counter in its cell starts at this number. */
  readonly batch: number;
  readonly tasks: readonly PoolTask[];
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
  /** The job threw, which is a bug. The text is for the log. */
  | readonly [kind: "thrown", reason: string];

/** The distance between the numbers of two batches. A batch has fewer tasks than this. */
const BATCH_STEP = 64;
/** A cell has the batch's number plus this value after the front has reclaimed the tasks that were not started. */
const RECLAIMED = BATCH_STEP - 1;
const CELL_BYTES = Float64Array.BYTES_PER_ELEMENT + Int32Array.BYTES_PER_ELEMENT;

/**
 * The progress of each batch: the number of its tasks that were started, and the time at which the last of them was
 * started. The front shares this memory with all threads, and each running batch has a cell in it. Separate memory for
 * each batch would make its message more expensive. A cell counts from the number of its batch, so a thread that is
 * being ended cannot start a task of the next batch in this cell.
 */
export class BatchCursors {
  readonly #since: Float64Array;
  readonly #started: Int32Array;
  /** The number of the newest batch. */
  #batch = 0;

  constructor(readonly memory: SharedArrayBuffer) {
    const cells = memory.byteLength / CELL_BYTES;
    this.#since = new Float64Array(memory, 0, cells);
    this.#started = new Int32Array(memory, this.#since.byteLength, cells);
  }

  /** Allocates the memory, for a number of batches that run at the same time. */
  static make(cells: number): BatchCursors {
    return new BatchCursors(new SharedArrayBuffer(cells * CELL_BYTES));
  }

  /** Prepares a cell for a new batch, and returns the batch's number. Called on the front, before the batch is sent. */
  reset(cell: number): number {
    // The number wraps around as a 32-bit integer.
    this.#batch = (this.#batch + BATCH_STEP) | 0;
    Atomics.store(this.#started, cell, this.#batch);
    return this.#batch;
  }

  /** Starts a task. Returns false if the front has reclaimed that task. Called in the thread. */
  start(cell: number, batch: number, at: number): boolean {
    this.#since[cell] = machineClock.now();
    return Atomics.compareExchange(this.#started, cell, batch + at, batch + at + 1) === batch + at;
  }

  /** Returns the time in ms at which a thread has started the current task; undefined if it has started none. */
  sinceMs(cell: number, batch: number): number | undefined {
    return Atomics.load(this.#started, cell) === batch ? undefined : this.#since[cell];
  }

  /**
   * Reclaims the tasks that the thread has not started, and returns the index of the one that it is running; 0 if it
   * has started none. Called on the front, at most once for each batch.
   */
  reclaim(cell: number, batch: number): number {
    return Math.max(0, Atomics.exchange(this.#started, cell, batch + RECLAIMED) - batch - 1);
  }
}
