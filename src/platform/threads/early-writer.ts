/**
 * Starts the writer thread before the front loads its own modules, so that both threads load their modules at the same
 * time. Runs on the front. After the start, the front opens and migrates the database. So it can already read while the
 * writer still loads. Messages to the writer wait in its port until it serves. This file should import little, because
 * the writer starts only after these imports are loaded.
 */
import { Worker } from "node:worker_threads";
import type { ClusterSettings, Config, StoreSettings } from "../../../schemas/config.js";
import { systemClock } from "../../base/clock.js";
import { SharedCounter } from "../../base/shared-counter.js";
import { claimDataDir, type DataDirLock, prepareDatabase } from "../store/data-dir.js";
import { newestTime } from "../store/id-range.js";
import type { Db } from "../store/open.js";
import { settleTimes } from "../store/settle-times.js";
import { removeStaging } from "../store/staging.js";
import { SharedTime } from "./shared-time.js";

/** The data that a writer thread gets when it is started. */
export interface WriterData {
  readonly data_dir: string;
  readonly settings: StoreSettings;
  /** The settings of a node; null for a single server. */
  readonly cluster: ClusterSettings | null;
  /** The memory of a SharedCounter, in which the writer stores the id of the last committed call. */
  readonly committed: SharedArrayBuffer;
  /** The memory of a WatchedKinds. */
  readonly watched: SharedArrayBuffer;
  /**
   * The memory of a SharedCounter. It counts the commits in which calls from other nodes changed things that the front
   * caches. On a single server it stays 0. The writer increments it before it commits, and sends the changed keys after
   * the commit. If the front has received fewer messages than the count, the database may be newer than the caches. The
   * front then reads the database instead.
   */
  readonly remoteWrites: SharedArrayBuffer;
  /**
   * The memory of a SharedCounter that holds the applied position: the id of the newest log entry whose effects reads
   * may see. On a single server it stays 0. The writer of a node sets the position before it commits the entry. So an
   * answer of the front never contains newer data than its position says. For a moment, the data may be older than the
   * position. That is harmless: if a client then requires this position at another node, the client waits for an entry
   * that is already in the log.
   */
  readonly appliedPosition: SharedArrayBuffer;
  /** The memory of a SharedTime. */
  readonly time: SharedArrayBuffer;
  /**
   * A 32-bit integer that becomes 1 when the writer may open the database. The writer thread sleeps until then. A
   * SharedCounter cannot be used, because no thread can sleep on one.
   */
  readonly prepared: SharedArrayBuffer;
}

export interface EarlyThread {
  readonly data: WriterData;
  /**
   * Calls `listen` with the thread, so that `listen` adds message listeners. Then delivers the messages that the thread
   * has sent before.
   */
  take(listen: (worker: Worker) => void): void;
}

export interface WriterHandle extends EarlyThread {
  /** The lock of the data directory. */
  readonly lock: DataDirLock;
  /**
   * The handle with which the database was migrated. It must stay open until another handle is open. Otherwise it would
   * be the last handle, and closing the last handle copies the whole WAL into the database.
   */
  readonly database: Db;
}

/** The settings of a writer. Only the token may be missing. */
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

/** Starts a thread, and buffers its messages until `take` is called. */
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

/** Creates the data with which a writer thread is started. No other writer may use the same database. */
export function writerData(dataDir: string, settings: WriterSettings): WriterData {
  return {
    data_dir: dataDir,
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
 * Returns the time in ms with which a server's clock starts. On a single server, first repairs stored times that are
 * ahead of the machine's clock (settle-times.ts).
 */
function startTime(db: Db, inCluster: boolean): number {
  const nowMs = systemClock.now();
  // A node must not change stored times, because it must store the same rows as the other nodes. It follows the time of
  // the log instead.
  if (inCluster && db.prepare("SELECT 1 FROM log_position").get() !== undefined)
    return Math.max(nowMs, newestTime(db, "main"));
  let startMs = nowMs;
  db.transaction(() => {
    startMs = settleTimes(db, nowMs);
  })();
  return startMs;
}

/** Wakes the writer thread, which may now open the database. */
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
 * Starts the writer thread. While it loads, locks the data directory, and opens and migrates the database.
 * @throws DataDirError, SqliteMissingError with one line for the operator
 */
export function startWriter(url: URL, dataDir: string, settings: WriterSettings): WriterHandle {
  const data = writerData(dataDir, settings);
  const thread = startThread(url, data);
  let lock: DataDirLock | undefined;
  try {
    lock = claimDataDir(dataDir);
    removeStaging(dataDir);
    const database = prepareDatabase(dataDir, lock);
    new SharedTime(data.time).raise(startTime(database, data.cluster !== null));
    signalPrepared(data);
    return { lock, database, ...thread };
  } catch (error) {
    lock?.release();
    thread.take((worker) => void worker.terminate());
    throw error;
  }
}
