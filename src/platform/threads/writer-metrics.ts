/** Exposes metrics of the writer's commits, of the calls to the writer, and of the pool's queue. Runs on the front. */
import type { Exposition, Measured } from "../measure/exposition.js";
import { BATCH_BOUNDS_CALLS, Histogram, LATENCY_BOUNDS_S } from "../measure/histogram.js";
import type { CommitPush } from "./push-messages.js";

export class WriterMetrics implements Measured {
  readonly #batchCalls = new Histogram(BATCH_BOUNDS_CALLS);
  readonly #commitSeconds = new Histogram(LATENCY_BOUNDS_S);
  readonly #writer: { readonly depth: number };
  readonly #pool: { readonly waiting: number };
  #waiting = 0;
  #restarts = 0;

  constructor(writer: { readonly depth: number }, pool: { readonly waiting: number }) {
    this.#writer = writer;
    this.#pool = pool;
  }

  recordCommit({ calls, duration_us, waiting }: CommitPush): void {
    this.#batchCalls.observe(calls);
    this.#commitSeconds.observe(duration_us / 1e6);
    this.#waiting = waiting;
  }

  recordRestart(): void {
    this.#restarts += 1;
  }

  expose(out: Exposition): void {
    out
      .value("koor_writer_in_flight", "gauge", "Calls that wait for the writer's answer.", this.#writer.depth)
      .value("koor_writer_queue_depth", "gauge", "Calls that arrived during the last commit.", this.#waiting)
      .metric("koor_writer_batch_calls", "histogram", "Calls in one transaction.")
      .histogram("koor_writer_batch_calls", this.#batchCalls)
      .metric("koor_writer_commit_seconds", "histogram", "Time of one transaction until it was on disk.")
      .histogram("koor_writer_commit_seconds", this.#commitSeconds)
      .value("koor_writer_restarts_total", "counter", "Restarts of the writer after a crash.", this.#restarts)
      .value("koor_pool_queue_depth", "gauge", "Jobs that wait for a worker of the pool.", this.#pool.waiting);
  }
}
