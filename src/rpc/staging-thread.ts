/**
 * The thread of one restore, seen from the front: it is started for it, takes the snapshot's pieces one
 * after the other, and ends with it. Runs on the front; what it does with them is backup/staging.ts.
 */
import { Worker } from "node:worker_threads";
import type { RecordCounts } from "../../schemas/backup.js";
import type { CallContext } from "../../schemas/rpc.js";
import type { Clock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { Failure } from "../base/result.js";
import { RpcClient } from "./client.js";

/** What the thread is started with. */
export interface StagingData {
  readonly data_dir: string;
}

export interface StagingThreadOptions {
  /** The thread's script. */
  readonly url: URL;
  readonly data_dir: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class StagingThread {
  readonly #client: RpcClient;
  readonly #worker: Worker;

  constructor({ url, data_dir, clock, log }: StagingThreadOptions) {
    const data: StagingData = { data_dir };
    this.#client = new RpcClient({ clock });
    this.#worker = new Worker(url, { workerData: data });
    this.#client.attach(this.#worker);
    this.#worker.on("error", (error: unknown) => {
      log.error("restore thread failed", { error: error instanceof Error ? error.message : String(error) });
    });
    this.#worker.on("exit", () => this.#client.detach(new Failure("UNAVAILABLE", "the restore ended early")));
  }

  /** Takes the next piece; null where all is well so far. */
  async write(bytes: Uint8Array, context: CallContext): Promise<Failure | null> {
    return await this.#client.request("restore.write", { bytes }, context, bytes.byteLength);
  }

  /** There are no more pieces: what the staging database holds. It is complete and closed then. */
  async finish(context: CallContext): Promise<RecordCounts | Failure> {
    return await this.#client.request("restore.finish", {}, context);
  }

  tick(now_ms: number): void {
    this.#client.tick(now_ms);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
