/**
 * The composition root: starts the pieces in order, hands each the few things it needs, and stops them in
 * reverse. What a piece does is its own file's business.
 */
import { resolve } from "node:path";
import type { Config } from "../schemas/config.js";
import {
  DEADLINE_SWEEP_MS,
  EVENT_PRUNE_INTERVAL_MS,
  REPLAY_PAGE_EVENTS,
  SHUTDOWN_DRAIN_MS,
  WEBHOOK_REQUESTS_MAX,
  VALIDATIONS_LONG_TOGETHER_MAX,
  VALIDATIONS_LONG_WAITING_MAX,
  VALIDATION_WAIT_MS_MAX,
} from "../schemas/limits.js";
import { VERSION } from "../schemas/version.js";
import { AgentMetricsFlusher } from "./agent-metrics/flusher.js";
import { agentMetricsRoutes } from "./agent-metrics/routes.js";
import { AgentTally } from "./agent-metrics/tally.js";
import { auditRoutes } from "./audit/routes.js";
import { Restore } from "./backup/restore.js";
import { backupRoutes } from "./backup/routes.js";
import { systemClock } from "./base/clock.js";
import { openLog, type Log } from "./base/log.js";
import { isLoopback, parseAddress } from "./config/address.js";
import { ComplianceMonitor } from "./compliance/monitor.js";
import { complianceRoutes } from "./compliance/routes.js";
import { ContractFront } from "./contracts/front.js";
import { contractRoutes } from "./contracts/routes.js";
import { Hub } from "./events/hub.js";
import { EventPruner } from "./events/pruner.js";
import { eventRoutes } from "./events/routes.js";
import { Streams } from "./events/stream.js";
import { encodeEvent } from "./events/encode.js";
import { Gate } from "./front/gate.js";
import { InnerCalls } from "./front/inner-call.js";
import { loadShapes } from "./base/shape.js";
import { openApiRoute } from "./front/openapi.js";
import { Pipeline } from "./front/pipeline.js";
import type { Route } from "./front/route-table.js";
import { FrontServer } from "./front/server.js";
import { InstanceActors } from "./instances/actors.js";
import { Directory } from "./instances/directory.js";
import { Instances } from "./instances/front.js";
import { Liveness } from "./instances/liveness.js";
import { instanceRoutes } from "./instances/routes.js";
import { Sightings } from "./instances/sightings.js";
import { loadInstances } from "./instances/table.js";
import { openLanes, type LaneUrls } from "./lanes.js";
import { Mcp, mcpRoutes } from "./mcp/routes.js";
import { Registry } from "./measure/registry.js";
import { metricsRoutes } from "./metrics/routes.js";
import { OutboundClient, loadHttpClient } from "./outbound/client.js";
import { RuleFront } from "./rules/front.js";
import { ruleRoutes } from "./rules/routes.js";
import { Turns } from "./rules/turns.js";
import { specRoutes } from "./specs/routes.js";
import { stateRoutes } from "./state/routes.js";
import { stagingPath } from "./store/staging.js";
import type { ReadContext } from "./store/read-context.js";
import { usageRoutes } from "./usage/routes.js";
import { Deliveries } from "./webhooks/delivery.js";
import { webhookRoutes } from "./webhooks/routes.js";
import { senderOver } from "./webhooks/send.js";
import { templateRoutes } from "./templates/routes.js";
import { VersionedFront } from "./versioned/front.js";

/** How often the actors are asked whether it is time. */
const TICK_MS = DEADLINE_SWEEP_MS;

/** The scripts of the other threads; a test gives its own. */
export interface ThreadUrls extends LaneUrls {
  readonly staging: URL;
}

export interface Server {
  readonly addresses: { readonly api: string; readonly dashboard: string };
  /** Drains and stops: in flight is answered for at most SHUTDOWN_DRAIN_MS. */
  stop(): Promise<void>;
}

/**
 * Starts a server.
 * @throws DataDirError, PortError with one line for the operator
 */
