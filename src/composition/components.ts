/**
 * Creates all components of the server and connects them. The areas are created in the order of their dependencies,
 * each by a file of this folder. This file lists all routes, background tasks and handlers of push messages.
 */
import type { Config } from "../../schemas/config.js";
import { DEADLINE_SWEEP_MS } from "../../schemas/limits/rpc.js";
import { VERSION } from "../../schemas/version.js";
import { AgentMetricsFlusher } from "../features/agent-metrics/flusher.js";
import { agentMetricsRoutes } from "../features/agent-metrics/routes.js";
import { AgentTally } from "../features/agent-metrics/tally.js";
import { auditRoutes } from "../features/audit/routes.js";
import { Pruner } from "../platform/background/pruner.js";
import { BackgroundTasks, whileLeader, type BackgroundTask } from "../platform/background/task.js";
import { machineClock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { loadShapes } from "../base/shape.js";
import { ChangeReaders } from "../features/changes/readers.js";
import { changeRoutes } from "../features/changes/routes.js";
import type { FrontClock } from "../cluster/front-clock.js";
import type { ClusterFront } from "../cluster/front.js";
import { clusterRoutes } from "../cluster/routes.js";
import { asyncApiRoute } from "../platform/front/asyncapi.js";
import { openApiRoute } from "../platform/front/openapi.js";
import type { Pipeline } from "../platform/front/pipeline.js";
import type { Route } from "../platform/front/route.js";
import type { FrontServer } from "../platform/front/server.js";
import { mcpRoutes } from "../features/mcp/routes.js";
import { loadHttpClient } from "../platform/outbound/client.js";
import { SlowLane } from "../platform/threads/slow-lane.js";
import { WriterMetrics } from "../platform/threads/writer-metrics.js";
import type { ChosenTransport } from "../platform/transport/choose.js";
import { storyRoutes } from "../features/story/routes.js";
import { usageRoutes } from "../features/usage/routes.js";
import { waitRoutes } from "../features/wait/routes.js";
import { makeAgents } from "./agents.js";
import { makeBackup } from "./backup.js";
import { makeBudgets } from "./budgets.js";
import { makeChecks } from "./checks.js";
import { makeClaims } from "./claims.js";
import { makeCluster } from "./cluster.js";
import { makeEvents } from "./events.js";
import type { Ground, ServerThreads } from "./ground.js";
import { makeHooks } from "./hooks.js";
import { makeMcp } from "./mcp.js";
import { makeMessages } from "./messages.js";
import { makeMetrics } from "./metrics.js";
import { makeOutbound } from "./outbound.js";
import { makePorts } from "./ports.js";
import { makeRadar } from "./radar.js";
import { makeRequests } from "./requests.js";
import { retentionTable } from "./retention.js";
import { makeSessions } from "./sessions.js";
import { makeTelemetry } from "./telemetry.js";
import { makeTimes } from "./times.js";
import { makeVersioned } from "./versioned.js";
import { makeWaiting } from "./waiting.js";
import { makeWebhooks } from "./webhooks.js";

export interface ComponentsOptions {
  readonly config: Config;
  readonly log: Log;
  readonly clock: FrontClock;
  readonly threads: ServerThreads;
  readonly chosen: ChosenTransport;
  /** The server's time at its start, in ms since the Unix epoch. */
  readonly startedMs: number;
  /** Returns the time in ms for which the server has run. */
  readonly uptimeMs: () => number;
  /** The folder of Koor's package. */
  readonly packageFolder: string;
  /** The script of the thread that exports spans and metrics. */
  readonly telemetryScript: URL;
  /** The absolute path of the data directory. */
  readonly dataDir: string;
}

/** The components and functions that the server needs to start and to stop. */
export interface Components {
  readonly ports: FrontServer;
  readonly pipeline: Pipeline;
  readonly routes: readonly Route[];
  readonly tasks: BackgroundTasks;
  /** The front's part of a cluster node; null on a single server. */
  readonly cluster: ClusterFront | null;
  /** True if the process has a low limit of file descriptors. It may then be unable to open a module's file later. */
  readonly hasFewDescriptors: boolean;
  /** Ends the long polls and streams, because they do not end by themselves. */
  readonly endWaiting: () => Promise<void>;
  /** Loads all modules that are otherwise loaded at their first use. */
  readonly loadAll: () => Promise<unknown>;
}

export function makeComponents(options: ComponentsOptions): Components {
  const { config, log, clock, threads, chosen, startedMs, uptimeMs, packageFolder } = options;
  const { telemetryScript, dataDir } = options;
  const { writer, pool, reads } = threads;
  const guarded = config.auth_token !== "";
  const ground: Ground = { config, log, clock, threads, guarded, nowMs: clock.now() };
  const { pauseDetector, timeLead } = makeTimes(ground, startedMs);
  const portsArea = makePorts(ground, chosen.transport);
  const { ports, outboundMax, hasFewDescriptors } = portsArea;
  // The functions that one area passes to another may use areas that are created later. They are called only after all
  // areas exist.
  const cluster = makeCluster(ground, {
    onLeading: (leads) => {
      if (leads) deliveries.load();
      else deliveries.clear();
    },
    onInstalled: () => {
      writer.restarted();
      reloadAll("restore");
    },
  });
  const { leads } = cluster;

  // Create the components that notify clients.
  const changes = new ChangeReaders(threads.watched, clock);
  const events = makeEvents(ground, { ports, cluster });
  const { hub } = events;

  // Create the components that coordinate agents.
  const agents = makeAgents(ground, {
    cluster,
    pauseDetector,
    changes,
    onCapabilities: (id) => claims.claimers.look(id),
    onSeen: (id, seenMs) => claims.expiry.endOverdue(id, seenMs),
    onIdle: (id) => claims.expiry.hurry(id),
    onRevoked: (id) => sessions.registry.revoke(id),
  });
  const { directory } = agents;
  const claims = makeClaims(ground, { agents, cluster, pauseDetector, isHeld: (id) => budgets.isHeld(id) });
  const { toClientFailure } = claims;
  const messages = makeMessages(ground, directory);
  const radar = makeRadar(ground, { agents, cluster });
  const budgets = makeBudgets(ground, { agents, cluster, onChanged: () => claims.claimers.lookAll() });
  const hooks = makeHooks(ground, { agents, budgets, claims, messages });
  const waits = makeWaiting(ground, { agents, budgets, claims, cluster, events, messages });

  // Create the components that handle requests.
  const tally = new AgentTally(ground.nowMs);
  const tallyFlusher = new AgentMetricsFlusher(tally, writer, log, ground.nowMs, cluster.front?.node);
  const sessions = makeSessions(ground, portsArea, agents);
  const requests = makeRequests(ground, { ports: portsArea, cluster, agents, sessions, tally });
  const { pipeline, refusals } = requests;

  // Create the components that send requests to other servers.
  const { receivers, services } = makeOutbound(ground, portsArea);
  const webhooks = makeWebhooks(ground, { receivers, outboundMax, leads });
  const { deliveries } = webhooks;

  // Create the components that store values and check them.
  const slowLane = new SlowLane(pool);
  const checks = makeChecks(ground, { slowLane, services, instances: agents.lists, tally, toClientFailure });
  const versioned = makeVersioned(ground, { slowLane, contracts: checks.contracts, toClientFailure });

  /**
   * Reads instances, claims and messages into memory again. After a crash of the writer, it wakes the waiting calls.
   * After a restore, it ends them.
   */
  const reloadCoordination = (why: "crash" | "restore"): void => {
    agents.reload();
    claims.reload();
    budgets.reload();
    messages.boxes.catchUp();
    // A restore replaces all events. So the cursors of waiting calls are no longer valid.
    if (why === "restore") waits.lag();
    else waits.catchUp();
  };
  const reloadAll = (why: "crash" | "restore"): void => {
    events.catchUp();
    reloadCoordination(why);
    sessions.reload();
    deliveries.load();
    changes.lag();
  };
  const backup = makeBackup(ground, {
    pipeline,
    onRestored: (lastEventId) => {
      hub.skipTo(lastEventId);
      reloadCoordination("restore");
      sessions.reload();
      refusals.forget();
      timeLead.checkStored();
    },
  });

  const pruner = new Pruner({
    retentions: retentionTable({ config, writer, directory, boxes: messages.boxes, log, pauseDetector }),
    ready: () => writer.attached,
    log,
    nowMs: ground.nowMs,
  });

  const telemetry = makeTelemetry(ground, {
    leads,
    measured: () => metrics.measured,
    script: telemetryScript,
    dataDir,
    startedMs,
  });

  // The tasks tick in this order, and are closed in reverse order.
  const tasks = new BackgroundTasks(
    [
      { tick: (tickMs) => void pauseDetector.resumed(tickMs) },
      timeLead,
      deadlines(threads, pipeline),
      threads.storage,
      { close: () => services.close() },
      events.streams,
      changes,
      ...(cluster.front === null ? [] : [cluster.front]),
      deliveries,
      // Close the deliveries after the receivers. The deliveries must still report the results of their last requests.
      { close: () => receivers.close() },
      whileLeader(leads, checks.compliance),
      ...agents.upkeep,
      whileLeader(leads, pruner),
      ...claims.background,
      radar.expiry,
      ...budgets.background,
      agents.lastSeenFlusher,
      sessions.upkeep,
      tallyFlusher,
      refusals,
      backup.restore,
      ...telemetry.background,
      { tick: (tickMs) => metrics.history.tick(tickMs) },
    ],
    {
      now: () => threads.time.advance(clock),
      intervalMs: DEADLINE_SWEEP_MS,
      log,
      onBug: (error) => threads.storage.takeError(error),
    },
  );

  // Some routes need the list of all routes. They read it when they are called, and it is complete by then.
  const routes: Route[] = [];
  const mcp = makeMcp(ground, { routes, pipeline, agents, tally, packageFolder });
  const writerMetrics = new WriterMetrics(writer, pool);
  const metrics = makeMetrics(ground, {
    ports: portsArea,
    requests,
    cluster,
    events,
    agents,
    versioned,
    timeLead,
    writerMetrics,
    measured: [directory, claims.leases, messages.boxes, waits, hub, hooks.metrics, tasks],
    transport: chosen.name,
    uptimeMs,
  });
  routes.push(
    ...metrics.routes,
    ...clusterRoutes(cluster.front),
    ...versioned.routes,
    ...checks.routes,
    ...events.routes,
    ...changeRoutes(changes),
    ...agents.routes,
    ...claims.routes,
    ...radar.routes,
    ...budgets.routes,
    ...messages.routes,
    ...hooks.routes,
    ...waitRoutes(waits),
    ...sessions.routes,
    ...auditRoutes(reads, refusals),
    ...storyRoutes({ reads, now: () => clock.now(), taskRetentionMs: config.task_retention }),
    ...webhooks.routes,
    ...backup.routes,
    ...usageRoutes({ guarded, writer, reads, leases: claims.leases, log }),
    ...agentMetricsRoutes(tallyFlusher, reads),
    ...mcpRoutes(mcp),
    openApiRoute(routes, VERSION),
    asyncApiRoute(VERSION),
  );

  threads.listen(
    {
      remote_changes: (message) => writer.accept(message),
      node: (message) => cluster.front?.accept(message),
      sessions: sessions.onSessions,
      events: (message) => {
        events.onEvents(message);
        telemetry.onEvents(message);
      },
      outbox: (message) => deliveries.take(message),
      instances: agents.onInstances,
      leases: claims.onLeases,
      tasks: claims.onTasks,
      message_boxes: (message) => messages.boxes.accept(message),
      overlaps: hooks.onOverlaps,
      budgets: budgets.onBudgets,
      rate_limits: budgets.onRateLimits,
      state_keys: versioned.onStateKeys,
      changes: (message) => changes.accept(message),
      commit: (message) => writerMetrics.recordCommit(message),
      bug: ({ method, error }) => log.error("method failed", { method, error }),
    },
    () => reloadAll("crash"),
    () => writerMetrics.recordRestart(),
  );
  // Read this data after the handlers of push messages are set. Otherwise a change in between would be missed.
  deliveries.load();
  claims.begin();
  return {
    ports,
    pipeline,
    routes,
    tasks,
    cluster: cluster.front,
    hasFewDescriptors,
    endWaiting: async () => {
      hub.end();
      claims.endWaiting();
      messages.boxes.end();
      waits.end();
      changes.end();
      await mcp.close();
    },
    loadAll: () => Promise.all([mcp.endpoint(), loadShapes(), loadHttpClient()]),
  };
}

/** Creates the task that ends overdue work: calls to the writer, waiting jobs, and requests that arrive too slowly. */
function deadlines({ writer, pool, exports }: ServerThreads, pipeline: Pipeline): BackgroundTask {
  const pieces = [writer, pool, exports];
  return {
    tick: (nowMs) => {
      // Use the machine's monotonic clock for the deadlines of calls between threads, because the server's time may be
      // changed.
      for (const piece of pieces) piece.tick(machineClock.now());
      pipeline.tick(nowMs);
    },
  };
}
