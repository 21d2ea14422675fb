/** Limits of versioned values, which are state and specs: history, caches and diffs. */
import { KIB, MIB } from "./units.js";

export const HISTORY_ROWS_DEFAULT = 50;
/**
 * The maximum number of state keys whose newest versions (heads) the writer caches. The same limit applies to the keys
 * of specs.
 */
export const HEAD_CACHE_KEYS_MAX = 32_768;
export const DIFF_BYTES_MAX = 64 * MIB;
/**
 * A diff searches the common lines of two texts only if at most this many lines differ. The work grows with the square
 * of this number.
 */
export const LINE_EDITS_MAX = 1_000;
export const HOT_CACHE_BYTES_MAX = 64 * MIB;
/**
 * The maximum size of a value in the cache. A larger value would evict many small ones, so it is read from the database
 * each time.
 */
export const HOT_CACHE_VALUE_BYTES_MAX = 256 * KIB;
export const STATE_HISTORY_DEFAULT = 1_000;
/**
 * Every version of a key whose number is a multiple of this (64, 128, …) is a mark. A search for a version begins at a
 * mark, and takes at most this many steps from there.
 */
export const VERSION_MARK_INTERVAL = 64;
/**
 * The nesting of a stored JSON value is examined in pieces of this size. Other requests are served between the pieces.
 */
export const JSON_DEPTH_PIECE_BYTES = 262_144;
