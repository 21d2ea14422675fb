/** Limits of reads of the past (docs/story.md). */

/** The default number of items in a list of the past. */
export const STORY_ROWS_DEFAULT = 100;
/**
 * The part of the retention time, at its old end, about which a read may not ask, in ms. So rows that are pruned while
 * a read runs are never missing from its answer.
 */
export const STORY_MARGIN_MS = 60_000;
/**
 * The number of keys in the first group that a read examines. For each group, it reads the deletions in the audit log
 * once. So each group has twice as many keys as the previous one, up to STORY_KEYS_TOGETHER_MAX.
 */
export const STORY_KEYS_TOGETHER = 500;
export const STORY_KEYS_TOGETHER_MAX = 16_000;
/** The maximum number of lines that `koor story` prints. */
export const STORY_LINES_MAX = 500;
/** The maximum number of agents in the table at the beginning of `koor story`. */
export const STORY_AGENTS_MAX = 40;
/** The number of events that one call of `koor story` requests. */
export const STORY_PAGE_EVENTS = 1_000;
/** The maximum number of events that `koor story` reads. */
export const STORY_EVENTS_MAX = 50_000;
