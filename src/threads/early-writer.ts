/**
 * What is begun before the front's modules are loaded: the writer's thread, which takes as long for its own, and
 * meanwhile the database, opened and migrated here. So the front can read before the writer serves; what is written
 * until then waits in the thread's port. Runs on the front; imports little.
 */
import { Worker } from "node:worker_threads";
import type { ClusterSettings, Config, StoreSettings } from "../../schemas/config.js";
import { systemClock } from "../base/clock.js";
import { claimDataDir, type DataDirLock, prepareDatabase } from "../store/data-dir.js";
import { newestTime } from "../store/id-range.js";
import type { Db } from "../store/open.js";
import { settleTimes } from "../store/settle-times.js";
import { removeStaging } from "../store/staging.js";
import { SharedTime } from "./shared-time.js";

/** What the thread is started with. */
export interface WriterData {
  readonly data_dir: string;
  readonly settings: StoreSettings;
  /** Where it is a node of a cluster. */
  readonly cluster: ClusterSettings | null;
  /** Eight bytes: the id of the last call of the last commit. */
  readonly committed: SharedArrayBuffer;
  /** The memory of WatchedKinds. */
  readonly watched: SharedArrayBuffer;
  /** The memory of ForeignCounter. */
  readonly remoteWrites: SharedArrayBuffer;
  /** The memory of VisiblePosition. */
  readonly visible: SharedArrayBuffer;
  /** The memory of SharedTime. */
  readonly time: SharedArrayBuffer;
  /** Four bytes: 1 when the database is there to be opened, which the thread waits for. */
  readonly prepared: SharedArrayBuffer;
}

export interface EarlyThread {
  readonly data: WriterData;
  /** Hands the thread over: what it has said until now is said once `listen` listens. */
  take(listen: (worker: Worker) => void): void;
}

export interface WriterHandle extends EarlyThread {
  /** Of the data directory. */
  readonly lock: DataDirLock;
  /** To be closed when there is another handle: closing the last one would write the whole log into the database. */
  readonly database: Db;
}

/** What a writer is started with; without a token where none is named. */
type WriterSettings = StoreSettings & Partial<ClusterSettings & Pick<Config, "auth_token">>;

/** What of the settings decides what is stored, and how much of it can be read. */
function storeSettings({ state_history, state_events, event_history, auth_token = "" }: WriterSettings): StoreSettings {
  return { state_history, state_events, event_history, guarded: auth_token !== "" };
}

/** What of the settings makes a server a node; null for a server alone. */
function clusterSettings(settings: Partial<ClusterSettings>): ClusterSettings | null {
  const { cluster = "", cluster_name = "", node_id = "", cluster_creds = "", cluster_seed = false } = settings;
  return cluster === "" ? null : { cluster, cluster_name, node_id, cluster_creds, cluster_seed };
}

const EVENTS = ["message", "error", "exit"] as const;

/** Starts a thread and keeps what it says until it is taken. */
export function beginThread(url: URL, data: WriterData): EarlyThread {
  const worker = new Worker(url, { workerData: data });
  const said: (readonly [name: string, value: unknown])[] = [];
  const keepers = EVENTS.map((name) => [name, (value: unknown) => void said.push([name, value])] as const);
  for (const [name, keep] of keepers) worker.on(name, keep);
  return {
    data,
    take: (listen) => {
      for (const [name, keep] of keepers) worker.off(name, keep);
      listen(worker);
      for (const [name, value] of said) worker.emit(name, value);
    },
  };
}

/** What a thread is started with on a database of its own. */
export function writerData(data_dir: string, settings: WriterSettings): WriterData {
  return {
    data_dir,
    settings: storeSettings(settings),
    cluster: clusterSettings(settings),
    committed: new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT),
    watched: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
    remoteWrites: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
    visible: new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT),
    time: new SharedTime().memory,
    prepared: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
  };
}

/** The time by which a server begins, in ms; as far as that is its own to say, what it finds is brought back to it. */
function startTime(db: Db, in_cluster: boolean): number {
  const now_ms = systemClock.now();
  // A node goes by the log's time, and stores what others do.
  if (in_cluster && db.prepare("SELECT 1 FROM log_position").get() !== undefined)
    return Math.max(now_ms, newestTime(db, "main"));
  let start_ms = now_ms;
  db.transaction(() => {
    start_ms = settleTimes(db, now_ms);
  })();
  return start_ms;
}

/** Lets the thread open the database. */
function tellPrepared({ prepared }: WriterData): void {
  const cell = new Int32Array(prepared);
  Atomics.store(cell, 0, 1);
  Atomics.notify(cell, 0);
}

/** Waits until the database is there. Runs in the thread. */
export function waitUntilPrepared({ prepared }: WriterData): void {
  Atomics.wait(new Int32Array(prepared), 0, 0);
}

/**
 * Starts the thread, claims the data directory, and opens and migrates the database.
 * @throws DataDirError, SqliteMissingError with one line for the operator
 */
export function startWriter(url: URL, data_dir: string, settings: WriterSettings): WriterHandle {
  const data = writerData(data_dir, settings);
  const thread = beginThread(url, data);
  let lock: DataDirLock | undefined;
  try {
    lock = claimDataDir(data_dir);
    removeStaging(data_dir);
    const database = prepareDatabase(data_dir, lock);
    new SharedTime(data.time).raise(startTime(database, data.cluster !== null));
    tellPrepared(data);
    return { lock, database, ...thread };
  } catch (error) {
    lock?.release();
    thread.take((worker) => void worker.terminate());
    throw error;
  }
}
