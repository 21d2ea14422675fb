/**
 * Creates all components of the server, area by area in the order of their dependencies, and connects them. Each area
 * has a file, which creates its components. This file has the lists of all routes, background tasks and handlers of
 * push messages.
 */
import type { Config } from "../../schemas/config.js";
import { DEADLINE_SWEEP_MS } from "../../schemas/limits/rpc.js";
import { VERSION } from "../../schemas/version.js";
import { AgentMetricsFlusher } from "../agent-metrics/flusher.js";
import { agentMetricsRoutes } from "../agent-metrics/routes.js";
import { AgentTally } from "../agent-metrics/tally.js";
import { auditRoutes } from "../audit/routes.js";
import { BackgroundTasks, whileLeader, type BackgroundTask } from "../background/task.js";
import { machineClock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { loadShapes } from "../base/shape.js";
import { ChangeReaders } from "../changes/readers.js";
import { changeRoutes } from "../changes/routes.js";
import type { FrontClock } from "../cluster/front-clock.js";
import type { ClusterFront } from "../cluster/front.js";
import { clusterRoutes } from "../cluster/routes.js";
import { openApiRoute } from "../front/openapi.js";
import type { Pipeline } from "../front/pipeline.js";
import type { Route } from "../front/route.js";
import type { FrontServer } from "../front/server.js";
import { mcpRoutes } from "../mcp/routes.js";
import { loadHttpClient } from "../outbound/client.js";
import { SlowLane } from "../threads/slow-lane.js";
import { WriterMetrics } from "../threads/writer-metrics.js";
import type { ChosenTransport } from "../transport/choose.js";
import { usageRoutes } from "../usage/routes.js";
import { waitRoutes } from "../wait/routes.js";
import { makeAgents } from "./agents.js";
import { makeBackup } from "./backup.js";
import { makeChecks } from "./checks.js";
import { makeClaims } from "./claims.js";
import { makeCluster } from "./cluster.js";
import { makeEvents } from "./events.js";
import type { Ground, ServerThreads } from "./ground.js";
import { makeMcp } from "./mcp.js";
import { makeMessages } from "./messages.js";
import { makeMetricsRoutes } from "./metrics.js";
import { makeOutbound } from "./outbound.js";
import { makePorts } from "./ports.js";
import { makeRequests } from "./requests.js";
import { makeSessions } from "./sessions.js";
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
  /** Returns for how long the server has run, in ms. */
  readonly uptimeMs: () => number;
  /** The folder of Koor's package. */
  readonly packageFolder: string;
}

/** The components and functions that the server needs to start and to stop. */
export interface Components {
  readonly ports: FrontServer;
  readonly pipeline: Pipeline;
  readonly routes: readonly Route[];
  readonly tasks: BackgroundTasks;
  /** Null on a single server. */
  readonly cluster: ClusterFront | null;
  /** Whether the process may have no descriptor left, later, to open a module's file. */
  readonly hasFewDescriptors: boolean;
  /** Ends the long polls and streams, which do not end by themselves, so that their clients stop waiting. */
  readonly endWaiting: () => Promise<void>;
  /** Loads the modules that would otherwise be loaded at their first use. */
  readonly loadAll: () => Promise<unknown>;
}

