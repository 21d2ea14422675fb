/** Limits of the audit log: its pages, and the rows that rejected calls make. */
import { KIB } from "./units.js";

export const AUDIT_ROWS_DEFAULT = 50;
/** The maximum number of buckets of a histogram. */
export const AUDIT_BUCKETS_MAX = 200;
/**
 * The maximum number of audit rows that are searched to find out whether an action has succeeded. If there are more
 * rows, the answer is yes.
 */
export const AUDIT_LOOKED_AT_MAX = 10_000;
/** A rejected call that is repeated within this time adds no row. The row of the first call counts it. */
export const AUDIT_REPEAT_MS = 60_000;
/** The maximum number of audit rows within AUDIT_REPEAT_MS for the rejected calls of one caller to one route. */
export const AUDIT_REFUSAL_ROWS_OF_CALL_MAX = 64;
/** The maximum number of audit rows within AUDIT_REPEAT_MS for all rejected calls of one caller. */
export const AUDIT_REFUSAL_ROWS_OF_CALLER_MAX = 150;
/** The maximum number of audit rows within AUDIT_REPEAT_MS for all rejected calls of all callers. */
export const AUDIT_REFUSAL_ROWS_MAX = 400;
/**
 * The maximum number of audit rows in a minute for all calls without a valid token. These rows do not count for the
 * limits of other rejected calls.
 */
export const AUDIT_UNAUTHENTICATED_ROWS_PER_MINUTE_MAX = 100;
/** The maximum time until the count of a repeated call is stored. Until then, it exists only in memory. */
export const AUDIT_COUNT_DELAY_MS = 10_000;
/** The maximum time for which a reader of the audit log waits until the counts are stored. */
export const AUDIT_COUNT_WAIT_MS = 1_000;
/** The maximum length of the `resource` of a rejected call. */
export const AUDIT_RESOURCE_CHARACTERS_MAX = 4 * KIB;
export const AUDIT_DETAIL_BYTES_MAX = 4 * KIB;
