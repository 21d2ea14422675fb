/**
 * Starts the writer thread, and restarts it after a crash. The calls that were in flight fail with UNAVAILABLE. Each
 * further crash doubles the delay before the restart. The front continues to run meanwhile. Runs on the front.
 */
import { Worker } from "node:worker_threads";
import { WRITER_RESTART_DELAY_MS, WRITER_RESTART_DELAY_MS_MAX } from "../../../schemas/limits/writer.js";
import type { Log } from "../../base/log.js";
import { reasonOf } from "../../base/reason.js";
import { Failure } from "../../base/result.js";
import { SharedCounter } from "../../base/shared-counter.js";
import type { RpcClient } from "../rpc/client.js";
import type { PayloadOf } from "../rpc/method.js";
import { NO_CALLER } from "../rpc/frames.js";
import { sqliteCode } from "../store/sqlite/codes.js";
import { closeStore } from "./close-store.js";
import type { EarlyThread } from "./early-writer.js";
import type { UNUSABLE } from "./push-messages.js";
import type { StorageWatch } from "./storage-watch.js";

export interface WriterThreadOptions {
  /** The thread's script. */
  readonly url: URL;
  /** The first writer thread, which was started early. After a crash, the next thread is started with the same data. */
  readonly early: EarlyThread;
  readonly client: RpcClient;
  readonly log: Log;
  /** Called when the thread begins to serve calls, at the start and after each restart. */
  readonly onReady: () => void;
  /** Called when the thread was started again. */
  readonly onRestart: () => void;
  readonly storage: Pick<StorageWatch, "findFault" | "takeError" | "takeUnusable">;
}

export class WriterThread {
  readonly #options: WriterThreadOptions;
  #worker: Worker | null = null;
  #restart: NodeJS.Timeout | null = null;
  #delayMs = WRITER_RESTART_DELAY_MS;
  #closing = false;

  constructor(options: WriterThreadOptions) {
    this.#options = options;
  }

  /** Takes over the thread that was started early. */
  start(): void {
    this.#options.early.take((worker) => this.#listen(worker));
  }

  #listen(worker: Worker): void {
    const { client, log, storage } = this.#options;
    this.#worker = worker;
    client.attach(worker);
    worker.on("error", (error: unknown) => {
      storage.takeError(error);
      log.error("writer crashed", { error: sqliteCode(error) ?? reasonOf(error) });
    });
    worker.on("exit", () => this.#exited());
  }

  /** Handles the push message READY. */
  takeReady(): void {
    this.#delayMs = WRITER_RESTART_DELAY_MS;
    this.#options.storage.takeUnusable(null);
    this.#options.onReady();
  }

  /** Handles the push message UNUSABLE. The thread ends by itself. */
  takeUnusable(error: PayloadOf<typeof UNUSABLE>): void {
    this.#options.log.error("writer cannot open the database", { error });
    this.#options.storage.takeUnusable(error);
  }

  /** Ends the thread after it has handled all messages that were sent to it. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === null) return;
    const exited = new Promise<void>((resolve) => {
      worker.once("exit", () => resolve());
    });
    await this.#options.client.request(closeStore, {}, NO_CALLER);
    await exited;
  }

  #exited(): void {
    this.#worker = null;
    const committed = new SharedCounter(this.#options.early.data.committed).value;
    this.#options.client.detach(new Failure("UNAVAILABLE", "the writer is restarting, try again"), committed);
    if (this.#closing) return;
    this.#options.log.warn("writer restarts", { delay_ms: this.#delayMs });
    this.#startLater();
  }

  #startLater(): void {
    this.#restart = setTimeout(() => this.#startAgain(), this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, WRITER_RESTART_DELAY_MS_MAX);
  }

  /**
   * Starts the thread again. If a file of the database was replaced, tries again later: the writer must not open the
   * new file, because the front still reads the previous one.
   */
  #startAgain(): void {
    const { url, early, storage, onRestart } = this.#options;
    if (storage.findFault() !== null) {
      this.#startLater();
      return;
    }
    onRestart();
    this.#listen(new Worker(url, { workerData: early.data }));
  }
}
