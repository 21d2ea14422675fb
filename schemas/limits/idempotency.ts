/** Limits of idempotency records. With them, a repeated call with the same `request_id` gets the same answer. */

/** The maximum length of a `request_id`, which is the client's name for a call. */
export const REQUEST_ID_BYTES_MAX = 128;
/** The time for which the answer to a `request_id` is stored. */
export const REQUEST_MEMORY_MS = 600_000;
/** The number of expired records that are deleted whenever an idempotency record is stored. */
export const IDEMPOTENCY_PRUNE_ROWS = 4;
