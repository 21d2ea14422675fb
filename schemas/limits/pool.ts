/** Limits of the worker pool: threads, queue and deadlines, and how work of unknown cost shares the threads. */
import { KIB, MIB } from "./units.js";

export const POOL_DEADLINE_MS = 20_000;
export const POOL_THREADS_MIN = 1;
export const POOL_THREADS_MAX = 3;
/** The most jobs of unknown cost that run at the same time. They leave one thread of the pool to other jobs. */
export const POOL_UNBOUNDED_TOGETHER_MAX = 2;
export const POOL_QUEUE_MAX = 256;
/** Jobs of one caller in the queue. */
export const POOL_QUEUE_OF_CALLER_MAX = 192;
/** The weight of all queued requests together. A single request of any size fits into an empty queue. */
export const POOL_QUEUE_BYTES_MAX = 64 * MIB;
/**
 * The longest time that a job waits for a thread. Then it is rejected, because its request must be answered in time.
 */
export const POOL_WAIT_MS_MAX = 5_000;
/**
 * The time that a thread gets to load its modules. The deadline of a job that waits for the thread starts after that.
 */
export const POOL_START_MS_MAX = 20_000;
export const POOL_IDLE_MS = 30_000;
/**
 * The longest time that the results of a batch's finished jobs are held back while other jobs of the batch still run.
 */
export const POOL_ANSWERS_HELD_MS_MAX = 2;
/**
 * If a batch of short jobs reports nothing for this long, one of its jobs is long. The other jobs are moved to another
 * thread.
 */
export const POOL_BATCH_PATIENCE_MS = 20;
export const POOL_HEAP_MIB_MAX = 512;

// Work of unknown cost
/** Work on at most this many bytes is first tried as short work, without a permit. */
export const SHORT_WORK_BYTES_MAX = 64 * KIB;
export const SHORT_WORK_DEADLINE_MS = 5_000;
/**
 * If work on a subject was done within this time, the subject no longer counts as slow. The same number is the time
 * limit of a short validation.
 */
export const SHORT_WORK_MS_MAX = 100;
export const LONG_WORK_TOGETHER_MAX = 1;
export const LONG_WORK_WAITING_MAX = 16;
/** The places of one caller. */
export const LONG_WORK_WAITING_OF_CALLER_MAX = 12;
/** The longest time that slow work waits for a permit. */
export const LONG_WAIT_MS_MAX = 5_000;
/** Subjects that are known to be slow. */
export const LONG_SUBJECTS_KEPT_MAX = 1_000;
