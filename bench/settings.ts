/**
 * The length and size of a run: one row of settings for the full run, one for `--quick`. A name from here bounds every
 * loop and wait of the benchmarks. Pure; runs in the bench process.
 */

export interface Settings {
  readonly mode: "quick" | "full";
  /** After this time no scenario starts; the report names those that are left. */
  readonly run_s_max: number;
  readonly warmup_ms: number;
  /** Length of a slice. Koor and its references alternate slices, so that all meet the same drift of the machine. */
  readonly slice_ms: number;
  readonly rounds: number;
  readonly connections: readonly number[];
  readonly wrk_connections: readonly number[];
  /** wrk takes whole seconds only. */
  readonly wrk_slice_s: number;
  readonly wrk_rounds: number;
  /** Whether wrk also sends the requests that have no target. */
  readonly wrk_everywhere: boolean;
  readonly subscribers: readonly number[];
  readonly fan_out_slice_ms: number;
  readonly fan_out_rounds: number;
  readonly bursts: number;
  /** A burst to a thousand subscribers is a million deliveries: too much for a short run. */
  readonly burst_subscribers_max: number;
  readonly stalled_slice_ms: number;
  readonly stalled_rounds: number;
  readonly patterns: number;
  readonly pattern_bursts: number;
  readonly content_keys: number;
  readonly content_history_rows: number;
  readonly content_slice_ms: number;
  readonly content_rounds: number;
  readonly starts: number;
  readonly idle_ms: number;
  readonly diff_slice_ms: number;
  readonly heartbeat_slice_ms: number;
  /** Tasks that are ready at first: more than the run claims. */
  readonly few_tasks: number;
  readonly many_tasks: number;
  /** At most PUBLISH_EVENTS_MAX, since they are published at once. */
  readonly webhook_events: number;
  /** How often a page of the dashboard is loaded after the first time. */
  readonly page_loads: number;
  readonly page_slice_ms: number;
  readonly page_rounds: number;
  readonly wait_rounds: number;
  readonly cluster_slice_ms: number;
  readonly cluster_rounds: number;
  readonly cluster_read_slice_ms: number;
  readonly cluster_read_rounds: number;
  /** Time over which the CPU time of idle nodes is counted. */
  readonly cluster_idle_ms: number;
  readonly cluster_joins: number;
  readonly cluster_deaths: number;
}

const FULL: Settings = {
  mode: "full",
  run_s_max: 3_600,
  warmup_ms: 1_500,
  slice_ms: 2_000,
  rounds: 2,
  connections: [1, 16, 64],
  wrk_connections: [1, 64],
  wrk_slice_s: 2,
  wrk_rounds: 2,
  wrk_everywhere: true,
  subscribers: [1, 100, 500, 1_000],
  fan_out_slice_ms: 500,
  fan_out_rounds: 9,
  bursts: 1,
  burst_subscribers_max: 1_000,
  stalled_slice_ms: 3_000,
  stalled_rounds: 3,
  patterns: 10_000,
  pattern_bursts: 20,
  content_keys: 100_000,
  content_history_rows: 1_000_000,
  content_slice_ms: 1_500,
  content_rounds: 3,
  starts: 15,
  idle_ms: 3_000,
  diff_slice_ms: 6_000,
  // This is long enough for a flush in each slice.
  heartbeat_slice_ms: 6_000,
  few_tasks: 50_000,
  many_tasks: 99_000,
  webhook_events: 1_000,
  page_loads: 9,
  page_slice_ms: 10_000,
  page_rounds: 2,
  wait_rounds: 300,
  cluster_slice_ms: 3_000,
  cluster_rounds: 3,
  cluster_read_slice_ms: 500,
  cluster_read_rounds: 9,
  cluster_idle_ms: 12_000,
  cluster_joins: 3,
  cluster_deaths: 3,
};

const QUICK: Settings = {
  mode: "quick",
  run_s_max: 140,
  warmup_ms: 300,
  slice_ms: 80,
  rounds: 5,
  connections: [1, 64],
  wrk_connections: [64],
  wrk_slice_s: 1,
  wrk_rounds: 1,
  wrk_everywhere: false,
  subscribers: [1, 100, 500, 1_000],
  fan_out_slice_ms: 100,
  fan_out_rounds: 9,
  bursts: 1,
  burst_subscribers_max: 100,
  stalled_slice_ms: 250,
  stalled_rounds: 5,
  patterns: 2_000,
  pattern_bursts: 5,
  content_keys: 4_000,
  content_history_rows: 20_000,
  content_slice_ms: 60,
  content_rounds: 4,
  starts: 3,
  idle_ms: 500,
  diff_slice_ms: 1_000,
  heartbeat_slice_ms: 100,
  few_tasks: 5_000,
  many_tasks: 10_000,
  webhook_events: 1_000,
  page_loads: 3,
  page_slice_ms: 400,
  page_rounds: 1,
  wait_rounds: 50,
  cluster_slice_ms: 400,
  cluster_rounds: 2,
  cluster_read_slice_ms: 100,
  cluster_read_rounds: 3,
  cluster_idle_ms: 3_000,
  cluster_joins: 1,
  cluster_deaths: 1,
};

export function chooseSettings(quick: boolean): Settings {
  return quick ? QUICK : FULL;
}

/** Number of keys that reads and writes go through. */
export const KEYS = 1_000;
/** Size of the JSON value that is stored, read and published. */
export const VALUE_BYTES = 270;
export const BURST_EVENTS = 1_000;
export const STALLED_SUBSCRIBERS = 200;
/** Size of the events that fill the sockets of subscribers that never read. */
export const FILLING_EVENT_BYTES = 4_096;
/** Events that are published at most to fill those sockets before the scenario gives up. */
export const FILLING_EVENTS_MAX = 4_000;
export const FILLING_BURST_EVENTS = 20;
export const DIFF_DOCUMENT_BYTES = 1_000_000;
export const DIFF_CLIENTS = 2;
export const HEARTBEAT_AGENTS = 1_000;
export const HEARTBEAT_CONNECTIONS = 64;
export const WAITING_CALLS = 1_000;
export const LIST_PAGE_ROWS = 100;
/** The values that a joining node installs: 25 MB. */
export const CLUSTER_VALUES = 2_500;
export const CLUSTER_VALUE_BYTES = 10_000;
export const CLUSTER_CONNECTIONS = 64;
export const CLUSTER_SUBSCRIBERS = 500;
/** A cluster that does not write again within this time after a death has failed. */
export const WRITES_AGAIN_MS_MAX = 60_000;

export const START_TIMEOUT_MS = 15_000;
export const STOP_TIMEOUT_MS = 8_000;
/** Extra time that a job of a child process may take beyond what it measures. */
export const JOB_GRACE_MS = 60_000;
/** After the end of a slice, answers in flight are awaited for this time. */
export const REPLY_TIMEOUT_MS = 15_000;
/** When no event has come for this time, the missing ones count as lost. */
export const DELIVERY_TIMEOUT_MS = 15_000;
export const CONNECTS_AT_ONCE_MAX = 64;
/** A generator stops after this number of broken connections: the server has ended. */
export const BROKEN_CONNECTIONS_MAX = 256;
export const FSYNC_SAMPLES = 50;
