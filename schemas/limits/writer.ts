/** Limits of the writer thread: the calls that wait for it, its batches, and its restart after a crash. */
import { MIB } from "./units.js";

/**
 * The minimum size, in bytes, of a large write. The front sends large writes to the writer one at a time.
 *
 * The writer takes about 15 ms for each MiB, mostly for the disk. Small writes of other clients wait meanwhile.
 */
export const LARGE_WRITE_BYTES_MIN = MIB;
/**
 * A write with more rows than this counts as large, too. The writer takes about 30 ms for 1000 tasks or events, however
 * short they are.
 */
export const LARGE_WRITE_ROWS_MIN = 200;
/** The maximum number of large writes that wait until the writer has answered the previous one. */
export const LARGE_WRITES_WAITING_MAX = 256;
export const LARGE_WRITES_WAITING_OF_CALLER_MAX = 192;
/** The maximum time that a large write waits. A write that has waited longer is rejected. */
export const LARGE_WRITE_WAIT_MS_MAX = 20_000;
export const WRITER_DEADLINE_MS = 10_000;
export const BATCH_CALLS_MAX = 512;
export const BATCH_BYTES_MAX = 16 * MIB;
export const WRITER_RESTART_DELAY_MS = 100;
export const WRITER_RESTART_DELAY_MS_MAX = 5_000;
