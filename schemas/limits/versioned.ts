/** Limits of versioned values, which are state and specs: history, caches and diffs. */
import { KIB, MIB } from "./units.js";

export const HISTORY_ROWS_DEFAULT = 50;
/** The writer caches the heads of at most this many keys of state, and of as many keys of specs. */
export const HEAD_CACHE_KEYS_MAX = 32_768;
export const DIFF_BYTES_MAX = 64 * MIB;
/**
 * If two texts differ in more lines than this, the diff does not search for their common lines, because the work grows
 * with the square of the number.
 */
export const LINE_EDITS_MAX = 1_000;
export const HOT_CACHE_BYTES_MAX = 64 * MIB;
/**
 * A value that is larger than this is not cached, because it would evict many small values. It is read from the
 * database each time.
 */
export const HOT_CACHE_VALUE_BYTES_MAX = 256 * KIB;
export const STATE_HISTORY_DEFAULT = 1_000;
/** A version is marked if its number is a multiple of this. So any version of a key is found within this many steps. */
export const VERSION_MARK_INTERVAL = 64;
/** The nesting of a stored JSON value is examined in pieces of this size, between which other requests are served. */
export const JSON_DEPTH_PIECE_BYTES = 262_144;
