/**
 * The composition root of the server: it starts the components in order, passes each the few things that it needs, and
 * stops them in reverse order. The file of each component describes what it does.
 */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Config } from "../schemas/config.js";
import {
  DEADLINE_SWEEP_MS,
  FEW_DESCRIPTORS,
  OUTBOUND_CONNECTIONS_MAX,
  OWN_DESCRIPTORS_MAX,
  SERVER_TOKEN_CHARACTERS_MIN,
  SHORTAGE_REPORT_MS,
  SHUTDOWN_DRAIN_MS,
  WEBHOOK_REQUESTS_MAX,
} from "../schemas/limits.js";
import { VERSION } from "../schemas/version.js";
import { AgentMetricsFlusher } from "./agent-metrics/flusher.js";
import { agentMetricsRoutes } from "./agent-metrics/routes.js";
import { TimeLead } from "./metrics/time-lead.js";
import { AgentTally } from "./agent-metrics/tally.js";
import { RefusalLog } from "./audit/refusal-log.js";
import { auditRoutes } from "./audit/routes.js";
import { BackgroundTasks, whileLeader, type BackgroundTask } from "./background/task.js";
import { Restore } from "./backup/restore.js";
import { backupRoutes } from "./backup/routes.js";
import { machineClock, steadyClock, systemClock } from "./base/clock.js";
import { countDescriptors } from "./base/descriptors.js";
import { loadShapes } from "./base/shape.js";
import { openLog, type Log } from "./base/log.js";
import { reasonOf } from "./base/reason.js";
import { PauseDetector } from "./base/pause-detector.js";
import { SparseReport } from "./base/sparse-report.js";
import { ChangeReaders } from "./changes/readers.js";
import { changeRoutes } from "./changes/routes.js";
import { FrontClock } from "./cluster/front-clock.js";
import { ClusterFront } from "./cluster/front.js";
import { clusterRoutes } from "./cluster/routes.js";
import { clusterReader } from "./cluster/table.js";
import { ComplianceMonitor } from "./compliance/monitor.js";
import { complianceRoutes } from "./compliance/routes.js";
import { makeCoordination } from "./coordination.js";
import { hasShortToken, isExposed } from "./config/exposure.js";
import { ContractFront } from "./contracts/front.js";
import { contractRoutes } from "./contracts/routes.js";
import { EventCounters } from "./events/counters.js";
import { eventsOf } from "./events/encode.js";
import { EventHistory } from "./events/history.js";
import { Hub } from "./events/hub.js";
import { eventRoutes } from "./events/routes.js";
import { Streams } from "./events/stream.js";
import { eventReader } from "./events/table.js";
import { DashboardAuth } from "./front/dashboard-auth.js";
import { RequestGuard } from "./front/request-guard.js";
import { InternalRequests } from "./front/internal-request.js";
import { openApiRoute } from "./front/openapi.js";
import { Pages } from "./front/pages.js";
import { Pipeline } from "./front/pipeline.js";
import { PositionGuard } from "./front/position-guard.js";
import { RequestMetrics } from "./front/request-metrics.js";
import type { Route } from "./front/route.js";
import { FrontServer, type Addresses } from "./front/server.js";
import { addressKey } from "./front/token-throttle.js";
import { McpFront } from "./mcp/front.js";
import { mcpRoutes } from "./mcp/routes.js";
import { METHODS, PUSH_MESSAGES } from "./methods.js";
import { ProcessMetrics } from "./metrics/process-metrics.js";
import { metricsRoutes } from "./metrics/routes.js";
import { loadHttpClient, OutboundClient } from "./outbound/client.js";
import { webhookReader } from "./outbox/table.js";
import { NO_CALLER } from "./rpc/frames.js";
import { RuleFront } from "./rules/front.js";
import { ruleRoutes } from "./rules/routes.js";
import { RuleSetVersions } from "./rules/set-versions.js";
import { ruleReader } from "./rules/table.js";
import { SessionRegistry } from "./sessions/session-registry.js";
import { SessionFront } from "./sessions/front.js";
import { sessionRoutes } from "./sessions/routes.js";
import { sessionReader } from "./sessions/table.js";
import { SessionUpkeep } from "./sessions/upkeep.js";
import { specRoutes } from "./specs/routes.js";
import { StateKeyCount } from "./state/key-count.js";
import { stateRoutes } from "./state/routes.js";
import { isOpenToOthers } from "./store/data-dir.js";
import { passedTimes } from "./store/settle-times.js";
import { sqliteChoice } from "./store/sqlite/choice.js";
import { TemplateFront } from "./templates/front.js";
import { templateRoutes } from "./templates/routes.js";
import type { WriterHandle } from "./threads/early-writer.js";
import { SlowLane } from "./threads/slow-lane.js";
import { openThreads, type Threads, type ThreadUrls } from "./threads/open.js";
import { WriterMetrics } from "./threads/writer-metrics.js";
import { chooseTransport, type ChosenTransport } from "./transport/choose.js";
import { ConnectionLimit, connectionShares } from "./transport/connection-limit.js";
import { usageRoutes } from "./usage/routes.js";
import { specReader, stateReader } from "./versioned/table.js";
import { advanceWebhooks } from "./webhooks/commands.js";
import { Deliveries } from "./webhooks/delivery.js";
import { webhookRoutes } from "./webhooks/routes.js";
import { senderOver } from "./webhooks/send.js";

