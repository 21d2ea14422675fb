/**
 * Collects the metrics of requests: counts and latencies by route and status, counts by protocol, and the number of
 * requests in flight. Runs on the front.
 */
import type { Exposition, Measured } from "../measure/exposition.js";
import { Histogram, LATENCY_BOUNDS_S } from "../measure/histogram.js";

/** Counts the answers of one route by status. */
export class RouteMetrics {
  readonly byStatus = new Map<number, Histogram>();
  #lastStatus = 0;
  #last: Histogram | null = null;

  constructor(readonly name: string) {}

  /** Counts one answer. `seconds` is the time from the request's headers to its answer. */
  record(status: number, seconds: number): void {
    if (status !== this.#lastStatus || this.#last === null) {
      let histogram = this.byStatus.get(status);
      if (histogram === undefined) {
        histogram = new Histogram(LATENCY_BOUNDS_S);
        this.byStatus.set(status, histogram);
      }
      this.#last = histogram;
      this.#lastStatus = status;
    }
    this.#last.observe(seconds);
  }
}

export class RequestMetrics implements Measured {
  readonly #routes: RouteMetrics[] = [];
  restCalls = 0;
  mcpCalls = 0;
  unauthenticated = 0;
  /** The number of requests that were not answered yet. */
  inFlight = 0;

  get routes(): readonly RouteMetrics[] {
    return this.#routes;
  }

  /** Creates the metrics of one route. `name` is their label. */
  addRoute(name: string): RouteMetrics {
    const metrics = new RouteMetrics(name);
    this.#routes.push(metrics);
    return metrics;
  }

  resetCalls(): void {
    this.restCalls = 0;
    this.mcpCalls = 0;
  }

  expose(out: Exposition): void {
    const duration = "koor_http_request_duration_seconds";
    out.metric(duration, "histogram", "Time from a request's headers to its answer, by route and status.");
    for (const { name, byStatus } of this.#routes)
      for (const [status, histogram] of byStatus) out.histogram(duration, histogram, { route: name, status });
    out.metric("koor_http_requests_total", "counter", "Answered requests, by route and status.");
    for (const { name, byStatus } of this.#routes)
      for (const [status, { count }] of byStatus)
        out.sample("koor_http_requests_total", count, { route: name, status });
    out
      .value("koor_http_requests_in_flight", "gauge", "Requests that were not answered yet.", this.inFlight)
      .value(
        "koor_http_unauthenticated_total",
        "counter",
        "Audited calls that were refused because they had no valid token.",
        this.unauthenticated,
      )
      .metric("koor_calls_total", "counter", "Calls by plane since the start or the last reset.")
      .sample("koor_calls_total", this.restCalls, { plane: "rest" })
      .sample("koor_calls_total", this.mcpCalls, { plane: "mcp" });
  }
}
