/**
 * Starts the thread of one restore, and calls its methods. The thread lives as long as the restore. Runs on the front.
 */
import { Worker } from "node:worker_threads";
import type { StoreSettings } from "../../../schemas/config.js";
import type { Clock } from "../../base/clock.js";
import type { Log } from "../../base/log.js";
import { reasonOf } from "../../base/reason.js";
import { Failure } from "../../base/result.js";
import { RpcClient } from "../rpc/client.js";
import type { CallContext } from "../rpc/frames.js";
import type { MethodTable, ReplyOf, RequestOf } from "../rpc/method.js";
import type { AnyMethod } from "./methods.js";
import type { StagingMethod } from "./staging-method.js";

/** The `workerData` of the thread. */
export interface StagingData {
  readonly data_dir: string;
  readonly settings: StoreSettings;
}

export interface StagingThreadOptions {
  /** The thread's script. */
  readonly url: URL;
  readonly methods: MethodTable<AnyMethod>;
  readonly data: StagingData;
  readonly clock: Clock;
  readonly log: Log;
}

export class StagingThread {
  readonly #client: RpcClient;
  readonly #worker: Worker;

  constructor({ url, methods, data, clock, log }: StagingThreadOptions) {
    this.#client = new RpcClient({ methods, clock });
    this.#worker = new Worker(url, { workerData: data });
    this.#client.attach(this.#worker);
    this.#worker.on("error", (error: unknown) => {
      log.error("restore thread failed", { error: reasonOf(error) });
    });
    this.#worker.on("exit", () => this.#client.detach(new Failure("UNAVAILABLE", "the restore ended early")));
  }

  /** Calls a method of the thread. */
  async call<Row extends StagingMethod>(
    method: Row,
    request: RequestOf<Row>,
    context: CallContext,
  ): Promise<ReplyOf<Row> | Failure> {
    return await this.#client.request(method, request, context);
  }

  tick(nowMs: number): void {
    this.#client.tick(nowMs);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