export interface Server {
  readonly addresses: Addresses;
  /** Stops the server. Requests in flight have SHUTDOWN_DRAIN_MS to be answered. */
  stop(): Promise<void>;
}

/** The URLs of those files of the build that are not loaded as modules. */
export interface ServerUrls extends ThreadUrls {
  /** The folder of the dashboard's pages. Ends with "/". */
  readonly pages: URL;
}

/** The dependencies of all components. */
interface Ground {
  readonly config: Config;
  readonly log: Log;
  readonly threads: Threads<typeof PUSH_MESSAGES>;
  readonly chosen: ChosenTransport;
  /** The time at the start, in ms since the Unix epoch. */
  readonly started_ms: number;
  /** Returns for how long the server has run, in ms. */
  readonly uptime_ms: () => number;
  /** The folder of Koor's package. */
  readonly package_folder: string;
}

/** The components that the start and the stop of the server need. */
interface Pieces {
  readonly front: FrontServer;
  readonly pipeline: Pipeline;
  readonly routes: readonly Route[];
  readonly tasks: BackgroundTasks;
  /** Ends the answers that do not end by themselves, so that their clients stop waiting. */
  readonly endWaiting: () => Promise<void>;
  /** Loads the modules that would otherwise be loaded at their first use. */
  readonly loadAll: () => Promise<unknown>;
  readonly cluster: ClusterFront | null;
}

const clock = new FrontClock(steadyClock(), () => performance.now());

/**
 * The delay before the modules that only some requests need are preloaded. It lets requests that waited for the start
 * be answered first.
 */
const PRELOAD_DELAY_MS = 100;

/**
 * Starts a server.
 * @param earlyWriter the writer, if it was started before this module was loaded
 * @throws TransportError, DataDirError, PortError with one line for the operator
 */