export async function startServer(config: Config, urls: ThreadUrls): Promise<Server> {
  const started_ms = systemClock.now();
  const data_dir = resolve(config.data_dir);
  const log = openLog(config.log_level, config.log_format);
  const registry = new Registry();
  const directory = new Directory();
  let hub: Hub | null = null;
  let deliveries: Deliveries | null = null;
  const lanes = await openLanes(config, data_dir, urls, log, {
    onEvents: (events) => hub?.accept(events),
    onOutbox: (notice) => deliveries?.take(notice),
    onCommit: (notice) => registry.recordCommit(notice),
    onRestarted: (ready) => {
      registry.state_keys = ready.state_keys;
      registry.writer_restarts += 1;
      if (hub !== null) catchUp(hub, context, ready.last_event_id);
      directory.load(loadInstances(context.db));
      deliveries?.load();
    },
  });
  const { writer, pool, reads } = lanes;
  const { context } = reads;
  registry.state_keys = lanes.first.state_keys;
  hub = new Hub(registry, lanes.first.last_event_id);
  const feeds = { hub, registry, history: context.events, log };
  const streams = new Streams(feeds, systemClock);
  const front = new FrontServer();
  const gate = new Gate(config, () => front.portNumbers);
  directory.load(loadInstances(context.db));
  const agents = new AgentTally(systemClock.now());
  const agent_flusher = new AgentMetricsFlusher(agents, writer, log, systemClock.now());
  const instances = new Instances({ directory, writer, clock: systemClock, log });
  const sightings = new Sightings(directory, writer, systemClock.now());
  const liveness = new Liveness({
    directory,
    writer,
    log,
    stale_after_ms: config.stale_after,
    interval_ms: config.liveness_interval,
    now_ms: systemClock.now(),
  });
  const actors = new InstanceActors(directory, systemClock);
  const pipeline = new Pipeline({ gate, registry, writer, log, clock: systemClock, actors, agents });
  const pruner = new EventPruner(writer, config.event_history, EVENT_PRUNE_INTERVAL_MS, log, systemClock.now());
  const receivers = new OutboundClient({
    policy: { allow_private: config.webhook_allow_private },
    connections_per_origin_max: WEBHOOK_REQUESTS_MAX,
  });
  const send = senderOver(receivers);
  deliveries = new Deliveries({
    reader: context.webhooks,
    send,
    registry,
    clock: systemClock,
    log,
    advance: (request) => writer.request("webhook.advance", request, { actor: "", trace: "" }),
  });
  const outbox = deliveries;
  const restore = new Restore({
    writer,
    clock: systemClock,
    log,
    data_dir,
    path: stagingPath(data_dir),
    url: urls.staging,
    holdWrites: (refusal) => pipeline.holdWrites(refusal),
    // The caches of values are right as they are: a server without content has read none.
    onRestored: (last_event_id) => {
      hub?.skipTo(last_event_id);
      directory.load(loadInstances(context.db));
    },
  });
  const specs = new VersionedFront({ writer, reads, log }, context.specs);
  const turns = new Turns(VALIDATIONS_LONG_TOGETHER_MAX, VALIDATIONS_LONG_WAITING_MAX, VALIDATION_WAIT_MS_MAX);
  const rules = new RuleFront({
    writer,
    reads,
    log,
    turns,
    countViolations: (actor, violations) => {
      if (actor !== "" && violations > 0) agents.add(actor, "violations", violations);
    },
  });
  // A contract's service is wherever its team runs it: only metadata services are refused.
  const outbound = new OutboundClient({ policy: { allow_private: true } });
  const contracts = new ContractFront({ pool, outbound, long_work: turns });
  const compliance = new ComplianceMonitor({
    instances: () => directory.list("active"),
    pool,
    writer,
    log,
    interval_ms: config.compliance_interval,
    now_ms: systemClock.now(),
  });
  const mcp = new Mcp(
    new InnerCalls({ guarded: gate.guarded, routes: () => routes, refusals: pipeline.refusals, actors, agents }),
    () => routes,
    log,
  );
  const routes: Route[] = [
    ...metricsRoutes({
      registry,
      hub,
      writer,
      pool,
      instances: () => directory.counts,
      clock: systemClock,
      log,
      data_dir,
      started_ms,
      addresses: () => front.addresses,
      inFlight: () => pipeline.inFlight,
      draining: () => pipeline.draining,
    }),
    ...stateRoutes({ writer, reads, log }),
    ...specRoutes(specs, reads),
    ...ruleRoutes({ rules, writer, reads, log }),
    ...contractRoutes(contracts),
    ...templateRoutes({ writer, reads, log, specs }),
    ...complianceRoutes(compliance, reads),
    ...eventRoutes({ writer, reads, hub, streams, log }),
    ...instanceRoutes(instances, liveness, systemClock),
    ...auditRoutes(reads),
    ...webhookRoutes({ writer, reads, send, policy: receivers.policy, clock: systemClock, log }),
    ...backupRoutes({ exports: lanes.exports, restore, clock: systemClock, log }),
    ...usageRoutes({ writer, reads, log }),
    ...agentMetricsRoutes(agent_flusher, reads),
    ...mcpRoutes(mcp),
  ];
  routes.push(openApiRoute(() => routes, VERSION));
  const ticked = [writer, pipeline, streams, pruner, outbox, sightings, liveness, compliance, agent_flusher, restore];
  const ticking = setInterval(() => {
    const now_ms = systemClock.now();
    for (const actor of ticked) actor.tick(now_ms);
  }, TICK_MS);

  const stop = async (): Promise<void> => {
    log.info("koor stops");
    front.stop();
    pipeline.drain();
    outbox.drain();
    front.endSubscribers();
    streams.end();
    hub.end();
    await mcp.close();
    await idle(() => pipeline.inFlight + outbox.inFlight, SHUTDOWN_DRAIN_MS);
    await receivers.close();
    await outbox.finish();
    front.close();
    clearInterval(ticking);
    await sightings.close();
    await agent_flusher.flush();
    await outbound.close();
    await restore.close();
    await compliance.close();
    await lanes.close();
    log.info("koor stopped");
    await log.close();
  };
  try {
    front.listen(config, routes, pipeline, feeds);
  } catch (error) {
    clearInterval(ticking);
    front.close();
    await lanes.close();
    throw error;
  }
  outbox.load();
  announce(log, config, front.addresses, data_dir);
  // Not needed for /health, needed soon after it.
  setImmediate(() => {
    void loadShapes();
    if (context.webhooks.count > 0) void loadHttpClient();
  });
  return { addresses: front.addresses, stop };
}

