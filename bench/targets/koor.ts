/**
 * Starts the built server as users do, with its own data directory, and reads its metrics. The server is a child
 * process with the default settings, so the measurements include logging at `info`. Runs in the bench process.
 */
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { APP, type Bench, findFreePort } from "../bench.js";
import { fetchOnce, type Server, waitUntilReady } from "./server.js";
import { SQLITE_VARIABLE } from "../../src/platform/store/sqlite/choice.js";

export interface Koor extends Server {
  readonly data_dir: string;
  /** The port of the dashboard; 0 if the dashboard is off. */
  readonly dashboardPort: number;
  /** The time from the start of the process to the first answer of `/health`. */
  readonly startedMs: number;
}

export interface KoorOptions {
  /** A directory with data. Absent: the server gets a new directory. */
  readonly data_dir?: string;
  /** Whether the server also serves the dashboard. */
  readonly dashboard?: true;
  /** More flags. */
  readonly args?: readonly string[];
}

/**
 * Returns the environment without Koor's own variables, because a run must not depend on the shell that starts it. Only
 * the variable that selects the SQLite implementation stays.
 */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const stays = (name: string): boolean => name === SQLITE_VARIABLE || !name.startsWith("KOOR_");
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => stays(name)));
}

export async function startKoor(bench: Bench, options: KoorOptions = {}): Promise<Koor> {
  const dataDir = options.data_dir ?? bench.makeDirectory("koor");
  const port = await findFreePort();
  const dashboardPort = options.dashboard === true ? await findFreePort() : 0;
  const log = openSync(join(dataDir, "bench-server.log"), "a");
  const args = [
    join(APP, "src/main.js"),
    "--bind",
    `127.0.0.1:${port}`,
    "--dashboard-bind",
    dashboardPort === 0 ? "" : `127.0.0.1:${dashboardPort}`,
    "--transport",
    bench.transport,
    "--data-dir",
    dataDir,
    ...(options.args ?? []),
  ];
  const beganMs = performance.now();
  const child = bench.start(process.execPath, args, {
    cwd: dataDir,
    env: cleanEnvironment(),
    stdio: ["ignore", "ignore", log],
  });
  closeSync(log);
  await waitUntilReady(child, "Koor", async () => (await fetchOnce(port, "/health"))?.status === 200);
  const startedMs = performance.now() - beganMs;
  if (child.pid === undefined) throw new Error("a process that answers has an id");
  return { name: "Koor", port, pid: child.pid, child, data_dir: dataDir, dashboardPort, startedMs };
}

/** Sums the samples of each metric in a Prometheus text. Labels are ignored. */
export function parsePrometheus(text: string): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const line of text.split("\n")) {
    const found = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{.*\})? (\S+)/.exec(line);
    const name = found?.[1];
    const value = Number(found?.[2]);
    if (name !== undefined && Number.isFinite(value)) sums.set(name, (sums.get(name) ?? 0) + value);
  }
  return sums;
}

/** Reads the current metrics of the server. */
export async function readMetrics(koor: Koor): Promise<ReadonlyMap<string, number>> {
  const answer = await fetchOnce(koor.port, "/metrics");
  if (answer?.status !== 200) throw new Error("Koor did not answer GET /metrics");
  return parsePrometheus(answer.body);
}
