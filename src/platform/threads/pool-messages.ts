/**
 * Defines the messages between the front and a thread of the pool. The front sends a batch of tasks, and the thread
 * sends their replies in the same order. Both sides also share the memory of the cursors. A cursor says which task of a
 * batch the thread is running. Through the cursor, the front can also reclaim the tasks that the thread has not
 * started. This needs no message, so it works even if the thread is stuck.
 */
import type { MessagePort } from "node:worker_threads";
import type { StoreSettings } from "../../../schemas/config.js";
import type { StatusName } from "../../../schemas/status.js";
import { machineClock } from "../../base/clock.js";
import type { OpenFile } from "../store/open-files.js";

/** The database that a thread reads, and the server's settings. */
export interface PoolData {
  readonly data_dir: string;
  readonly settings: StoreSettings;
  /** The database's files. A thread opens the database only while these files are in place. */
  readonly files: readonly OpenFile[];
}

/** The data that a thread gets when it is started. */
export interface PoolThreadData extends PoolData {
  /** The memory of the cursors. */
  readonly cursors: SharedArrayBuffer;
}

/** The name under which a thread's script exports the function that runs a batch. */
export const BATCH_FUNCTION = "runBatch";

/**
 * Runs the tasks of a batch, one after the other, and returns their answers. It may return before it has run the last
 * tasks.
 */
export type BatchFunction = (request: BatchRequest) => Promise<readonly PoolAnswer[]>;

export interface BatchRequest {
  /** The index of the batch's cell in the memory of the cursors. */
  readonly cell: number;
  /** The number of the batch. The counter in its cell starts at this number. */
  readonly batch: number;
  readonly tasks: readonly PoolTask[];
}

/**
 * A job, as it is sent to a thread. If the answer is a stream, its chunks are sent through `port`; else `port` is null.
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

/** The difference between the numbers of two successive batches. A batch has fewer tasks than this. */
const BATCH_STEP = 64;
/**
 * When the front reclaims the tasks of a batch that were not started, it sets the cell to the batch's number plus this
 * value.
 */
const RECLAIMED = BATCH_STEP - 1;
const CELL_BYTES = Float64Array.BYTES_PER_ELEMENT + Int32Array.BYTES_PER_ELEMENT;

/**
 * Stores the progress of each running batch: how many of its tasks were started, and when the last of them was started.
 * Each batch has a cell in one memory that the front shares with all threads. If each batch brought its own memory, its
 * message would be more expensive. A cell counts upwards from the number of its batch. So a thread that is being ended
 * cannot start a task of the next batch in the same cell.
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

  /** Allocates the memory for the cursors of `cells` batches, which can run at the same time. */
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

  /**
   * Starts the task at an index of the batch. Returns false if the front has reclaimed the task. Called in the thread.
   */
  start(cell: number, batch: number, at: number): boolean {
    this.#since[cell] = machineClock.now();
    return Atomics.compareExchange(this.#started, cell, batch + at, batch + at + 1) === batch + at;
  }

  /** Returns the time in ms at which the thread has started its current task; undefined if it has not started any. */
  sinceMs(cell: number, batch: number): number | undefined {
    return Atomics.load(this.#started, cell) === batch ? undefined : this.#since[cell];
  }

  /**
   * Reclaims the tasks that the thread has not started. Returns the index of the task that the thread is running; 0 if
   * it has started none. Called on the front, at most once for each batch.
   */
  reclaim(cell: number, batch: number): number {
    return Math.max(0, Atomics.exchange(this.#started, cell, batch + RECLAIMED) - batch - 1);
  }
}
