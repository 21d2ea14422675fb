/** Limits of the counts that are kept for each agent and hour. */

/** At most 10 s. */
export const AGENT_METRICS_FLUSH_INTERVAL_MS = 5_000;
/** Counters of one flush. */
export const AGENT_METRICS_FLUSH_ROWS = 1_000;
/** The most agents with counts that are not flushed. An agent counts once for each hour. */
export const AGENT_TALLIES_MAX = 100_000;
export const AGENT_METRICS_DAYS = 90;
export const AGENT_METRICS_PRUNE_ROWS = 2_000;
