/**
 * The writer's thread, begun: a thread takes as long to load its modules as the front takes for its own, so it is
 * started before those are loaded, and handed over when they are. Runs on the front; imports little.
 */
import { Worker } from "node:worker_threads";
import type { StoreSettings } from "../../schemas/config.js";
import { claimDataDir, type DataDirLock } from "../store/data-dir.js";
import { removeStaging } from "../store/staging.js";

/** What the thread is started with. */
export interface WriterData {
  readonly data_dir: string;
  readonly settings: StoreSettings;
  /** Eight bytes: the id of the last call of the last commit. */
  readonly committed: SharedArrayBuffer;
  /** The memory of WatchedKinds. */
  readonly watched: SharedArrayBuffer;
}

export interface BegunThread {
  readonly data: WriterData;
  /** Hands the thread over: what it has said until now is said once `listen` listens. */
  take(listen: (worker: Worker) => void): void;
}

export interface BegunWriter extends BegunThread {
  /** Of the data directory. */
  readonly lock: DataDirLock;
}

/** What of the settings decides what is stored, and how much of it can be read. */
function storeSettings({ state_history, state_events, event_history }: StoreSettings): StoreSettings {
  return { state_history, state_events, event_history };
}

const EVENTS = ["message", "error", "exit"] as const;

/** Starts a thread and keeps what it says until it is taken. */
export function beginThread(url: URL, data: WriterData): BegunThread {
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

/**
 * Claims the data directory and starts the thread, which opens the database.
 * @throws DataDirError, SqliteMissingError with one line for the operator
 */
export function beginWriter(url: URL, data_dir: string, settings: StoreSettings): BegunWriter {
  const lock = claimDataDir(data_dir);
  removeStaging(data_dir);
  const data: WriterData = {
    data_dir,
    settings: storeSettings(settings),
    committed: new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT),
    watched: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
  };
  return { lock, ...beginThread(url, data) };
}
