/**
 * The registry in Prometheus' text format (version 0.0.4). Label values are bounded: routes and
 * statuses, never keys or topics. Pure. By hand: prom-client takes 490 ns to count a request (22 here, plain
 * numbers in registry.ts), and 170 KB of code at the start.
 */
import type { InstanceStatus } from "../../schemas/instances.js";
import type { Histogram, Registry } from "./registry.js";

/** What is read at the moment of a scrape. */
export interface Gauges {
  readonly version: string;
  readonly uptime_seconds: number;
  readonly last_event_id: number;
  readonly subscribers: number;
  /** By status. */
  readonly instances: Readonly<Record<InstanceStatus, number>>;
  readonly patterns: number;
  readonly in_flight: number;
  readonly writer_in_flight: number;
  readonly pool_waiting: number;
  readonly wal_bytes: number;
  readonly resident_bytes: number;
  readonly heap_bytes: number;
  readonly cpu_seconds: number;
  readonly loop_delay_seconds: { readonly p50: number; readonly p99: number; readonly max: number };
}

type Labels = Readonly<Record<string, string | number>>;

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) =>
      `${name}="${String(value).replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`,
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/** Collects lines, one `# HELP` and `# TYPE` a metric. */
class Exposition {
  readonly #lines: string[] = [];

  metric(name: string, type: "counter" | "gauge" | "histogram" | "summary", help: string): this {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    return this;
  }

  sample(name: string, value: number, labels: Labels = {}): this {
    this.#lines.push(`${name}${labelText(labels)} ${value}`);
    return this;
  }

  value(name: string, type: "counter" | "gauge", help: string, value: number): this {
    return this.metric(name, type, help).sample(name, value);
  }

  histogram(name: string, histogram: Histogram, labels: Labels = {}): this {
    let below = 0;
    for (const [at, bound] of histogram.bounds.entries()) {
      below += histogram.counts[at] ?? 0;
      this.sample(`${name}_bucket`, below, { ...labels, le: bound });
    }
    this.sample(`${name}_bucket`, histogram.count, { ...labels, le: "+Inf" });
    return this.sample(`${name}_sum`, histogram.sum, labels).sample(`${name}_count`, histogram.count, labels);
  }

  text(): string {
    return `${this.#lines.join("\n")}\n`;
  }
}

/** The text of a scrape. */
export function expose(registry: Registry, gauges: Gauges): string {
  const out = new Exposition();
  out.metric(
    "koor_http_request_duration_seconds",
    "histogram",
    "Time from a request's headers to its answer, by route and status.",
  );
  for (const route of registry.routes) {
    for (const [status, histogram] of route.by_status) {
      out.histogram("koor_http_request_duration_seconds", histogram, { route: route.name, status });
    }
  }
  out.metric("koor_http_requests_total", "counter", "Answered requests, by route and status.");
  for (const route of registry.routes) {
    for (const [status, histogram] of route.by_status) {
      out.sample("koor_http_requests_total", histogram.count, { route: route.name, status });
    }
  }
  out
    .value("koor_http_requests_in_flight", "gauge", "Requests that were not answered yet.", gauges.in_flight)
    .value(
      "koor_http_unauthenticated_total",
      "counter",
      "Audited calls that were refused for want of a token.",
      registry.unauthenticated,
    )
    .metric("koor_calls_total", "counter", "Calls by plane since the start or the last reset.")
    .sample("koor_calls_total", registry.rest_calls, { plane: "rest" })
    .sample("koor_calls_total", registry.mcp_calls, { plane: "mcp" })
    .value("koor_state_keys", "gauge", "Keys in the state store.", registry.state_keys)
    .metric("koor_instances", "gauge", "Registered instances by status.")
    .sample("koor_instances", gauges.instances.pending, { status: "pending" })
    .sample("koor_instances", gauges.instances.active, { status: "active" })
    .sample("koor_instances", gauges.instances.stale, { status: "stale" })
    .value("koor_subscribers", "gauge", "Connected subscribers and waiting long polls.", gauges.subscribers)
    .value("koor_subscriber_patterns", "gauge", "Distinct patterns that are subscribed.", gauges.patterns)
    .value("koor_last_event_id", "gauge", "Id of the newest event.", gauges.last_event_id)
    .value("koor_events_published_total", "counter", "Events that went out.", registry.events_published)
    .value("koor_events_delivered_total", "counter", "Deliveries of events to subscribers.", registry.events_delivered)
    .value(
      "koor_events_dropped_total",
      "counter",
      "Events that were dropped for subscribers that were too far behind.",
      registry.events_dropped,
    )
    .metric(
      "koor_webhook_deliveries_total",
      "counter",
      "Deliveries to webhooks: made, tries that failed, and events for which a queue was full.",
    )
    .sample("koor_webhook_deliveries_total", registry.webhooks_delivered, { outcome: "delivered" })
    .sample("koor_webhook_deliveries_total", registry.webhooks_failed, { outcome: "failed" })
    .sample("koor_webhook_deliveries_total", registry.webhooks_dropped, { outcome: "dropped" })
    .value("koor_webhook_queue", "gauge", "Deliveries that wait, of all webhooks.", registry.webhook_queue)
    .value("koor_writer_in_flight", "gauge", "Calls that wait for the writer's answer.", gauges.writer_in_flight)
    .value("koor_writer_queue_depth", "gauge", "Calls that came in during the last commit.", registry.writer_waiting)
    .metric("koor_writer_batch_calls", "histogram", "Calls in one transaction.")
    .histogram("koor_writer_batch_calls", registry.batch_calls)
    .metric("koor_writer_commit_seconds", "histogram", "Time of one transaction until it was on disk.")
    .histogram("koor_writer_commit_seconds", registry.commit_seconds)
    .value("koor_writer_restarts_total", "counter", "Restarts of the writer after a crash.", registry.writer_restarts)
    .value("koor_pool_queue_depth", "gauge", "Jobs that wait for a worker of the pool.", gauges.pool_waiting)
    .value("koor_wal_bytes", "gauge", "Size of the write-ahead log.", gauges.wal_bytes)
    .value("process_resident_memory_bytes", "gauge", "Resident memory of the process.", gauges.resident_bytes)
    .value("nodejs_heap_used_bytes", "gauge", "JavaScript heap of the front that is in use.", gauges.heap_bytes)
    .value("process_cpu_seconds_total", "counter", "User and system time of the process.", gauges.cpu_seconds)
    .metric("koor_build_info", "gauge", "Always 1; the version that runs.")
    .sample("koor_build_info", 1, { version: gauges.version })
    .value("koor_uptime_seconds", "gauge", "Time since the start.", gauges.uptime_seconds)
    .metric("koor_event_loop_delay_seconds", "summary", "How late the front's event loop runs its timers.")
    .sample("koor_event_loop_delay_seconds", gauges.loop_delay_seconds.p50, { quantile: "0.5" })
    .sample("koor_event_loop_delay_seconds", gauges.loop_delay_seconds.p99, { quantile: "0.99" })
    .value(
      "koor_event_loop_delay_max_seconds",
      "gauge",
      "The longest such delay since the last scrape.",
      gauges.loop_delay_seconds.max,
    );
  return out.text();
}
