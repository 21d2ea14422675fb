/** Limits of reports about LLM usage. */

export const USAGE_ROWS_DEFAULT = 50;
/** The maximum number of intervals (hours or days) in a series. This number of hours is six weeks. */
export const USAGE_SERIES_INTERVALS_MAX = 1_000;
/**
 * The maximum number of sums in a series: one for each group and interval. The series is one text, with about 130 bytes
 * for each sum.
 */
export const USAGE_SERIES_SUMS_MAX = 20_000;
