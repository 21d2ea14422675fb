/**
 * Restores a snapshot. A separate thread gets the body of the request in pieces, checks them, and stores them in a
 * staging database. If the snapshot is complete and valid, the writer copies the staging database in one transaction.
 * Other writes are rejected during the copy. Runs on the front, one restore at a time.
 */
import { rm } from "node:fs/promises";
import { writeDetail } from "../../../schemas/backup.js";
import { machineClock } from "../../base/clock.js";
import type { Log } from "../../base/log.js";
import { reasonOf } from "../../base/reason.js";
import { Failure } from "../../base/result.js";
import { jsonReply } from "../../platform/front/reply.js";
import type { Answer, Request } from "../../platform/front/route.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { BackgroundTask } from "../../platform/background/task.js";
import type { StagingThread } from "../../platform/threads/staging-thread.js";
import type { Writer } from "../../platform/threads/writer.js";
import type { RequestStream } from "../../platform/transport/body-stream.js";
import { applyRestore, checkRestore } from "./commands.js";
import { finishStaging, writeStaging } from "./staging-jobs.js";

export interface RestoreOptions {
  readonly writer: Writer;
  readonly log: Log;
  /** The path of the staging database. */
  readonly path: string;
  /** Starts the thread of a restore. */
  readonly startThread: () => StagingThread;
  /** Makes the server reject other writes with this failure. Null allows writes again. */
  readonly holdWrites: (refusal: Failure | null) => void;
  /**
   * True on a node of a cluster. A snapshot cannot be restored there, because the other nodes would have to apply the
   * same call but do not have the snapshot.
   */
  readonly inCluster: boolean;
  /** Called when the snapshot is stored, so that the front reloads its caches. */
  readonly onRestored: (lastEventId: number) => void;
}

const RUNNING = new Failure("UNAVAILABLE", "a restore is running, try again");
const IN_CLUSTER = new Failure(
  "ALREADY_EXISTS",
  "a node of a cluster takes no snapshot: stop the nodes, restore into a single server, and begin another cluster " +
    "from it with --cluster-seed and another --cluster-name",
);
/** The failure of a restore whose client disconnects before the end of the snapshot. The client never reads it. */
const GONE = new Failure("CANCELLED", "the snapshot ends early");

export class Restore implements BackgroundTask {
  readonly #options: RestoreOptions;
  #thread: StagingThread | null = null;
  #running = false;

  constructor(options: RestoreOptions) {
    this.#options = options;
  }

  async run({ stream, context }: Pick<Request, "stream" | "context">): Promise<Answer> {
    if (this.#options.inCluster) return IN_CLUSTER;
    if (this.#running || stream === null) return RUNNING;
    this.#running = true;
    try {
      const { writer, log } = this.#options;
      const refusal = await writer.request(checkRestore, {}, context);
      if (refusal instanceof Failure) return refusal;
      const counts = await this.#stage(stream, context);
      if (counts instanceof Failure) return counts;
      const applied = await this.#apply(counts, context);
      if (applied instanceof Failure) return applied;
      log.info("restored", counts);
      return jsonReply(writeDetail(counts));
    } finally {
      await this.#removeStaging();
      this.#running = false;
    }
  }

  tick(): void {
    this.#thread?.tick(machineClock.now());
  }

  /** Ends a running restore. Its staging database is deleted when the thread ends, or at the next start. */
  async close(): Promise<void> {
    await this.#thread?.close();
  }

  async #stage(stream: RequestStream, context: CallContext): Promise<Readonly<Record<string, number>> | Failure> {
    const thread = this.#options.startThread();
    this.#thread = thread;
    try {
      for (;;) {
        const piece = await stream.read();
        if (piece === undefined) return GONE;
        if (piece === null) break;
        const refusal = await thread.call(writeStaging, { bytes: piece }, context);
        if (refusal !== null) return refusal;
      }
      return await thread.call(finishStaging, {}, context);
    } finally {
      this.#thread = null;
      await thread.close();
    }
  }

  async #apply(counts: Readonly<Record<string, number>>, context: CallContext): Promise<Failure | null> {
    const { writer, path, holdWrites, onRestored } = this.#options;
    holdWrites(RUNNING);
    try {
      const reply = await writer.request(applyRestore, { path, counts }, context);
      if (reply instanceof Failure) return reply;
      onRestored(reply.last_event_id);
      return null;
    } finally {
      holdWrites(null);
    }
  }

  /**
   * Deletes the staging file asynchronously. The file may be large, so the blocking call runs in a thread of libuv's
   * pool.
   */
  async #removeStaging(): Promise<void> {
    try {
      await rm(this.#options.path, { force: true });
    } catch (error) {
      this.#options.log.warn("cannot remove the staging file of a restore", {
        error: reasonOf(error),
      });
    }
  }
}
