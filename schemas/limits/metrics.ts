/** Limits of the history of metrics. */

/** The intervals between the samples of the last hour, and between the older samples. */
export const HISTORY_RECENT_STEP_MS = 10_000;
export const HISTORY_OLDER_STEP_MS = 120_000;
/** The number of samples that are kept: 360 of the last hour, and 720 older ones of 24 hours. */
export const HISTORY_ROWS_MAX = 1_080;
export const HISTORY_OLDER_ROWS_MAX = 720;
/**
 * The size of one sample: its time and its metrics, each a number of eight bytes. A sample has room for at most 127
 * metrics.
 */
export const HISTORY_ROW_BYTES = 1_024;
/** The maximum length of the list of metrics that a request names. */
export const HISTORY_METRICS_BYTES_MAX = 4_096;
