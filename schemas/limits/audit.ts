/** Limits of the audit log: its pages, and the rows that rejected calls make. */
import { KIB } from "./units.js";

export const AUDIT_ROWS_DEFAULT = 50;
/** The most audit rows in which the row of a call is searched. If there are more, the search counts as successful. */
export const AUDIT_LOOKED_AT_MAX = 10_000;
/** The time for which repeats of a rejected call are counted in the audit row of the first one. */
export const AUDIT_REPEAT_MS = 60_000;
/**
 * The most audit rows of rejected calls within AUDIT_REPEAT_MS, of one caller and one route. The next two limits are
 * those of one caller and of all callers.
 */
export const AUDIT_REFUSAL_ROWS_OF_CALL_MAX = 64;
export const AUDIT_REFUSAL_ROWS_OF_CALLER_MAX = 150;
export const AUDIT_REFUSAL_ROWS_MAX = 400;
/**
 * The most audit rows of all calls without a valid token. They come in addition to the rows of rejected calls above.
 */
export const AUDIT_UNAUTHENTICATED_ROWS_PER_MINUTE_MAX = 100;
/**
 * The longest time that a count exists only in memory. The next limit is the longest time that a reader of the audit
 * log waits until the counts are stored.
 */
export const AUDIT_COUNT_DELAY_MS = 10_000;
export const AUDIT_COUNT_WAIT_MS = 1_000;
/** The `resource` of a refused call. */
export const AUDIT_RESOURCE_CHARACTERS_MAX = 4 * KIB;
export const AUDIT_DETAIL_BYTES_MAX = 4 * KIB;
