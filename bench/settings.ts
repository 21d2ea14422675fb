/**
 * The length and size of a run: one table of settings for the full run, and one for `--quick`. Every loop and wait of
 * the benchmarks is limited by a setting or a constant of this file. Pure; runs in the bench process.
 */

export interface Settings {
  readonly mode: "quick" | "full";
  /** The time after which no further scenario starts. The report names the scenarios that were left out. */
  readonly runSMax: number;
  readonly warmupMs: number;
  /**
   * The length of a slice. Koor and its references alternate slices, so that changes in the machine's speed affect all
   * of them.
   */
  readonly sliceMs: number;
  readonly rounds: number;
  readonly connections: readonly number[];
  readonly wrkConnections: readonly number[];
  /** The length of a slice for wrk, which accepts whole seconds only. */
  readonly wrkSliceS: number;
  readonly wrkRounds: number;
  /** Whether wrk also sends requests for which the design has no target. */
  readonly wrkEverywhere: boolean;
  readonly subscribers: readonly number[];
  readonly fanOutSliceMs: number;
  readonly fanOutRounds: number;
  readonly bursts: number;
  /**
   * The maximum number of subscribers for bursts. A burst to a thousand subscribers has a million deliveries, which is
   * too much for a short run.
   */
  readonly burstSubscribersMax: number;
  readonly stalledSliceMs: number;
  readonly stalledRounds: number;
  readonly patterns: number;
  readonly patternBursts: number;
  readonly contentKeys: number;
  readonly contentHistoryRows: number;
  readonly contentSliceMs: number;
  readonly contentRounds: number;
  readonly starts: number;
  readonly idleMs: number;
  /** The number of runs of a command of the command line. */
  readonly commands: number;
  readonly diffSliceMs: number;
  readonly heartbeatSliceMs: number;
  /** The number of tasks that are ready at the start of the scenario with few tasks. It is more than the run claims. */
  readonly fewTasks: number;
  readonly manyTasks: number;
  /** The number of events for webhooks. One call publishes them, so they are at most PUBLISH_EVENTS_MAX. */
  readonly webhookEvents: number;
  /** The number of loads of a dashboard page after the first one. */
  readonly pageLoads: number;
  readonly pageSliceMs: number;
  readonly pageRounds: number;
  readonly waitRounds: number;
  readonly clusterSliceMs: number;
  readonly clusterRounds: number;
  readonly clusterReadSliceMs: number;
  readonly clusterReadRounds: number;
  /** The time for which the CPU time of idle nodes is measured. */
  readonly clusterIdleMs: number;
  readonly clusterJoins: number;
  readonly clusterDeaths: number;
}

const FULL: Settings = {
  mode: "full",
  runSMax: 3_600,
  warmupMs: 1_500,
  sliceMs: 2_000,
  rounds: 2,
  connections: [1, 16, 64],
  wrkConnections: [1, 64],
  wrkSliceS: 2,
  wrkRounds: 2,
  wrkEverywhere: true,
  subscribers: [1, 100, 500, 1_000],
  fanOutSliceMs: 500,
  fanOutRounds: 9,
  bursts: 1,
  burstSubscribersMax: 1_000,
  stalledSliceMs: 3_000,
  stalledRounds: 3,
  patterns: 10_000,
  patternBursts: 20,
  contentKeys: 100_000,
  contentHistoryRows: 1_000_000,
  contentSliceMs: 1_500,
  contentRounds: 3,
  starts: 15,
  idleMs: 3_000,
  commands: 31,
  diffSliceMs: 6_000,
  // A slice is long enough to contain a flush to the database.
  heartbeatSliceMs: 6_000,
  fewTasks: 50_000,
  manyTasks: 99_000,
  webhookEvents: 1_000,
  pageLoads: 9,
  pageSliceMs: 10_000,
  pageRounds: 2,
  waitRounds: 300,
  clusterSliceMs: 3_000,
  clusterRounds: 3,
  clusterReadSliceMs: 500,
  clusterReadRounds: 9,
  clusterIdleMs: 12_000,
  clusterJoins: 3,
  clusterDeaths: 3,
};

