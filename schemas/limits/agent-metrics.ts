/** Limits of the counts that are kept for each agent and hour. */

/** The interval at which the counts are stored. It must be at most 10 s. */
export const AGENT_METRICS_FLUSH_INTERVAL_MS = 5_000;
/** The maximum number of counters that one flush stores. */
export const AGENT_METRICS_FLUSH_ROWS = 1_000;
/** The maximum number of tallies in memory that are not stored yet. A tally has the counts of one agent in one hour. */
export const AGENT_TALLIES_MAX = 100_000;
export const AGENT_METRICS_DAYS = 90;
export const AGENT_METRICS_PRUNE_ROWS = 2_000;
