/** Creates the metrics of the process, the history of all metrics, and the routes that report health and metrics. */
import type { Route } from "../platform/front/route.js";
import type { Measured } from "../platform/measure/exposition.js";
import { MetricHistory } from "../features/metrics/history.js";
import { ProcessMetrics } from "../features/metrics/process-metrics.js";
import { metricsRoutes } from "../features/metrics/routes.js";
import type { TimeLead } from "../features/metrics/time-lead.js";
import { sqliteChoice } from "../platform/store/sqlite/choice.js";
import type { WriterMetrics } from "../platform/threads/writer-metrics.js";
import type { AgentsArea } from "./agents.js";
import type { ClusterArea } from "./cluster.js";
import type { EventsArea } from "./events.js";
import type { Ground } from "./ground.js";
import type { PortsArea } from "./ports.js";
import type { RequestsArea } from "./requests.js";
import type { VersionedArea } from "./versioned.js";

export interface MetricsUses {
  readonly ports: PortsArea;
  readonly requests: RequestsArea;
  readonly cluster: ClusterArea;
  readonly events: EventsArea;
  readonly agents: AgentsArea;
  readonly versioned: VersionedArea;
  readonly timeLead: TimeLead;
  readonly writerMetrics: WriterMetrics;
  /** The other components with metrics, in the order of the metrics page. */
  readonly measured: readonly Measured[];
  /** The name of the HTTP transport that the server uses. */
  readonly transport: string;
  /** Returns the time in ms for which the server has run. */
  readonly uptimeMs: () => number;
}

export interface MetricsArea {
  readonly routes: readonly Route[];
  readonly history: MetricHistory;
  /** All components with metrics. */
  readonly measured: readonly Measured[];
}

export function makeMetrics({ log, threads }: Ground, uses: MetricsUses): MetricsArea {
  const { writerMetrics, transport, uptimeMs } = uses;
  const { metrics: requests, pipeline } = uses.requests;
  const process = new ProcessMetrics({
    walBytes: () => threads.walBytes(),
    runtime: { transport, sqlite: sqliteChoice().library.way },
    uptimeMs: uptimeMs,
  });
  const measured = [requests, uses.versioned.keyCount, ...uses.measured, writerMetrics, process];
  const history = new MetricHistory(measured);
  const routes = metricsRoutes({
    requests,
    measured,
    history,
    writer: threads.writer,
    log,
    uptimeMs: uptimeMs,
    timeLead: uses.timeLead,
    hub: uses.events.hub,
    state_keys: uses.versioned.keyCount,
    instances: uses.agents.directory,
    ports: uses.ports.ports,
    pipeline,
    storage: threads.storage,
    cluster: uses.cluster.front,
  });
  return { routes, history, measured };
}