const QUICK: Settings = {
  mode: "quick",
  runSMax: 300,
  // After this warm-up, the code of most requests is compiled. In the first 750 ms, a publish costs 2 to 8 times as
  // much as later.
  warmupMs: 1_000,
  sliceMs: 80,
  rounds: 5,
  connections: [1, 64],
  wrkConnections: [64],
  wrkSliceS: 1,
  wrkRounds: 1,
  wrkEverywhere: false,
  subscribers: [100, 500],
  fanOutSliceMs: 100,
  fanOutRounds: 5,
  bursts: 1,
  burstSubscribersMax: 100,
  stalledSliceMs: 250,
  stalledRounds: 5,
  patterns: 2_000,
  patternBursts: 5,
  contentKeys: 4_000,
  contentHistoryRows: 20_000,
  contentSliceMs: 60,
  contentRounds: 4,
  starts: 3,
  idleMs: 500,
  commands: 9,
  diffSliceMs: 1_000,
  heartbeatSliceMs: 100,
  fewTasks: 20_000,
  manyTasks: 30_000,
  webhookEvents: 1_000,
  pageLoads: 3,
  // A shorter slice would be too coarse: a single request of the page would cost a tenth of a core.
  pageSliceMs: 1_000,
  pageRounds: 1,
  waitRounds: 50,
  clusterSliceMs: 400,
  clusterRounds: 2,
  clusterReadSliceMs: 100,
  clusterReadRounds: 3,
  clusterIdleMs: 3_000,
  clusterJoins: 1,
  clusterDeaths: 1,
};

export function chooseSettings(quick: boolean): Settings {
  return quick ? QUICK : FULL;
}

/** The number of keys that the reads and writes use. */
export const KEYS = 1_000;
/** The size of the JSON value that is stored, read and published. */
export const VALUE_BYTES = 270;
export const BURST_EVENTS = 1_000;
export const STALLED_SUBSCRIBERS = 200;
/** The size of the events that fill the sockets of stalled subscribers. */
export const FILLING_EVENT_BYTES = 4_096;
/** The maximum number of events that are published to fill the sockets. After them the scenario fails. */
export const FILLING_EVENTS_MAX = 4_000;
export const FILLING_BURST_EVENTS = 20;
export const DIFF_DOCUMENT_BYTES = 1_000_000;
export const DIFF_CLIENTS = 2;
export const HEARTBEAT_AGENTS = 1_000;
export const HEARTBEAT_CONNECTIONS = 64;
export const WAITING_CALLS = 1_000;
export const LIST_PAGE_ROWS = 100;
/** The number of values that a joining node installs, which are 25 MB together. */
export const CLUSTER_VALUES = 2_500;
export const CLUSTER_VALUE_BYTES = 10_000;
export const CLUSTER_CONNECTIONS = 64;
export const CLUSTER_SUBSCRIBERS = 500;
/** The time limit for a cluster to write again after a death. */
export const WRITES_AGAIN_MS_MAX = 60_000;

export const START_TIMEOUT_MS = 15_000;
export const STOP_TIMEOUT_MS = 8_000;
/** The time by which a job of a child process may exceed its planned duration. */
export const JOB_GRACE_MS = 60_000;
/** The time for which answers in flight are awaited after the end of a slice. */
export const REPLY_TIMEOUT_MS = 15_000;
/** If no event has come for this time, the missing events count as lost. */
export const DELIVERY_TIMEOUT_MS = 15_000;
export const CONNECTS_AT_ONCE_MAX = 64;
/** The number of broken connections after which a generator stops, because the server has ended. */
export const BROKEN_CONNECTIONS_MAX = 256;
export const FSYNC_SAMPLES = 50;
