/** Answers requests for health and metrics. Each component (`Measured`) writes its own metrics. Runs on the front. */
import { TOKENS_PER_MCP_CALL } from "../../../schemas/limits/mcp.js";
import { formatUptime } from "../../../shared/duration.js";
import type { Log } from "../../base/log.js";
import { Failure } from "../../base/result.js";
import { TimeSlice } from "../../base/time-slice.js";
import { JSON_TYPE, jsonReply } from "../../platform/front/reply.js";
import type { RequestMetrics } from "../../platform/front/request-metrics.js";
import type { Answer, Reply } from "../../platform/front/route.js";
import { Exposition, type Measured } from "../../platform/measure/exposition.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import { headerBlock } from "../../platform/transport/reply.js";
import type { MetricsHistoryQuery } from "../../../schemas/metrics.js";
import { resetMetrics } from "./commands.js";
import { type MetricHistory, metricsNamed } from "./history.js";
import { routeRows } from "./route-rows.js";

export interface MetricsFrontOptions {
  readonly requests: RequestMetrics;
  /** The components that have metrics, in the order of the output. */
  readonly measured: readonly Measured[];
  readonly history: MetricHistory;
  readonly writer: Writer;
  readonly log: Log;
  /** Returns the time since the server's start, in ms. */
  readonly uptimeMs: () => number;
  readonly timeLead: { readonly aheadS: number };
  readonly hub: { readonly acceptedId: number };
  readonly state_keys: { readonly count: number };
  readonly instances: { readonly size: number };
  /** The addresses on which the server listens; "" for a port that is off. */
  readonly ports: { readonly addresses: { readonly api: string; readonly dashboard: string } };
  readonly pipeline: { readonly draining: boolean };
  /** `fault` is the reason why the database accepts no writes; null if it accepts writes. */
  readonly storage: { readonly fault: string | null };
  /** The health of the node; null if the server is not a node of a cluster. */
  readonly cluster: { health(): { readonly well: boolean; readonly cluster: object } } | null;
}

const SCRAPE_HEADERS = headerBlock([["Content-Type", "text/plain; version=0.0.4; charset=utf-8"]]);
/** The health of a single server. `cluster` is undefined, so `/health` leaves it out. */
const SINGLE_SERVER = { well: true, cluster: undefined };
const UNWELL_HEADERS = headerBlock([JSON_TYPE, ["Retry-After", "1"]]);

export class MetricsFront {
  readonly #options: MetricsFrontOptions;
  /**
   * The time slice that all long answers share in each tick, because each of them visits thousands of samples. If the
   * slice is not used up, an answer is completed without an `await`. During an `await`, further requests could find the
   * same slice unused, and all be answered in one tick.
   */
  readonly #slice = new TimeSlice();

  constructor(options: MetricsFrontOptions) {
    this.#options = options;
  }

  health(): Reply {
    const { pipeline, cluster, storage, timeLead } = this.#options;
    const node = cluster?.health() ?? SINGLE_SERVER;
    const isWell = node.well && storage.fault === null;
    const status = pipeline.draining ? "draining" : isWell ? "ok" : "unwell";
    const reason = storage.fault === null ? undefined : `the database takes no writes: ${storage.fault}`;
    const timesAheadS = timeLead.aheadS === 0 ? undefined : timeLead.aheadS;
    const health = { status, uptime: this.#uptime(), reason, times_ahead_s: timesAheadS, cluster: node.cluster };
    const reply = jsonReply(JSON.stringify(health));
    return status === "ok" ? reply : { ...reply, status: 503, headers: UNWELL_HEADERS };
  }

  read(): Reply {
    const { requests, hub, state_keys, instances, ports } = this.#options;
    const { restCalls, mcpCalls } = requests;
    const totalCalls = restCalls + mcpCalls;
    return jsonReply(
      JSON.stringify({
        uptime: this.#uptime(),
        state_keys: state_keys.count,
        instances: instances.size,
        last_event_id: hub.acceptedId,
        api_bind: ports.addresses.api,
        dashboard_bind: ports.addresses.dashboard,
        token_tax: {
          mcp_calls: mcpCalls,
          rest_calls: restCalls,
          total_calls: totalCalls,
          mcp_estimated_tokens: mcpCalls * TOKENS_PER_MCP_CALL,
          rest_tokens_saved: restCalls * TOKENS_PER_MCP_CALL,
          savings_percent: totalCalls === 0 ? 0 : Math.round((restCalls / totalCalls) * 10_000) / 100,
        },
      }),
    );
  }

  async readHistory({ metrics = "", from = 0 }: MetricsHistoryQuery): Promise<Answer> {
    const names = metricsNamed(metrics);
    if (names instanceof Failure) return names;
    if (this.#slice.isOver) await this.#slice.yieldIfOver();
    return jsonReply(JSON.stringify(this.#options.history.read(names, from)));
  }

  async readRoutes(): Promise<Reply> {
    if (this.#slice.isOver) await this.#slice.yieldIfOver();
    return jsonReply(JSON.stringify({ routes: routeRows(this.#options.requests.routes) }));
  }

  async reset(context: CallContext): Promise<Answer> {
    const { writer, requests, log } = this.#options;
    const reply = await writer.request(resetMetrics, {}, context);
    if (reply instanceof Failure) return reply;
    requests.resetCalls();
    log.info("metrics reset");
    return jsonReply('{"reset":true}');
  }

  async scrape(): Promise<Reply> {
    if (this.#slice.isOver) await this.#slice.yieldIfOver();
    const out = new Exposition();
    for (const one of this.#options.measured) one.expose(out);
    return { status: 200, headers: SCRAPE_HEADERS, body: out.text() };
  }

  #uptime(): string {
    return formatUptime(this.#options.uptimeMs());
  }
}
