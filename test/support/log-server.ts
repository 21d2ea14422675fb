/**
 * The log for a run of tests in which every server is a node, each the only one of a cluster of its own. All of a
 * test's process shares one server of the log, which starts when the first test needs it and ends with the process.
 * Loaded by server-process.ts only if KOOR_TEST_CLUSTER is set.
 */
import { randomUUID } from "node:crypto";
import { natsMissing, startNats } from "./nats-server.js";
import { postgresMissing, startPostgres } from "./postgres-server.js";
import type { Owner } from "./owner.js";

/** The logs that a run can use. */
export const LOGS = ["nats", "postgres"] as const;
export type LogName = (typeof LOGS)[number];

/** For tap's `skip`: why this log cannot run on this machine, or false. */
export function logMissing(log: LogName): string | false {
  return log === "nats" ? natsMissing() : postgresMissing();
}

/** Called when the process ends, the last one first. Nothing can be awaited then. */
const endings: (() => Promise<void> | void)[] = [];
const wholeProcess: Owner = {
  teardown: (done) => void endings.unshift(done),
};
process.once("exit", () => {
  for (const end of endings) void end();
});

const serving = new Map<string, Promise<string>>();
/** Clusters by the directory of their first node: a restarted server is the same node of the same cluster. */
const names = new Map<string, string>();

/**
 * The flags that make a server a node of the cluster that the server with this data directory has started.
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

/** The address of this log's server, which is started at the first call. */
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
