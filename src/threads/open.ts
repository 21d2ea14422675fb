/**
 * Starts and closes the other threads. In this order it takes the lock of the data directory, and opens the writer
 * thread and its RPC client, the worker pools, and the front's own read-only handle. They are closed in reverse order.
 * Other modules decide what the threads do, and handle their push messages.
 */
import type { Config } from "../../schemas/config.js";
import { BACKUPS_AT_ONCE_MAX } from "../../schemas/limits/backup.js";
import { must } from "../base/assert.js";
import { machineClock, systemClock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { RpcClient } from "../rpc/client.js";
import type { MethodTable, PushMessage, PayloadOf } from "../rpc/method.js";
import { databasePath, walBytes } from "../store/open.js";
import { OpenFiles } from "../store/open-files.js";
import { stagingPath } from "../store/staging.js";
import { startWriter, type WriterHandle } from "./early-writer.js";
import { RemoteWriteCounter } from "./remote-write-counter.js";
import type { AnyMethod } from "./methods.js";
import { READY, UNUSABLE } from "./push-messages.js";
import { Pool, THE_SERVER } from "./pool.js";
import { Reader } from "./reader.js";
import { Reads } from "./reads.js";
import { SharedTime } from "./shared-time.js";
import { StagingThread } from "./staging-thread.js";
import { checkStorage } from "./jobs.js";
import { StorageWatch } from "./storage-watch.js";
import { AppliedPosition } from "./applied-position.js";
import { WatchedKinds } from "./watched-kinds.js";
import { Writer } from "./writer.js";
import { WriterThread } from "./writer-thread.js";

/** The URLs of the scripts that the threads run. Tests use other scripts. */
export interface ThreadUrls {
  readonly writer: URL;
  readonly pool: URL;
  readonly staging: URL;
}

/** The handlers of the push messages: one for each message of a table such as PUSH_MESSAGES. */
export type PushHandlers<Messages extends Readonly<Record<string, PushMessage>>> = {
  readonly [Name in keyof Messages]: (payload: PayloadOf<Messages[Name]>) => void;
};

export interface ThreadsOptions<Messages extends Readonly<Record<string, PushMessage>>> {
  readonly config: Config;
  readonly data_dir: string;
  readonly urls: ThreadUrls;
  readonly log: Log;
  readonly methods: MethodTable<AnyMethod>;
  readonly push_messages: Messages;
  /** The writer, if it was started before this module was loaded (early-writer.ts). */
  readonly earlyWriter?: WriterHandle | undefined;
}

export interface Threads<Messages extends Readonly<Record<string, PushMessage>>> {
  readonly writer: Writer;
  readonly pool: Pool;
  /** A separate pool for backups, so that a client that reads a backup slowly blocks no other job. */
  readonly exports: Pool;
  readonly reads: Reads;
  /** The kinds of changes that clients watch, which the writer publishes. */
  readonly watched: WatchedKinds;
  /** The applied position of a node of a cluster. A single server never sets it. */
  readonly appliedPosition: AppliedPosition;
  /** Watches whether the database can store data durably. */
  readonly storage: StorageWatch;
  /** The time that the front and its writer share. */
  readonly time: SharedTime;
  /** The file in which a restore collects its snapshot. */
  readonly staging_path: string;
  /** The size of the database's write-ahead log in bytes. */
  walBytes(): number;
  /** Starts the thread of a restore. */
  startStaging(): StagingThread;
  /**
   * Sets the handlers of push messages. Must be called once, before the first call to the writer.
   * @param afterRestart called when the writer serves again after a crash. Push messages about its last commits may be
   * missing.
   * @param onRestart called when the writer was started again after a crash, before it is known whether it will serve
   */
  listen(handlers: PushHandlers<Messages>, afterRestart: () => void, onRestart?: () => void): void;
  close(): Promise<void>;
}

/**
 * Starts the threads. When this returns, the database can be read, but the writer may still be loading its modules.
 * @throws DataDirError, SqliteMissingError with one line for the operator
 */
export function openThreads<Messages extends Readonly<Record<string, PushMessage>>>(
  options: ThreadsOptions<Messages>,
): Threads<Messages> {
  const { data_dir, urls, log, methods, push_messages } = options;
  const earlyWriter = options.earlyWriter ?? startWriter(urls.writer, data_dir, options.config);
  const { lock } = earlyWriter;
  const handlersByName = new Map<string, (payload: never) => void>();
  /**
   * The push messages that the writer has sent before `listen` was called. There can be some, because a node's writer
   * may start faster than the front.
   */
  const undelivered: (readonly [name: string, payload: unknown])[] = [];
  let onRestarted: () => void = () => undefined;
  let starts = 0;
  let onStartedAgain: () => void = () => undefined;
  const client = new RpcClient({
    methods,
    clock: machineClock,
    push_messages: [READY, UNUSABLE, ...Object.values(push_messages)],
    onPush: (name, payload) => {
      if (thread.takePush(name, payload)) return;
      if (handlersByName.size === 0) undelivered.push([name, payload]);
      else must(handlersByName.get(name), `the push message ${name} has a handler`)(payload as never);
    },
  });
  const { settings } = earlyWriter.data;
  const writer = new Writer(client, new RemoteWriteCounter(earlyWriter.data.remoteWrites));
  const watched = new WatchedKinds(earlyWriter.data.watched);
  const data = { data_dir, settings };
  const pool = new Pool({ url: urls.pool, methods, data, log });
  const files = new OpenFiles(data_dir);
  const storage = new StorageWatch({
    files,
    check: () => pool.run(checkStorage, { path: databasePath(data_dir) }, { caller: THE_SERVER }),
    log,
    now_ms: systemClock.now(),
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
  const exports = new Pool({ url: urls.pool, methods, data, log, threads_max: BACKUPS_AT_ONCE_MAX });
  return {
    writer,
    pool,
    exports,
    reads: new Reads(reader, pool),
    watched,
    appliedPosition: new AppliedPosition(earlyWriter.data.appliedPosition),
    time: new SharedTime(earlyWriter.data.time),
    staging_path: stagingPath(data_dir),
    walBytes: () => walBytes(data_dir),
    storage,
    startStaging: () => new StagingThread({ url: urls.staging, methods, data, clock: machineClock, log }),
    listen: (handlers, afterRestart, onRestart = () => undefined) => {
      for (const [key, message] of Object.entries(push_messages))
        handlersByName.set(message.name, handlers[key] as never);
      onRestarted = afterRestart;
      onStartedAgain = onRestart;
      for (const [name, payload] of undelivered.splice(0)) handlersByName.get(name)?.(payload as never);
    },
    close: async () => {
      await pool.close();
      await exports.close();
      // The handlers are removed, because they may read from handles that are closed now. Otherwise a writer that is
      // restarting could still call them.
      onRestarted = () => undefined;
      for (const name of handlersByName.keys()) handlersByName.set(name, () => undefined);
      reader.close();
      await thread.close();
      files.close();
      lock.release();
    },
  };
}
