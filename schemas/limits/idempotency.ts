/** Limits of idempotency records, which make repeated calls with the same `request_id` get the same answer. */

/**
 * The longest `request_id`, which is the client's name for a call. A repeated call with the same name gets the same
 * answer.
 */
export const REQUEST_ID_BYTES_MAX = 128;
/** The lifetime of that answer. */
export const REQUEST_MEMORY_MS = 600_000;
/** The number of expired idempotency records that are deleted with each record that is stored. */
export const IDEMPOTENCY_PRUNE_ROWS = 4;
