/** Limits of the SQLite database and its files. */

export const WAL_CHECKPOINT_PAGES = 1_000;
export const SQLITE_BUSY_TIMEOUT_MS = 5_000;
/**
 * The size of the page cache of a read-only database handle. With SQLite's default of 2 MiB, each list request to a
 * full store had to read its pages from the file again.
 */
export const SQLITE_READ_CACHE_KIB = 8 * 1024;
/** The interval at which the server checks whether the database's files were removed or replaced. */
export const STORAGE_WATCH_INTERVAL_MS = 1_000;
/**
 * The maximum lead of a stored time over the machine's clock at the server's start. A stored time with a larger lead
 * counts as wrong.
 */
export const CLOCK_LEAD_MS_MAX = 1_000;