export function makeComponents(options: ComponentsOptions): Components {
  const { config, log, clock, threads, chosen, startedMs, uptimeMs, packageFolder } = options;
  const { writer, pool, reads } = threads;
  const guarded = config.auth_token !== "";
  const ground: Ground = { config, log, clock, threads, guarded, nowMs: clock.now() };
  const { pauseDetector, timeLead } = makeTimes(ground, startedMs);
  const portsArea = makePorts(ground, chosen.transport);
  const { ports, outboundMax, hasFewDescriptors } = portsArea;
  // An area's hooks may use areas that are created after it, because hooks are called only when all areas exist.
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

  // Clients are told what happens
  const changes = new ChangeReaders(threads.watched, clock);
  const events = makeEvents(ground, { ports, cluster });
  const { hub } = events;

  // Coordination of agents
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
  const claims = makeClaims(ground, { agents, cluster, pauseDetector });
  const { toClientFailure } = claims;
  const messages = makeMessages(ground, directory);
  const waits = makeWaiting(ground, { agents, claims, cluster, events, messages });

  // Requests
  const tally = new AgentTally(ground.nowMs);
  const tallyFlusher = new AgentMetricsFlusher(tally, writer, log, ground.nowMs, cluster.front?.node);
  const sessions = makeSessions(ground, portsArea, agents);
  const requests = makeRequests(ground, { ports: portsArea, cluster, agents, sessions, tally });
  const { pipeline, refusals } = requests;

  // Calls to other servers
  const { receivers, services } = makeOutbound(ground, portsArea);
  const webhooks = makeWebhooks(ground, { receivers, outboundMax, leads });
  const { deliveries } = webhooks;

  // Stored values, and checks of them
  const slowLane = new SlowLane(pool);
  const checks = makeChecks(ground, { slowLane, services, directory, tally, toClientFailure });
  const versioned = makeVersioned(ground, { slowLane, contracts: checks.contracts, toClientFailure });

  /** Reads the coordination data into memory again after a crash of the writer or a restore. */
  const reloadCoordination = (why: "crash" | "restore"): void => {
    agents.reload();
    claims.reload();
    messages.boxes.catchUp();
    // After a restore, the events are those of the snapshot, so the cursors of waiting calls are invalid.
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
      whileLeader(leads, events.pruner),
      deliveries,
      // The deliveries are closed after the receivers, because they must still report the results of their last
      // requests.
      { close: () => receivers.close() },
      whileLeader(leads, checks.compliance),
      ...agents.upkeep,
      ...claims.background,
      whileLeader(leads, messages.pruner),
      agents.lastSeenFlusher,
      sessions.upkeep,
      tallyFlusher,
      refusals,
      backup.restore,
    ],
    () => threads.time.advance(clock),
    DEADLINE_SWEEP_MS,
  );

  // Some routes need the list of all routes. They read it when they are called, and the list is complete then.
  const routes: Route[] = [];
  const mcp = makeMcp(ground, { routes, pipeline, agents, tally, packageFolder });
  const writerMetrics = new WriterMetrics(writer, pool);
  routes.push(
    ...makeMetricsRoutes(ground, {
      ports: portsArea,
      requests,
      cluster,
      events,
      agents,
      versioned,
      timeLead,
      writerMetrics,
      measured: [directory, claims.leases, messages.boxes, waits, hub, tasks],
      transport: chosen.name,
      uptimeMs,
    }),
    ...clusterRoutes(cluster.front),
    ...versioned.routes,
    ...checks.routes,
    ...events.routes,
    ...changeRoutes(changes),
    ...agents.routes,
    ...claims.routes,
    ...messages.routes,
    ...waitRoutes(waits),
    ...sessions.routes,
    ...auditRoutes(reads, refusals),
    ...webhooks.routes,
    ...backup.routes,
    ...usageRoutes({ guarded, writer, reads, log }),
    ...agentMetricsRoutes(tallyFlusher, reads),
    ...mcpRoutes(mcp),
    openApiRoute(routes, VERSION),
  );

  threads.listen(
    {
      remote_changes: (message) => writer.accept(message),
      node: (message) => cluster.front?.accept(message),
      sessions: sessions.onSessions,
      events: events.onEvents,
      outbox: (message) => deliveries.take(message),
      instances: agents.onInstances,
      leases: claims.onLeases,
      tasks: claims.onTasks,
      message_boxes: (message) => messages.boxes.accept(message),
      state_keys: versioned.onStateKeys,
      changes: (message) => changes.accept(message),
      commit: (message) => writerMetrics.recordCommit(message),
      bug: ({ method, error }) => log.error("method failed", { method, error }),
    },
    () => reloadAll("crash"),
    () => writerMetrics.recordRestart(),
  );
  // Read data that push messages change only after their handlers are set, so that no message is missed.
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

/**
 * Creates the task that ends overdue work: calls to the writer, jobs that wait, and requests that arrive too slowly.
 */
function deadlines({ writer, pool, exports }: ServerThreads, pipeline: Pipeline): BackgroundTask {
  const pieces = [writer, pool, exports];
  return {
    tick: (nowMs) => {
      // Deadlines of calls between threads use the machine's monotonic clock, because the server's time may be changed.
      for (const piece of pieces) piece.tick(machineClock.now());
      pipeline.tick(nowMs);
    },
  };
}
