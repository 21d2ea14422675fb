/**
 * Starts the writer thread before the modules of the front are loaded, so that both threads load their modules at the
 * same time. Meanwhile this thread opens and migrates the database, so that the front can read before the writer
 * serves. Messages that are sent to the writer before that wait in its port. This file should import little, because
 * the writer starts only after its imports are loaded. Runs on the front.
 */
import { Worker } from "node:worker_threads";
import type { ClusterSettings, Config, StoreSettings } from "../../schemas/config.js";
import { systemClock } from "../base/clock.js";
import { SharedCounter } from "../base/shared-counter.js";
import { claimDataDir, type DataDirLock, prepareDatabase } from "../store/data-dir.js";
import { newestTime } from "../store/id-range.js";
import type { Db } from "../store/open.js";
import { settleTimes } from "../store/settle-times.js";
import { removeStaging } from "../store/staging.js";
import { SharedTime } from "./shared-time.js";

/** The data that the writer thread is started with. */
export interface WriterData {
  readonly data_dir: string;
  readonly settings: StoreSettings;
  /** Null for a single server. */
  readonly cluster: ClusterSettings | null;
  /** The memory of a SharedCounter, which holds the id of the last call of the last commit. */
  readonly committed: SharedArrayBuffer;
  /** The memory of WatchedKinds. */
  readonly watched: SharedArrayBuffer;
  /**
   * The memory of a SharedCounter. It counts the commits in which calls of other nodes changed something of which the
   * front keeps copies. The writer counts before it commits, and sends the changed keys afterwards. If the front has
   * received fewer messages than the count says, the database may be newer than the front's copies, so the front reads
   * the database. A single server never counts.
   */
  readonly remoteWrites: SharedArrayBuffer;
  /**
   * The memory of a SharedCounter, which holds the applied position: the id of the newest log entry whose effect may be
   * visible to reads. The writer of a node sets the position before it commits. So data that the front reads is never
   * newer than the position that the front reports with it. The data may be older for a moment. That is harmless: a
   * client that then requests this position at another node waits for an entry that the log already has. A single
   * server never sets the position, so it stays 0.
   */
  readonly appliedPosition: SharedArrayBuffer;
  /** The memory of SharedTime. */
  readonly time: SharedArrayBuffer;
  /**
   * Four bytes that are set to 1 once the database is ready to be opened. The thread sleeps until then, which a
   * SharedCounter does not offer.
   */
  readonly prepared: SharedArrayBuffer;
}

export interface EarlyThread {
  readonly data: WriterData;
  /** Passes the thread to `listen`. The messages that it has sent before are delivered after `listen` has returned. */
  take(listen: (worker: Worker) => void): void;
}

export interface WriterHandle extends EarlyThread {
  /** The lock of the data directory. */
  readonly lock: DataDirLock;
  /**
   * The handle that migrated the database. It must be closed only once another handle is open, because closing the last
   * handle would copy the whole WAL into the database.
   */
  readonly database: Db;
}

/** The settings that a writer is started with. The token may be missing. */
type WriterSettings = StoreSettings & Partial<ClusterSettings & Pick<Config, "auth_token">>;

/** Selects the settings that decide which data is stored, and how much of it can be read. */
function storeSettings({ state_history, state_events, event_history, auth_token = "" }: WriterSettings): StoreSettings {
  return { state_history, state_events, event_history, guarded: auth_token !== "" };
}

/** Selects the settings that a node of a cluster needs; returns null for a single server. */
function clusterSettings(settings: Partial<ClusterSettings>): ClusterSettings | null {
  const { cluster = "", cluster_name = "", node_id = "", cluster_creds = "", cluster_seed = false } = settings;
  return cluster === "" ? null : { cluster, cluster_name, node_id, cluster_creds, cluster_seed };
}

const EVENTS = ["message", "error", "exit"] as const;

/** Starts a thread and buffers its messages until the thread is taken. */
export function startThread(url: URL, data: WriterData): EarlyThread {
  const worker = new Worker(url, { workerData: data });
  const buffered: (readonly [name: string, value: unknown])[] = [];
  const buffering = EVENTS.map((name) => [name, (value: unknown) => void buffered.push([name, value])] as const);
  for (const [name, buffer] of buffering) worker.on(name, buffer);
  return {
    data,
    take: (listen) => {
      for (const [name, buffer] of buffering) worker.off(name, buffer);
      listen(worker);
      for (const [name, value] of buffered) worker.emit(name, value);
    },
  };
}

/** Creates the data that a writer thread is started with, for a database that no other writer uses. */
export function writerData(data_dir: string, settings: WriterSettings): WriterData {
  return {
    data_dir,
    settings: storeSettings(settings),
    cluster: clusterSettings(settings),
    committed: new SharedCounter().memory,
    watched: new SharedCounter().memory,
    remoteWrites: new SharedCounter().memory,
    appliedPosition: new SharedCounter().memory,
    time: new SharedTime().memory,
    prepared: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
  };
}

/**
 * Returns the time in ms with which a server starts. Stored times that are ahead of the clock are moved back to the
 * current time, except on a node of a cluster.
 */
function startTime(db: Db, in_cluster: boolean): number {
  const now_ms = systemClock.now();
  // On a node the times are not changed, because it follows the time of the log and must store the same rows as the
  // other nodes.
  if (in_cluster && db.prepare("SELECT 1 FROM log_position").get() !== undefined)
    return Math.max(now_ms, newestTime(db, "main"));
  let start_ms = now_ms;
  db.transaction(() => {
    start_ms = settleTimes(db, now_ms);
  })();
  return start_ms;
}

/** Lets the thread open the database. */
function signalPrepared({ prepared }: WriterData): void {
  const cell = new Int32Array(prepared);
  Atomics.store(cell, 0, 1);
  Atomics.notify(cell, 0);
}

/** Blocks until the database is ready. Runs in the writer thread. */
export function waitUntilPrepared({ prepared }: WriterData): void {
  Atomics.wait(new Int32Array(prepared), 0, 0);
}

/**
 * Starts the thread. Meanwhile claims the data directory, and opens and migrates the database.
 * @throws DataDirError, SqliteMissingError with one line for the operator
 */
export function startWriter(url: URL, data_dir: string, settings: WriterSettings): WriterHandle {
  const data = writerData(data_dir, settings);
  const thread = startThread(url, data);
  let lock: DataDirLock | undefined;
  try {
    lock = claimDataDir(data_dir);
    removeStaging(data_dir);
    const database = prepareDatabase(data_dir, lock);
    new SharedTime(data.time).raise(startTime(database, data.cluster !== null));
    signalPrepared(data);
    return { lock, database, ...thread };
  } catch (error) {
    lock?.release();
    thread.take((worker) => void worker.terminate());
    throw error;
  }
}