function announce(
  log: Log,
  config: Config,
  addresses: { readonly api: string; readonly dashboard: string },
  data_dir: string,
): void {
  log.info("koor listening", {
    version: VERSION,
    api: addresses.api,
    dashboard: addresses.dashboard,
    data_dir,
    auth: config.auth_token !== "",
  });
  const hosts = [config.bind, config.dashboard_bind].flatMap((bind) => parseAddress(bind)?.host ?? []);
  if (config.auth_token === "" && !hosts.every(isLoopback)) {
    log.warn(
      "anyone who can reach this machine can read and change everything: set --auth-token, or bind to localhost",
    );
  }
}

/** Events that were committed by a writer that crashed before it could say so. */
function catchUp(hub: Hub, context: ReadContext, last_id: number): void {
  for (let cursor = hub.lastId; cursor < last_id; ) {
    const rows = context.events.after(cursor, last_id, REPLAY_PAGE_EVENTS);
    const newest = rows.at(-1);
    if (newest === undefined) return;
    hub.accept(rows.map(encodeEvent));
    cursor = newest.id;
  }
}

/** Waits until every request was answered and every delivery ended, at most `most_ms`. Never less than a turn: what has arrived is to be read first. */
async function idle(inFlight: () => number, most_ms: number): Promise<void> {
  const until = performance.now() + most_ms;
  do {
    await new Promise((resolveTurn) => {
      setTimeout(resolveTurn, 10);
    });
  } while (inFlight() > 0 && performance.now() < until);
}
