/** Limits of backups and restores. */
import { MIB } from "./units.js";

/**
 * The maximum number of backups that are read at the same time. Each takes a thread of its own, so that backups never
 * occupy the pool.
 */
export const BACKUPS_AT_ONCE_MAX = 2;
/** The maximum time for which the reader of a backup may read nothing. */
export const BACKUP_STALL_MS = 60_000;
/**
 * The maximum length of a line in a snapshot. It has room for the largest value, even if JSON writes each byte of the
 * value as six characters.
 */
export const RESTORE_LINE_BYTES_MAX = 64 * MIB;
/**
 * The time limit for the writer to copy a checked snapshot. The limit is long because a snapshot may have gigabytes and
 * the disk may be slow.
 */
export const RESTORE_DEADLINE_MS = 1_800_000;
/**
 * The largest id, version or fence in a snapshot. The server must be able to count on from these numbers, and exact
 * integers end at 2^53.
 */
export const RESTORED_NUMBER_MAX = 2 ** 52;
