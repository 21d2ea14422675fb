/**
 * Starts the other threads, and closes them. First it locks the data directory. Then it opens the writer thread with
 * its RPC client, the worker pools, and the front's read-only database handle. It closes them in reverse order. Other
 * modules define the methods and jobs of the threads, and handle the threads' push messages.
 */
import type { Config } from "../../../schemas/config.js";
import { BACKUPS_AT_ONCE_MAX } from "../../../schemas/limits/backup.js";
import { machineClock, systemClock } from "../../base/clock.js";
import type { Log } from "../../base/log.js";
import { SharedCounter } from "../../base/shared-counter.js";
import { RpcClient } from "../rpc/client.js";
import type { MethodTable, PushMessage, PayloadOf } from "../rpc/method.js";
import { databasePath, walBytes } from "../store/open.js";
import { OpenFiles } from "../store/open-files.js";
import { stagingPath } from "../store/staging.js";
import { startWriter, type WriterHandle } from "./early-writer.js";
import type { AnyMethod } from "./methods.js";
import { READY, UNUSABLE } from "./push-messages.js";
import { Pool, THE_SERVER } from "./pool.js";
import { Reader } from "./reader.js";
import { Reads } from "./reads.js";
import { SharedTime } from "./shared-time.js";
import { StagingThread } from "./staging-thread.js";
import { checkStorage } from "./jobs.js";
import { StorageWatch } from "./storage-watch.js";
import { WatchedKinds } from "./watched-kinds.js";
import { Writer } from "./writer.js";
import { WriterThread } from "./writer-thread.js";

/** The URLs of the scripts that the threads run. Tests run other scripts. */
export interface ThreadUrls {
  readonly writer: URL;
  readonly pool: URL;
  readonly staging: URL;
}

/** The handlers of push messages: one for each message in a table such as `PUSH_MESSAGES`. */
export type PushHandlers<Messages extends Readonly<Record<string, PushMessage>>> = {
  readonly [Name in keyof Messages]: (payload: PayloadOf<Messages[Name]>) => void;
};

export interface ThreadsOptions<Messages extends Readonly<Record<string, PushMessage>>> {
  readonly config: Config;
  readonly data_dir: string;
  readonly urls: ThreadUrls;
  readonly log: Log;
  readonly methods: MethodTable<AnyMethod>;
  readonly pushMessages: Messages;
  /** The writer thread; absent unless it was started before this module was loaded (early-writer.ts). */
  readonly earlyWriter?: WriterHandle | undefined;
}

export interface Threads<Messages extends Readonly<Record<string, PushMessage>>> {
  readonly writer: Writer;
  readonly pool: Pool;
  /**
   * The worker pool for backups. It is a separate pool, because a client may read a backup slowly, and must not block
   * other jobs.
   */
  readonly exports: Pool;
  readonly reads: Reads;
  /** The kinds of changes that clients watch. The writer publishes only these. */
  readonly watched: WatchedKinds;
  /**
   * The applied position of a node: the id of the newest log entry whose effects reads may see. On a single server it
   * stays 0.
   */
  readonly appliedPosition: SharedCounter;
  /** Watches whether the database can still store data durably. */
  readonly storage: StorageWatch;
  /** The time that the front and its writer share. */
  readonly time: SharedTime;
  /** The path of the file into which a restore writes its snapshot. */
  readonly stagingPath: string;
  /** The size of the database's write-ahead log in bytes. */
  walBytes(): number;
  /** Starts the thread of a restore. */
  startStaging(): StagingThread;
  /**
   * Sets the handlers of push messages. Must be called once, before the first call to the writer.
   * @param afterRestart called when the writer serves again after a crash. Push messages about the last commits before
   * the crash may be lost
   * @param onRestart called when a new writer thread is started after a crash, before it is known whether the new
   * thread can serve
   */
  listen(handlers: PushHandlers<Messages>, afterRestart: () => void, onRestart?: () => void): void;
  close(): Promise<void>;
}