export async function startServer(config: Config, urls: ServerUrls, earlyWriter?: WriterHandle): Promise<Server> {
  const started = performance.now();
  const data_dir = resolve(config.data_dir);
  const log = await openLog(config.log_level, config.log_format);
  const chosen = await chooseTransport(config.transport);
  const threads = openThreads({
    config,
    data_dir,
    urls,
    log,
    methods: METHODS,
    push_messages: PUSH_MESSAGES,
    earlyWriter,
  });
  // A node continues from its stored time, because its machine's clock may have been set to a wrong time since it
  // stopped.
  const stored = config.cluster === "" ? null : threads.reads.model(clusterReader).state();
  if (stored !== null) clock.follow(stored.membership.now_ms);
  const started_ms = threads.time.advance(clock);
  const { front, pipeline, routes, tasks, endWaiting, loadAll, cluster } = makePieces({
    config,
    log,
    threads,
    chosen,
    started_ms,
    uptime_ms: () => Math.floor(performance.now() - started),
    package_folder: fileURLToPath(new URL("../../../", urls.pages)),
  });
  const unread = new SparseReport(SHORTAGE_REPORT_MS, (requests, error) =>
    log.error("the dashboard's pages cannot be read", { error: reasonOf(error), requests }),
  );
  const pages = new Pages(urls.pages, (error) => unread.report(error));
  try {
    // With few descriptors all modules are loaded now. A module that could not be loaded for lack of a descriptor can
    // never be loaded later.
    if ((countDescriptors()?.max ?? Number.POSITIVE_INFINITY) <= FEW_DESCRIPTORS) {
      pages.load();
      await Promise.all([loadAll(), chosen.transport.loadAll?.()]);
    }
    await cluster?.ready();
    await front.listen(config, routes, pipeline, pages);
  } catch (error) {
    front.close();
    await threads.close();
    throw error;
  }
  tasks.start();
  announce({ log, config, addresses: front.addresses, data_dir, chosen });
  const preloading = setTimeout(() => {
    threads.pool.startThreads();
    const needed = [loadShapes()];
    if (threads.reads.model(webhookReader).count > 0) needed.push(loadHttpClient());
    // A failure is ignored here, because the first user of a module loads it again.
    void Promise.allSettled(needed);
  }, PRELOAD_DELAY_MS);
  const stop = async (): Promise<void> => {
    log.info("koor stops");
    clearTimeout(preloading);
    front.stop();
    pipeline.drain();
    tasks.drain();
    front.endSockets();
    await endWaiting();
    await idle(() => pipeline.in_flight + tasks.in_flight, SHUTDOWN_DRAIN_MS);
    front.close();
    await tasks.close();
    await threads.close();
    log.info("koor stopped");
    await log.close();
  };
  return { addresses: front.addresses, stop };
}

