/**
 * The lanes behind the front: the data directory's lock, the writer's thread with the RPC to it, the job
 * pools, and the front's own read-only handle. Started in this order, closed in reverse. What is done
 * there, and who is told of it, is others' business.
 */
import type { Config } from "../schemas/config.js";
import type { CommittedEvent } from "../schemas/events.js";
import { BACKUPS_AT_ONCE_MAX } from "../schemas/limits.js";
import type { OutboxNotice } from "../schemas/webhooks.js";
import { systemClock } from "./base/clock.js";
import type { Log } from "./base/log.js";
import type { CommitNotice } from "./metrics/commit-notice.js";
import { RpcClient } from "./rpc/client.js";
import { Pool } from "./rpc/pool.js";
import { Reads } from "./rpc/reads.js";
import { WriterThread, type WriterReady } from "./rpc/writer-thread.js";
import { claimDataDir, DataDirError } from "./store/data-dir.js";
import { ReadContext } from "./store/read-context.js";
import { removeStaging } from "./store/staging.js";

/** The scripts of the threads; a test gives its own. */
export interface LaneUrls {
  readonly writer: URL;
  readonly pool: URL;
}

/** What the writer says unasked. */
export interface LaneListeners {
  readonly onEvents: (events: readonly CommittedEvent[]) => void;
  readonly onOutbox: (notice: OutboxNotice) => void;
  readonly onCommit: (notice: CommitNotice) => void;
  /** The writer crashed and serves again: what it committed before may not have been told. */
  readonly onRestarted: (ready: WriterReady) => void;
}

export interface Lanes {
  readonly writer: RpcClient;
  readonly pool: Pool;
  /** A pool of its own for backups: the slow reader of one keeps no job waiting. */
  readonly exports: Pool;
  readonly reads: Reads;
  /** What the writer found when it opened the database. */
  readonly first: WriterReady;
  close(): Promise<void>;
}

/**
 * Starts the lanes; resolves when the database is open and migrated.
 * @throws DataDirError with one line for the operator
 */
export async function openLanes(
  config: Config,
  data_dir: string,
  urls: LaneUrls,
  log: Log,
  listeners: LaneListeners,
): Promise<Lanes> {
  const lock = claimDataDir(data_dir);
  removeStaging(data_dir);
  let ready: ((first: WriterReady) => void) | null = null;
  let unusable: (error: DataDirError) => void = () => undefined;
  const opened = new Promise<WriterReady>((resolve, reject) => {
    ready = resolve;
    unusable = reject;
  });
  const writer = new RpcClient({
    clock: systemClock,
    onNotice: (name, payload) => {
      if (name === "events") listeners.onEvents(payload as readonly CommittedEvent[]);
      else if (name === "outbox") listeners.onOutbox(payload as OutboxNotice);
      else if (name === "commit") listeners.onCommit(payload as CommitNotice);
      else thread.takeNotice(name, payload);
    },
  });
  const thread = new WriterThread({
    url: urls.writer,
    data_dir,
    client: writer,
    log,
    settings: {
      state_history: config.state_history,
      state_events: config.state_events,
      event_history: config.event_history,
    },
    onReady: (now) => {
      if (ready === null) listeners.onRestarted(now);
      else ready(now);
      ready = null;
    },
    onUnusable: (code) =>
      unusable(new DataDirError(`cannot open the database in ${data_dir} (${code}); its files were left as they are`)),
  });
  thread.start();

  let first: WriterReady;
  try {
    first = await opened;
  } catch (error) {
    thread.abandon();
    lock.release();
    throw error;
  }
  const settings = { data_dir, state_history: config.state_history };
  const context = new ReadContext(settings);
  const pool = new Pool({ url: urls.pool, settings, log });
  const exports = new Pool({ url: urls.pool, settings, log, threads_max: BACKUPS_AT_ONCE_MAX });
  return {
    writer,
    pool,
    exports,
    first,
    reads: new Reads(context, pool),
    close: async () => {
      await pool.close();
      await exports.close();
      context.close();
      await thread.close();
      lock.release();
    },
  };
}
