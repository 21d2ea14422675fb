/**
 * Starts and stops the server, step by step. The files in src/composition create the components, with one file for each
 * area.
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
import type { SettingsSource } from "./platform/config/load.js";
import { Documents } from "./platform/front/documents.js";
import { Pages } from "./platform/front/pages.js";
import type { Addresses } from "./platform/front/server.js";
import { METHODS, PUSH_MESSAGES } from "./methods.js";
import { loadHttpClient } from "./platform/outbound/client.js";
import { webhookReader } from "./features/outbox/table.js";
import type { WriterHandle } from "./platform/threads/early-writer.js";
import { openThreads, type ThreadUrls } from "./platform/threads/open.js";
import { chooseTransport } from "./platform/transport/choose.js";

export interface Server {
  readonly addresses: Addresses;
  /** Stops the server. Requests in flight may take up to SHUTDOWN_DRAIN_MS to finish. */
  stop(): Promise<void>;
}

/** The URLs of the files of the build that are not imported as modules. */
export interface ServerUrls extends ThreadUrls {
  /** The script of the thread that exports spans and metrics. */
  readonly telemetry: URL;
  /** The URL of the folder with the dashboard's pages. It ends with "/". */
  readonly pages: URL;
  /** The URL of the folder with the rendered documents. It ends with "/". */
  readonly documents: URL;
}

/**
 * The delay in ms before the server loads modules that only some requests need. Requests that have waited for the start
 * are answered first.
 */
const PRELOAD_DELAY_MS = 100;

/**
 * Starts a server.
 * @param earlyWriter the writer thread, if it was started before this module was loaded
 * @param file the settings file from which options were read, for the log
 * @throws TransportError, DataDirError, PortError with one line for the operator
 */
export async function startServer(
  config: Config,
  urls: ServerUrls,
  earlyWriter?: WriterHandle,
  file: SettingsSource | null = null,
): Promise<Server> {
  checkLimits();
  const startedAt = performance.now();
  const dataDir = resolve(config.data_dir);

  // Open the log first, because every later step may write to it.
  const log = await openLog(config.log_level, config.log_format);

  // Choose the transport now, while a failed start has nothing to close. The start fails if the system lacks the
  // required transport.
  const chosen = await chooseTransport(config.transport);

  // Open the threads and the database before the components, which read the database while they are created.
  const threads = openThreads({
    config,
    data_dir: dataDir,
    urls,
    log,
    methods: METHODS,
    pushMessages: PUSH_MESSAGES,
    earlyWriter,
  });

  // Set the server's time now, because the components start their intervals and deadlines from it.
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
    telemetryScript: urls.telemetry,
    dataDir,
  });
  const { ports, pipeline, routes, tasks, cluster } = components;
  const unread = new SparseReport(SHORTAGE_REPORT_MS, (requests, error) =>
    log.error("the dashboard's pages cannot be read", { error: reasonOf(error), requests }),
  );
  const pages = new Pages(urls.pages, (error) => unread.report(error));
  const documents = new Documents(urls.documents, (error) => unread.report(error));
  try {
    // If the process may open only few files, load all modules now. A module that once fails to load for lack of a file
    // descriptor can never be loaded later.
    if (components.hasFewDescriptors) {
      pages.load();
      documents.load();
      await Promise.all([components.loadAll(), chosen.transport.loadAll?.()]);
    }
    // Wait until a node of a cluster accepts writes, so that its first clients are not rejected.
    await cluster?.ready();
    // The server accepts requests from here on.
    await ports.listen(config, routes, pipeline, { pages, documents });
  } catch (error) {
    // Close the ports, because some may already listen. Then close the threads, which have the database open.
    ports.close();
    await threads.close();
    throw error;
  }

  // Start background work only after the ports listen. A server whose port is in use then ends without any background
  // work.
  tasks.start();
  announce({ log, config, file, addresses: ports.addresses, dataDir, chosen });
  const preloading = setTimeout(() => preload(threads), PRELOAD_DELAY_MS);
  return {
    addresses: ports.addresses,
    stop: async () => {
      clearTimeout(preloading);
      await stopServer(components, threads, log);
    },
  };
}

/**
 * Stops the server. It first stops accepting new work, then waits for the work in progress, and then closes the threads
 * and the log.
 */
async function stopServer(components: Components, threads: ServerThreads, log: Log): Promise<void> {
  const { ports, pipeline, tasks } = components;
  log.info("koor stops");

  // Accept no new connection, no new request on an open connection, and no new background work.
  ports.stop();
  pipeline.drain();
  tasks.drain();

  // End WebSockets, streams and long polls now, because they would not end by themselves.
  ports.endSockets();
  await components.endWaiting();

  // Give the other requests and background work up to SHUTDOWN_DRAIN_MS to finish.
  await idle(() => pipeline.inFlight + tasks.inFlight, SHUTDOWN_DRAIN_MS);

  // Close the connections of clients whose requests did not finish.
  ports.close();

  // Let the background tasks store the state that is only in memory. They need the writer, so close the threads
  // afterwards.
  await tasks.close();
  await threads.close();

  // Close the log last, because every step may write to it.
  log.info("koor stopped");
  await log.close();
}

/** Sets the server's clock to the newest known time. Returns that time, in ms since the Unix epoch. */
function setClock(clock: FrontClock, config: Config, threads: ServerThreads): number {
  // A node continues from its stored time, because its machine's clock may be wrong since the node stopped.
  const stored = config.cluster === "" ? null : threads.reads.model(clusterReader).state();
  if (stored !== null) clock.follow(stored.membership.nowMs, 1);
  return threads.time.advance(clock);
}

/** Starts the threads of the worker pool, and loads the modules that the first requests are likely to need. */
function preload(threads: ServerThreads): void {
  threads.pool.startThreads();
  const needed = [loadShapes()];
  if (threads.reads.model(webhookReader).count > 0) needed.push(loadHttpClient());
  // Ignore a failure. The first user of the module will load it again.
  void Promise.allSettled(needed);
}

/**
 * Waits until `inFlight` returns 0, for at most `mostMs`. Waits at least one event-loop tick, so that requests that
 * have already arrived are counted.
 */
async function idle(inFlight: () => number, mostMs: number): Promise<void> {
  const until = performance.now() + mostMs;
  do {
    await new Promise((resolveTick) => {
      setTimeout(resolveTick, 10);
    });
  } while (inFlight() > 0 && performance.now() < until);
}