/** Creates every component, in the order of their dependencies. The threads exist already. */
function makePieces({ config, log, threads, chosen, started_ms, uptime_ms, package_folder }: Ground): Pieces {
  const { writer, pool, reads } = threads;
  const now_ms = clock.now();
  const pauseDetector = new PauseDetector(started_ms, (pause_ms) =>
    log.warn("the server did not run, or its machine's clock was set ahead", { ms: pause_ms }),
  );

  const passed_times = reads.model(passedTimes);
  const time_lead = new TimeLead({ clock, machine: systemClock, newestPassed: () => passed_times.newest_ms, log });
  time_lead.checkStored();

  // The ports
  const too_many = new SparseReport(SHORTAGE_REPORT_MS, (connections) =>
    log.warn("connections are closed at once: there are as many as the file descriptors allow (ulimit -n)", {
      connections,
    }),
  );
  const descriptors = countDescriptors();
  const { clients_max, outbound_max } = connectionShares(descriptors, OWN_DESCRIPTORS_MAX, OUTBOUND_CONNECTIONS_MAX);
  const front = new FrontServer(chosen.transport, new ConnectionLimit(clients_max, () => too_many.report()));
  const guard = new RequestGuard(config, front, clock, log);
  const requests = new RequestMetrics();

  // The components of the cluster are created here if the server is a node of one.
  const cluster =
    config.cluster === ""
      ? null
      : new ClusterFront({
          cluster: config,
          reader: reads.model(clusterReader),
          visible: threads.appliedPosition,
          log,
          now: () => clock.now(),
          onTime: (log_ms) => clock.follow(log_ms),
          onLeading: (leads) => {
            if (leads) deliveries.load();
            else deliveries.clear();
          },
          onInstalled: () => {
            writer.restarted();
            reloadAll("restore");
          },
        });

  // The clients that watch changes
  const changes = new ChangeReaders(threads.watched, clock);

  // Events
  const history = reads.model(eventReader);
  const counters = new EventCounters();
  const hub = new Hub(front, counters, history.last_id);
  const event_history = new EventHistory(reads, hub);
  const readBarrier = cluster === null ? null : (done: () => void) => cluster.readBarrier(done);
  const streams = new Streams({ hub, counters, history, log, readBarrier }, clock);

  /** Whether background work runs on this server. In a cluster it runs only on the leader. */
  const leads = (): boolean => cluster?.isLeader ?? true;
  const alone = (): boolean => cluster?.hasNoLivePeers ?? true;

  // Agents, their claims and messages
  const coordination = makeCoordination({
    guarded: guard.guarded,
    config,
    log,
    clock,
    threads,
    pauseDetector,
    leads,
    alone,
    changes,
    hub,
    history: event_history,
    positions: cluster,
    onRevoked: (id) => book.revoke(id),
  });
  const { directory, actors, toClientFailure } = coordination;

  // The other state that the front keeps in memory is created here.
  const state_keys = new StateKeyCount(reads.model(stateReader).count());
  const agents = new AgentTally(now_ms);
  const session_rows = reads.model(sessionReader);
  const book = new SessionRegistry({ token: config.auth_token, clock, instances: directory });
  book.load(session_rows.all());

  // The path of every request
  const sessions = new SessionFront({
    book,
    writer,
    guard,
    actors,
    instances: directory,
    ports: front,
    exposed: isExposed(config),
    stale_after_ms: config.stale_after,
    clock,
    log,
  });
  const refusals = new RefusalLog(writer, clock);
  const pipeline = new Pipeline({
    guard,
    dashboardAuth: new DashboardAuth({ guard, actors, sessions }),
    metrics: requests,
    pool,
    log,
    clock,
    actors,
    agents,
    deferrals: cluster === null ? null : new PositionGuard(cluster),
    onBug: (error) => threads.storage.takeError(error),
    recordRefusal: ({ peer, ...refusal }, context, done) => {
      const caller = context.actor === "" ? addressKey(peer) : context.actor;
      refusals.record({ ...refusal, caller }, context, done);
    },
  });

  // Other servers
  const calls = {
    policy: { allow_private: config.webhook_allow_private },
    connections: new ConnectionLimit(outbound_max),
    // If descriptors are few, no connection is kept for the next call, because another call may need its descriptor.
    keeps_connections: (descriptors?.max ?? Number.POSITIVE_INFINITY) > FEW_DESCRIPTORS,
  };
  const receivers = new OutboundClient({ ...calls, connections_per_origin_max: WEBHOOK_REQUESTS_MAX });
  const send = senderOver(receivers, () => clock.now());
  const outbound = new OutboundClient(calls);

  // Background work
  const deliveries = new Deliveries({
    reader: reads.model(webhookReader),
    send,
    requests_max: Math.min(WEBHOOK_REQUESTS_MAX, outbound_max),
    isLeader: leads,
    advance: (progress) => writer.request(advanceWebhooks, { receivers: progress, guarded: guard.guarded }, NO_CALLER),
    clock,
    log,
  });
  const session_upkeep = new SessionUpkeep(book, writer, clock);
  const compliance = new ComplianceMonitor({
    instances: () => directory.list("active"),
    pool,
    writer,
    log,
    interval_ms: config.compliance_interval,
    now_ms,
  });
  const agent_flusher = new AgentMetricsFlusher(agents, writer, log, now_ms, cluster?.node);
  const restore = new Restore({
    writer,
    log,
    path: threads.staging_path,
    startThread: () => threads.startStaging(),
    holdWrites: (refusal) => pipeline.holdWrites(refusal),
    in_cluster: cluster !== null,
    onRestored: (last_event_id) => {
      hub.skipTo(last_event_id);
      coordination.reload("restore");
      book.load(session_rows.all());
      refusals.forget();
      time_lead.checkStored();
    },
  });

  // Features that use several components
  const slowLane = new SlowLane(pool);
  const rule_table = reads.model(ruleReader);
  const rule_versions = new RuleSetVersions(
    (project) => rule_table.version(project),
    () => writer.hasUnseenRemoteWrites,
  );
  writer.changes.listen("rule", rule_versions);
  const rules = new RuleFront({
    guarded: guard.guarded,
    writer,
    slowLane,
    versions: rule_versions,
    log,
    countViolations: (actor, violations) => {
      if (actor !== "" && violations > 0) agents.add(actor, "violations", violations);
    },
  });
  const contracts = new ContractFront({ outbound, slowLane, specs: reads.model(specReader) });
  const templates = new TemplateFront({ writer, slowLane, log, toClientFailure, contracts });

  // Metrics
  const writer_metrics = new WriterMetrics(writer, pool);

  // Some routes need the list of all routes. They read it when they are called, and by then it is complete.
  const routes: Route[] = [];
  const inner = new InternalRequests({ guarded: guard.guarded, routes, refusals: pipeline.refusals, actors, agents });
  const mcp = new McpFront({
    inner,
    routes,
    directory,
    has: { cluster: config.cluster !== "", package_folder },
    log,
  });

  const tasks = new BackgroundTasks(
    [
      { tick: (tick_ms) => void pauseDetector.resumed(tick_ms) },
      time_lead,
      deadlines(threads, pipeline),
      threads.storage,
      { close: () => outbound.close() },
      streams,
      changes,
      ...(cluster === null ? [] : [cluster]),
      deliveries,
      // The receivers are closed before the deliveries, because the deliveries must still report the results of their
      // last requests.
      { close: () => receivers.close() },
      whileLeader(leads, compliance),
      ...coordination.tasks,
      session_upkeep,
      agent_flusher,
      refusals,
      restore,
    ],
    () => threads.time.advance(clock),
    DEADLINE_SWEEP_MS,
  );
  const measured = [
    requests,
    state_keys,
    ...coordination.measured,
    hub,
    tasks,
    writer_metrics,
    new ProcessMetrics({
      walBytes: () => threads.walBytes(),
      runtime: { transport: chosen.name, sqlite: sqliteChoice().library.way },
      uptime_ms,
    }),
  ];
  routes.push(
    ...metricsRoutes({
      requests,
      measured,
      writer,
      log,
      uptime_ms,
      time_lead,
      hub,
      state_keys,
      instances: directory,
      ports: front,
      pipeline,
      storage: threads.storage,
      cluster,
    }),
    ...clusterRoutes(cluster),
    ...stateRoutes({ writer, reads, slowLane, log, toClientFailure }),
    ...specRoutes({
      writer,
      reads,
      slowLane,
      log,
      toClientFailure,
      examine: (written, context) => contracts.examine(written, context),
    }),
    ...ruleRoutes({ rules, reads }),
    ...contractRoutes(contracts),
    ...templateRoutes({ templates, reads }),
    ...complianceRoutes({ monitor: compliance, reads }),
    ...eventRoutes({ guarded: guard.guarded, writer, reads, hub, history: event_history, streams, readBarrier, log }),
    ...changeRoutes(changes),
    ...coordination.routes,
    ...sessionRoutes(sessions),
    ...auditRoutes(reads, refusals),
    ...webhookRoutes({
      guarded: guard.guarded,
      writer,
      reads,
      send,
      queued: () => deliveries.queued,
      policy: receivers.policy,
      clock,
      log,
    }),
    ...backupRoutes({ exports: threads.exports, restore, clock, log }),
    ...usageRoutes({ guarded: guard.guarded, writer, reads, log }),
    ...agentMetricsRoutes(agent_flusher, reads),
    ...mcpRoutes(mcp),
    openApiRoute(routes, VERSION),
  );

  const reloadAll = (why: "crash" | "restore"): void => {
    hub.catchUp(history);
    coordination.reload(why);
    book.load(session_rows.all());
    deliveries.load();
    changes.lag();
  };
  threads.listen(
    {
      remote_changes: (message) => writer.accept(message),
      node: (message) => cluster?.accept(message),
      sessions: ({ changed }) => {
        for (const id of changed) book.applyRemote(id, session_rows.byId(id));
      },
      events: (events) => hub.accept(eventsOf(events)),
      outbox: (message) => deliveries.take(message),
      ...coordination.pushHandlers,
      state_keys: (count) => {
        state_keys.count = count;
      },
      changes: (message) => changes.accept(message),
      commit: (message) => writer_metrics.recordCommit(message),
      bug: ({ method, error }) => log.error("method failed", { method, error }),
    },
    () => reloadAll("crash"),
    () => writer_metrics.recordRestart(),
  );
  deliveries.load();
  coordination.begin();
  const endWaiting = async (): Promise<void> => {
    hub.end();
    coordination.endWaiting();
    changes.end();
    await mcp.close();
  };
  const loadAll = (): Promise<unknown> => Promise.all([mcp.endpoint(), loadShapes(), loadHttpClient()]);
  return { front, pipeline, routes, tasks, endWaiting, loadAll, cluster };
}

