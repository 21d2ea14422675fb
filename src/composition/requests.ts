/**
 * Creates the pipeline through which every request passes. Also creates the metrics of requests, and the writer of
 * audit rows for rejected calls.
 */
import type { AgentTally } from "../features/agent-metrics/tally.js";
import { RefusalLog } from "../features/audit/refusal-log.js";
import { DashboardAuth } from "../platform/front/dashboard-auth.js";
import { Pipeline } from "../platform/front/pipeline.js";
import { PositionGuard } from "../platform/front/position-guard.js";
import { RequestMetrics } from "../platform/front/request-metrics.js";
import { addressKey } from "../platform/front/token-throttle.js";
import type { AgentsArea } from "./agents.js";
import type { ClusterArea } from "./cluster.js";
import type { Ground } from "./ground.js";
import type { PortsArea } from "./ports.js";
import type { SessionsArea } from "./sessions.js";

export interface RequestsArea {
  readonly pipeline: Pipeline;
  readonly metrics: RequestMetrics;
  readonly refusals: RefusalLog;
}

export interface RequestsUses {
  readonly ports: PortsArea;
  readonly cluster: ClusterArea;
  readonly agents: AgentsArea;
  readonly sessions: SessionsArea;
  readonly tally: AgentTally;
}

export function makeRequests({ clock, log, threads }: Ground, uses: RequestsUses): RequestsArea {
  const { guard } = uses.ports;
  const { actors } = uses.agents;
  const metrics = new RequestMetrics();
  const refusals = new RefusalLog(threads.writer, clock);
  const pipeline = new Pipeline({
    guard,
    dashboardAuth: new DashboardAuth({ guard, actors, sessions: uses.sessions.front }),
    metrics,
    pool: threads.pool,
    log,
    clock,
    actors,
    agents: uses.tally,
    deferrals: uses.cluster.front === null ? null : new PositionGuard(uses.cluster.front),
    onBug: (error) => threads.storage.takeError(error),
    recordRefusal: ({ peer, ...refusal }, context, done) => {
      const caller = context.actor === "" ? addressKey(peer) : context.actor;
      refusals.record({ ...refusal, caller }, context, done);
    },
  });
  return { pipeline, metrics, refusals };
}
