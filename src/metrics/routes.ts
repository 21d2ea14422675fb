/** Section 2 of the wire contract over HTTP: health, metrics, Prometheus. Runs on the front. */
import { statSync } from "node:fs";
import { monitorEventLoopDelay, type IntervalHistogram } from "node:perf_hooks";
import type { InstanceStatus } from "../../schemas/instances.js";
import { TOKENS_PER_MCP_CALL } from "../../schemas/limits.js";
import { Health, Metrics, MetricsReset } from "../../schemas/metrics.js";
import { VERSION } from "../../schemas/version.js";
import type { Clock } from "../base/clock.js";
import { formatUptime } from "../base/duration.js";
import { Failure } from "../base/result.js";
import type { Log } from "../base/log.js";
import type { Hub } from "../events/hub.js";
import {
  JSON_HEADERS,
  JSON_TYPE,
  headerBlock,
  jsonReply,
  type Answer,
  type Reply,
  type Request,
  type Route,
} from "../front/route-table.js";
import type { RpcClient } from "../rpc/client.js";
import type { Pool } from "../rpc/pool.js";
import { databasePath } from "../store/open.js";
import { expose } from "../measure/prometheus.js";
import type { Registry } from "../measure/registry.js";

/** How often the event loop's delay is sampled: often enough for a p99, seldom enough to cost nothing when idle. */
const LOOP_DELAY_RESOLUTION_MS = 100;

export interface MetricsRoutesOptions {
  readonly registry: Registry;
  readonly hub: Hub;
  readonly writer: RpcClient;
  readonly pool: Pool;
  /** How many instances there are of each status. */
  readonly instances: () => Readonly<Record<InstanceStatus, number>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly data_dir: string;
  /** When the server started, ms since the epoch. */
  readonly started_ms: number;
  /** The addresses that really listen; "" for a port that is off. */
  readonly addresses: () => { readonly api: string; readonly dashboard: string };
  readonly inFlight: () => number;
  readonly draining: () => boolean;
}

export function metricsRoutes(options: MetricsRoutesOptions): Route[] {
  const metrics = new MetricsFront(options);
  const tag = "metrics";
  return [
    {
      method: "GET",
      path: "/health",
      name: "health",
      tag,
      summary: "Says whether the server serves; needs no token.",
      answer: Health,
      statuses: [503],
      refusals: { 503: Health },
      open: true,
      uncounted: true,
      handle: () => metrics.health(),
    },
    {
      method: "GET",
      path: "/api/metrics",
      name: "metrics",
      tag,
      summary: "Reads the main figures and the token tax saved.",
      answer: Metrics,
      uncounted: true,
      handle: () => metrics.read(),
    },
    {
      method: "POST",
      path: "/api/metrics/reset",
      name: "metrics.reset",
      tag,
      needs: "server",
      summary: "Zeroes the two counters of calls.",
      answer: MetricsReset,
      uncounted: true,
      audit: { action: "metrics.reset", resource: () => "" },
      handle: (request) => metrics.reset(request),
    },
    {
      method: "GET",
      path: "/metrics",
      name: "prometheus",
      tag,
      summary: "Reads all figures in Prometheus' text format.",
      answer: "text",
      uncounted: true,
      handle: () => metrics.scrape(),
    },
  ];
}

/** How late a timer ran, in seconds: the histogram holds the whole times between its runs, in ns. */
function latenessOf(interval_ns: number): number {
  return Math.max(0, interval_ns / 1e9 - LOOP_DELAY_RESOLUTION_MS / 1e3);
}

class MetricsFront {
  readonly #options: MetricsRoutesOptions;
  readonly #loop_delay: IntervalHistogram;

  constructor(options: MetricsRoutesOptions) {
    this.#options = options;
    this.#loop_delay = monitorEventLoopDelay({ resolution: LOOP_DELAY_RESOLUTION_MS });
    this.#loop_delay.enable();
  }

  health(): Reply {
    const draining = this.#options.draining();
    return {
      status: draining ? 503 : 200,
      headers: draining ? headerBlock([JSON_TYPE, ["Retry-After", "1"]]) : JSON_HEADERS,
      body: JSON.stringify({ status: draining ? "draining" : "ok", uptime: this.#uptime() }),
    };
  }

  read(): Reply {
    const { registry, hub, addresses } = this.#options;
    const { api, dashboard } = addresses();
    const total_calls = registry.rest_calls + registry.mcp_calls;
    return jsonReply(
      JSON.stringify({
        uptime: this.#uptime(),
        state_keys: registry.state_keys,
        instances: Object.values(this.#options.instances()).reduce((sum, count) => sum + count, 0),
        last_event_id: hub.lastId,
        api_bind: api,
        dashboard_bind: dashboard,
        token_tax: {
          mcp_calls: registry.mcp_calls,
          rest_calls: registry.rest_calls,
          total_calls,
          mcp_estimated_tokens: registry.mcp_calls * TOKENS_PER_MCP_CALL,
          rest_tokens_saved: registry.rest_calls * TOKENS_PER_MCP_CALL,
          savings_percent: total_calls === 0 ? 0 : Math.round((registry.rest_calls / total_calls) * 10_000) / 100,
        },
      }),
    );
  }

  async reset({ context }: Request): Promise<Answer> {
    const { writer, registry, log } = this.#options;
    const reply = await writer.request("metrics.reset", {}, context);
    if (reply instanceof Failure) return reply;
    registry.resetTokenTax();
    log.info("metrics reset");
    return jsonReply('{"reset":true}');
  }

  scrape(): Reply {
    const { registry, hub, writer, pool, clock, data_dir, started_ms, inFlight } = this.#options;
    const { user, system } = process.cpuUsage();
    const memory = process.memoryUsage();
    const text = expose(registry, {
      uptime_seconds: (clock.now() - started_ms) / 1000,
      version: VERSION,
      last_event_id: hub.lastId,
      subscribers: hub.subscribers,
      instances: this.#options.instances(),
      patterns: hub.patterns,
      in_flight: inFlight(),
      writer_in_flight: writer.depth,
      pool_waiting: pool.waiting,
      wal_bytes: statSync(`${databasePath(data_dir)}-wal`, { throwIfNoEntry: false })?.size ?? 0,
      resident_bytes: memory.rss,
      heap_bytes: memory.heapUsed,
      cpu_seconds: (user + system) / 1e6,
      loop_delay_seconds: {
        p50: latenessOf(this.#loop_delay.percentile(50)),
        p99: latenessOf(this.#loop_delay.percentile(99)),
        max: latenessOf(this.#loop_delay.max),
      },
    });
    this.#loop_delay.reset();
    return {
      status: 200,
      headers: headerBlock([["Content-Type", "text/plain; version=0.0.4; charset=utf-8"]]),
      body: text,
    };
  }

  #uptime(): string {
    return formatUptime(this.#options.clock.now() - this.#options.started_ms);
  }
}