/**
 * Creates the task that ends overdue work: calls to the writer, jobs that wait, and requests that arrive too slowly.
 */
function deadlines({ writer, pool, exports }: Threads<typeof PUSH_MESSAGES>, pipeline: Pipeline): BackgroundTask {
  const pieces = [writer, pool, exports];
  return {
    tick: (now_ms) => {
      // Calls between threads time out by the machine's monotonic clock, because the server's time may be changed.
      for (const piece of pieces) piece.tick(machineClock.now());
      pipeline.tick(now_ms);
    },
  };
}

/** The details that are logged when the server has started. */
interface Announcement {
  readonly log: Log;
  readonly config: Config;
  readonly addresses: Addresses;
  readonly data_dir: string;
  readonly chosen: ChosenTransport;
}

function announce({ log, config, addresses, data_dir, chosen }: Announcement): void {
  const { library, fallback } = sqliteChoice();
  log.info("koor listening", {
    version: VERSION,
    api: addresses.api,
    dashboard: addresses.dashboard,
    data_dir,
    auth: config.auth_token !== "",
    transport: chosen.name,
    ...(chosen.fallback === "" ? {} : { transport_fallback: chosen.fallback }),
    sqlite: library.way,
    // Logged only if the SQLite library is not the preferred one for this version of Node.
    ...(fallback === "" ? {} : { sqlite_fallback: fallback }),
  });
  if (config.auth_token !== "" && isOpenToOthers(data_dir))
    log.warn("other users of this machine can open the data directory: chmod 700 it", { data_dir });
  if (hasShortToken(config))
    log.warn("--auth-token is short enough to be guessed: take a longer one", {
      characters_min: SERVER_TOKEN_CHARACTERS_MIN,
    });
  if (isExposed(config)) {
    log.warn(
      "anyone who can reach this machine can read and change everything: set --auth-token, or bind to localhost",
    );
  }
}

/**
 * Waits until nothing is in flight, for at most `most_ms`. Waits at least one event-loop tick, so that requests that
 * have already arrived are read and counted.
 */
async function idle(inFlight: () => number, most_ms: number): Promise<void> {
  const until = performance.now() + most_ms;
  do {
    await new Promise((resolveTick) => {
      setTimeout(resolveTick, 10);
    });
  } while (inFlight() > 0 && performance.now() < until);
}
