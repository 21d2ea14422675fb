/**
 * The counters of the front: requests by route and status with their latencies, token tax, subscribers,
 * the writer's batches. Plain numbers, updated on hot paths; prometheus.ts turns them into text.
 */

/** Upper bounds of the latency buckets, in seconds. */
export const LATENCY_BOUNDS_S: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
/** Upper bounds of the batch-size buckets, in calls. */
export const BATCH_BOUNDS_CALLS: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** A histogram with fixed bounds; the last bucket holds everything above them. */
export class Histogram {
  readonly counts: Float64Array;
  sum = 0;
  count = 0;

  constructor(readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.bounds.length && value > (this.bounds[at] as number)) at++;
    this.counts[at] = (this.counts[at] as number) + 1;
    this.sum += value;
    this.count += 1;
  }
}

/** One route's answers by status. */
export class RouteMetrics {
  readonly by_status = new Map<number, Histogram>();
  #last_status = 0;
  #last: Histogram | null = null;

  constructor(readonly name: string) {}

  /** Counts one answer; `seconds` from the request's headers to the answer. */
  record(status: number, seconds: number): void {
    if (status !== this.#last_status || this.#last === null) {
      let histogram = this.by_status.get(status);
      if (histogram === undefined) {
        histogram = new Histogram(LATENCY_BOUNDS_S);
        this.by_status.set(status, histogram);
      }
      this.#last = histogram;
      this.#last_status = status;
    }
    this.#last.observe(seconds);
  }
}

export class Registry {
  readonly routes: RouteMetrics[] = [];
  readonly batch_calls = new Histogram(BATCH_BOUNDS_CALLS);
  readonly commit_seconds = new Histogram(LATENCY_BOUNDS_S);
  rest_calls = 0;
  mcp_calls = 0;
  unauthenticated = 0;
  events_published = 0;
  events_delivered = 0;
  events_dropped = 0;
  webhooks_delivered = 0;
  webhooks_failed = 0;
  webhooks_dropped = 0;
  /** Deliveries that wait. */
  webhook_queue = 0;
  writer_restarts = 0;
  writer_waiting = 0;
  state_keys = 0;

  /** Metrics for one route; the name is the label. */
  addRoute(name: string): RouteMetrics {
    const metrics = new RouteMetrics(name);
    this.routes.push(metrics);
    return metrics;
  }

  recordCommit(notice: { readonly calls: number; readonly duration_us: number; readonly waiting: number }): void {
    this.batch_calls.observe(notice.calls);
    this.commit_seconds.observe(notice.duration_us / 1e6);
    this.writer_waiting = notice.waiting;
  }

  resetTokenTax(): void {
    this.rest_calls = 0;
    this.mcp_calls = 0;
  }
}
