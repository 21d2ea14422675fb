/**
 * Starts a PostgreSQL server with its default settings, with which it writes to disk before it answers a commit. The
 * tests' helper starts the server (test/support/postgres-server.ts). Runs in the bench process.
 */
import { must } from "../../src/base/assert.js";
import { startPostgres } from "../../test/support/postgres-server.js";
import type { Bench } from "../bench.js";
import type { LogServers } from "./log.js";

/** PostgreSQL's default. The tests use a smaller value, because they run many servers at the same time. */
const SETTINGS = { shared_buffers: "128MB" };

export async function startPostgresLog(bench: Bench): Promise<LogServers> {
  const { url, pid } = await startPostgres(bench, SETTINGS);
  return { name: "PostgreSQL", url, pids: [must(pid, "a server that has started has an id")] };
}