/**
 * Starts the threads. When this function returns, the database can be read, but the writer may still be loading its
 * modules.
 * @throws DataDirError, SqliteMissingError with one line for the operator
 */
export function openThreads<Messages extends Readonly<Record<string, PushMessage>>>(
  options: ThreadsOptions<Messages>,
): Threads<Messages> {
  const { data_dir, urls, log, methods, pushMessages } = options;
  const earlyWriter = options.earlyWriter ?? startWriter(urls.writer, data_dir, options.config);
  const { lock } = earlyWriter;
  const handlersByName = new Map<string, (payload: never) => void>([
    [READY.name, () => thread.takeReady()],
    [UNUSABLE.name, (error: PayloadOf<typeof UNUSABLE>) => thread.takeUnusable(error)],
  ]);
  /**
   * The push messages that arrived before `listen` was called. The writer of a node may send some, because it may start
   * faster than the front.
   */
  const undelivered: (readonly [name: string, payload: unknown])[] = [];
  let onRestarted: () => void = () => undefined;
  let starts = 0;
  let onStartedAgain: () => void = () => undefined;
  const client = new RpcClient({
    methods,
    clock: machineClock,
    pushMessages: [READY, UNUSABLE, ...Object.values(pushMessages)],
    onPush: (name, payload) => {
      const handle = handlersByName.get(name);
      if (handle === undefined) undelivered.push([name, payload]);
      else handle(payload as never);
    },
  });
  const { settings } = earlyWriter.data;
  const writer = new Writer(client, new SharedCounter(earlyWriter.data.remoteWrites));
  const watched = new WatchedKinds(earlyWriter.data.watched);
  const files = new OpenFiles(data_dir);
  const data = { data_dir, settings, files: files.database };
  const pool = new Pool({ url: urls.pool, methods, data, log });
  const storage = new StorageWatch({
    files,
    check: () => pool.run(checkStorage, { path: databasePath(data_dir) }, { caller: THE_SERVER }),
    log,
    nowMs: systemClock.now(),
    hold: (refusal) => writer.hold(refusal),
  });
  const thread = new WriterThread({
    url: urls.writer,
    early: earlyWriter,
    client,
    log,
    onReady: () => {
      starts += 1;
      if (starts === 1) return;
      writer.restarted();
      onRestarted();
    },
    onRestart: () => onStartedAgain(),
    storage,
  });
  thread.start();
  const reader = new Reader(data_dir, settings);
  earlyWriter.database.close();
  const exports = new Pool({ url: urls.pool, methods, data, log, threadsMax: BACKUPS_AT_ONCE_MAX });
  return {
    writer,
    pool,
    exports,
    reads: new Reads(reader, pool),
    watched,
    appliedPosition: new SharedCounter(earlyWriter.data.appliedPosition),
    time: new SharedTime(earlyWriter.data.time),
    stagingPath: stagingPath(data_dir),
    walBytes: () => walBytes(data_dir),
    storage,
    startStaging: () => new StagingThread({ url: urls.staging, methods, data, clock: machineClock, log }),
    listen: (handlers, afterRestart, onRestart = () => undefined) => {
      for (const [key, message] of Object.entries(pushMessages))
        handlersByName.set(message.name, handlers[key] as never);
      onRestarted = afterRestart;
      onStartedAgain = onRestart;
      for (const [name, payload] of undelivered.splice(0)) handlersByName.get(name)?.(payload as never);
    },
    close: async () => {
      await pool.close();
      await exports.close();
      // Replace the handlers, because they may read from database handles that are closed now. If the writer restarts
      // at this moment, it could still call them.
      onRestarted = () => undefined;
      for (const { name } of Object.values(pushMessages)) handlersByName.set(name, () => undefined);
      reader.close();
      await thread.close();
      files.close();
      lock.release();
    },
  };
}
