/** Limits of the reads of the past (docs/story.md). */

/** The default number of items in a list of the past. */
export const STORY_ROWS_DEFAULT = 100;
/**
 * The first part of the kept time that a read may not ask about, in ms. So no row that is pruned while a read runs is
 * missing from its answer.
 */
export const STORY_MARGIN_MS = 60_000;
/**
 * The number of keys that are examined together. Each time the deletions of the audit log are read once, so the number
 * doubles with each further part of the keys, up to the maximum.
 */
export const STORY_KEYS_TOGETHER = 500;
export const STORY_KEYS_TOGETHER_MAX = 16_000;
/** The number of lines of `koor story`. */
export const STORY_LINES_MAX = 500;
/** The number of agents in the table at the beginning of `koor story`. */
export const STORY_AGENTS_MAX = 40;
/** The number of events that one call of `koor story` requests. */
export const STORY_PAGE_EVENTS = 1_000;
/** The number of events that `koor story` reads. */
export const STORY_EVENTS_MAX = 50_000;
