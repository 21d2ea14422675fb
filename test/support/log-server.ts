/**
 * The log over which a run of tests has its servers be nodes, each the only one of a cluster of its own: one server of
 * the log for all of a test's process, begun when the first needs it and gone with the process. Loaded by
 * server-process.ts where KOOR_TEST_CLUSTER says so, and nowhere else.
 */
import { randomUUID } from "node:crypto";
import { natsMissing, startNats } from "./nats-server.js";
import { postgresMissing, startPostgres } from "./postgres-server.js";
import type { Owner } from "./owner.js";

/** The logs that a run may be about. */
export const LOGS = ["nats", "postgres"] as const;
export type LogName = (typeof LOGS)[number];

/** Why there can be no run over a log on this machine, or false. */
export function logMissing(log: LogName): string | false {
  return log === "nats" ? natsMissing() : postgresMissing();
}

/** Ends with the process, the last that was begun first: nothing can be waited for then. */
const endings: (() => Promise<void> | void)[] = [];
const whole_process: Owner = {
  teardown: (done) => void endings.unshift(done),
};
process.once("exit", () => {
  for (const end of endings) void end();
});

const serving = new Map<string, Promise<string>>();
/** Clusters by the directory of the first node: one that is started again is the same node of the same cluster. */
const names = new Map<string, string>();

/**
 * The flags by which a server is a node of the cluster that the one with this data directory has begun.
 * @param seeds whether it is that one
 */
export async function clusterFlagsOf(log: string, data_dir: string, node: string, seeds: boolean): Promise<string[]> {
  const url = await logUrl(log);
  let name = names.get(data_dir);
  if (name === undefined) {
    name = randomUUID();
    names.set(data_dir, name);
  }
  return ["--cluster", url, "--cluster-name", name, "--node-id", node, ...(seeds ? ["--cluster-seed"] : [])];
}

/** The server of this log, begun where it was not. */
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
      const server = await startNats(whole_process);
      server.unref();
      return server.url;
    }
    case "postgres": {
      const server = await startPostgres(whole_process);
      server.unref();
      return server.url;
    }
    default:
      throw new Error(`KOOR_TEST_CLUSTER is one of ${LOGS.join(", ")}`);
  }
}
