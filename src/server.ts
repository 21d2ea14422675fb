/**
 * Starts and stops the server, step by step. The components are created in src/composition, where each area has a file
 * of its own.
 */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Config } from "../schemas/config.js";
import { SHORTAGE_REPORT_MS, SHUTDOWN_DRAIN_MS } from "../schemas/limits/process.js";
import { checkLimits } from "../schemas/limits/relations.js";
import { steadyClock } from "./base/clock.js";
import { openLog, type Log } from "./base/log.js";
import { reasonOf } from "./base/reason.js";
import { loadShapes } from "./base/shape.js";
import { SparseReport } from "./base/sparse-report.js";
import { FrontClock } from "./cluster/front-clock.js";
import { clusterReader } from "./cluster/table.js";
import { announce } from "./composition/announcement.js";
import { makeComponents, type Components } from "./composition/components.js";
import type { ServerThreads } from "./composition/ground.js";
import { Pages } from "./front/pages.js";
import type { Addresses } from "./front/server.js";
import { METHODS, PUSH_MESSAGES } from "./methods.js";
import { loadHttpClient } from "./outbound/client.js";
import { webhookReader } from "./outbox/table.js";
import type { WriterHandle } from "./threads/early-writer.js";
import { openThreads, type ThreadUrls } from "./threads/open.js";
import { chooseTransport } from "./transport/choose.js";

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
  checkLimits();
  const startedAt = performance.now();
  const dataDir = resolve(config.data_dir);

  // Every later step may write to the log.
  const log = await openLog(config.log_level, config.log_format);

  // The settings may demand a transport that this system lacks. That ends the start while there is nothing to close.
  const chosen = await chooseTransport(config.transport);

  // The components read the database while they are created.
  const threads = openThreads({
    config,
    data_dir: dataDir,
    urls,
    log,
    methods: METHODS,
    push_messages: PUSH_MESSAGES,
    earlyWriter,
  });

  // The components start their intervals and deadlines from the server's time, so the time is set first.
  const clock = new FrontClock(steadyClock(), () => performance.now());
  const startedMs = setClock(clock, config, threads);

  const components = makeComponents({
    config,
    log,
    clock,
    threads,
    chosen,
    startedMs,
    uptimeMs: () => Math.floor(performance.now() - startedAt),
    packageFolder: fileURLToPath(new URL("../../../", urls.pages)),
  });
  const { ports, pipeline, routes, tasks, cluster } = components;
  const unread = new SparseReport(SHORTAGE_REPORT_MS, (requests, error) =>
    log.error("the dashboard's pages cannot be read", { error: reasonOf(error), requests }),
  );
  const pages = new Pages(urls.pages, (error) => unread.report(error));
  try {
    // With few descriptors all modules are loaded now. A module that could not be loaded for lack of a descriptor can
    // never be loaded later.
    if (components.hasFewDescriptors) {
      pages.load();
      await Promise.all([components.loadAll(), chosen.transport.loadAll?.()]);
    }
    // A node of a cluster first waits until it accepts writes, so that its first clients are not rejected.
    await cluster?.ready();
    // Requests arrive from here on.
    await ports.listen(config, routes, pipeline, pages);
  } catch (error) {
    // The other port may already listen. The threads have the database open.
    ports.close();
    await threads.close();
    throw error;
  }

  // Background work starts after the ports listen. So a server whose port is in use does none before it ends.
  tasks.start();
  announce({ log, config, addresses: ports.addresses, dataDir, chosen });
  const preloading = setTimeout(() => preload(threads), PRELOAD_DELAY_MS);
  return {
    addresses: ports.addresses,
    stop: async () => {
      clearTimeout(preloading);
      await stopServer(components, threads, log);
    },
  };
}

/** Stops the server: first what brings new work, then the work itself, and last what the work needs. */
async function stopServer(components: Components, threads: ServerThreads, log: Log): Promise<void> {
  const { ports, pipeline, tasks } = components;
  log.info("koor stops");

  // Nothing new begins: no connection, no request on an open connection, and no background work.
  ports.stop();
  pipeline.drain();
  tasks.drain();

  // WebSockets, streams and long polls end now, because they would not end by themselves while the server waits.
  ports.endSockets();
  await components.endWaiting();

  // The other requests and background work have some time to finish.
  await idle(() => pipeline.in_flight + tasks.in_flight, SHUTDOWN_DRAIN_MS);

  // Clients that did not finish are cut off.
  ports.close();

  // The tasks store what is only in memory. They need the writer for it, so the threads are closed after them.
  await tasks.close();
  await threads.close();

  // The log is closed last, because every step may write to it.
  log.info("koor stopped");
  await log.close();
}

/** Sets the server's clock to the newest time that is known. Returns that time, in ms since the Unix epoch. */
function setClock(clock: FrontClock, config: Config, threads: ServerThreads): number {
  // A node continues from its stored time, because its machine's clock may have been set to a wrong time since it
  // stopped.
  const stored = config.cluster === "" ? null : threads.reads.model(clusterReader).state();
  if (stored !== null) clock.follow(stored.membership.now_ms);
  return threads.time.advance(clock);
}

/** Starts the pool's threads and loads the modules that the first requests are likely to need. */
function preload(threads: ServerThreads): void {
  threads.pool.startThreads();
  const needed = [loadShapes()];
  if (threads.reads.model(webhookReader).count > 0) needed.push(loadHttpClient());
  // A failure is ignored here, because the first user of a module loads it again.
  void Promise.allSettled(needed);
}

/**
 * Waits until nothing is in flight, for at most `mostMs`. Waits at least one event-loop tick, so that requests that
 * have already arrived are read and counted.
 */
async function idle(inFlight: () => number, mostMs: number): Promise<void> {
  const until = performance.now() + mostMs;
  do {
    await new Promise((resolveTick) => {
      setTimeout(resolveTick, 10);
    });
  } while (inFlight() > 0 && performance.now() < until);
}
