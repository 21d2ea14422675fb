/** Limits of the worker pool: threads, queue and deadlines, and how work of unknown cost shares the threads. */
import { KIB, MIB } from "./units.js";

export const POOL_DEADLINE_MS = 20_000;
export const POOL_THREADS_MIN = 1;
export const POOL_THREADS_MAX = 3;
/** At most this many jobs of unknown cost run at the same time. One thread of the pool is left for other jobs. */
export const POOL_UNBOUNDED_TOGETHER_MAX = 2;
export const POOL_QUEUE_MAX = 256;
/** The maximum number of queued jobs of one caller. */
export const POOL_QUEUE_OF_CALLER_MAX = 192;
/** The maximum size of all queued requests together. A single request of any size fits into an empty queue. */
export const POOL_QUEUE_BYTES_MAX = 64 * MIB;
/** A job that has waited this long for a thread is rejected, because its request must be answered in time. */
export const POOL_WAIT_MS_MAX = 5_000;
/**
 * The time limit for a new thread to load its modules. The deadline of a job that waits for the thread starts after the
 * modules are loaded.
 */
export const POOL_START_MS_MAX = 20_000;
export const POOL_IDLE_MS = 30_000;
/**
 * After this time, a batch of short jobs starts no further job. The results of the finished jobs are sent, and the
 * other jobs are requeued.
 */
export const POOL_BATCH_MS_MAX = 2;
/**
 * If one job of a batch of short jobs runs longer than this, the remaining jobs of the batch move to another thread.
 */
export const POOL_BATCH_PATIENCE_MS = 20;
export const POOL_HEAP_MIB_MAX = 512;

// Limits of work of unknown cost:
/**
 * The maximum size of a job's input for a first try as a short job, without a permit. Jobs with larger inputs need a
 * permit.
 */
export const SHORT_WORK_BYTES_MAX = 64 * KIB;
export const SHORT_WORK_DEADLINE_MS = 5_000;
/**
 * If a job takes at most this time, its subject does not count as slow any more. This is also the time limit of a short
 * validation.
 */
export const SHORT_WORK_MS_MAX = 100;
export const LONG_WORK_TOGETHER_MAX = 1;
export const LONG_WORK_WAITING_MAX = 16;
/** The maximum number of jobs of one caller that wait for a permit. */
export const LONG_WORK_WAITING_OF_CALLER_MAX = 12;
/** The maximum time that a slow job waits for a permit. */
export const LONG_WAIT_MS_MAX = 5_000;
/** The maximum number of subjects of jobs (SlowLane) that are remembered as slow. */
export const LONG_SUBJECTS_KEPT_MAX = 1_000;
