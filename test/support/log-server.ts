/**
 * The log for a run of tests in which every server is a node. Each node is the only one of its cluster. All tests of a
 * process share one server of the log. It starts when the first test needs it, and ends with the process.
 * server-process.ts loads this file only if KOOR_TEST_CLUSTER is set.
 */
import { randomUUID } from "node:crypto";
import { natsMissing, startNats } from "./nats-server.js";
import { postgresMissing, startPostgres } from "./postgres-server.js";
import type { Owner } from "./owner.js";

/** The logs that a run can use. */
export const LOGS = ["nats", "postgres"] as const;
export type LogName = (typeof LOGS)[number];

/** For tap's `skip`: the reason why this log cannot run on this machine, or false. */
export function logMissing(log: LogName): string | false {
  return log === "nats" ? natsMissing() : postgresMissing();
}

/** The functions that are called when the process ends, in reverse order. They cannot be awaited then. */
const endings: (() => Promise<void> | void)[] = [];
const wholeProcess: Owner = {
  teardown: (done) => void endings.unshift(done),
};
process.once("exit", () => {
  for (const end of endings) void end();
});

const serving = new Map<string, Promise<string>>();
/**
 * The names of clusters, by the data directory of their first node. A restarted server is the same node of the same
 * cluster.
 */
const names = new Map<string, string>();

/**
 * Returns the flags that make a server a node. It belongs to the cluster that the server with this data directory has
 * started.
 * @param seeds whether this server starts the cluster
 */
export async function clusterFlagsOf(log: string, dataDir: string, node: string, seeds: boolean): Promise<string[]> {
  const url = await logUrl(log);
  let name = names.get(dataDir);
  if (name === undefined) {
    name = randomUUID();
    names.set(dataDir, name);
  }
  return ["--cluster", url, "--cluster-name", name, "--node-id", node, ...(seeds ? ["--cluster-seed"] : [])];
}

/** Returns the URL of this log's server. The first call starts the server. */
export function logUrl(log: string): Promise<string> {
  let url = serving.get(log);
  if (url === undefined) {
    url = startLog(log);
    serving.set(log, url);
  }
  return url;
}

async function startLog(log: string): Promise<string> {
  switch (log) {
    case "nats": {
      const server = await startNats(wholeProcess);
      server.unref();
      return server.url;
    }
    case "postgres": {
      const server = await startPostgres(wholeProcess);
      server.unref();
      return server.url;
    }
    default:
      throw new Error(`KOOR_TEST_CLUSTER is one of ${LOGS.join(", ")}`);
  }
}
