/**
 * Starts a PostgreSQL server with its default settings, which write to disk before a commit is answered. The server is
 * that of the tests (test/support/postgres-server.ts). Runs in the bench process.
 */
import { must } from "../../src/base/assert.js";
import { startPostgres } from "../../test/support/postgres-server.js";
import type { Bench } from "../bench.js";
import type { LogServers } from "./log.js";

/** PostgreSQL's default; the tests' value is for many servers side by side. */
const SETTINGS = { shared_buffers: "128MB" };

export async function startPostgresLog(bench: Bench): Promise<LogServers> {
  const { url, pid } = await startPostgres(bench, SETTINGS);
  return { name: "PostgreSQL", url, pids: [must(pid, "a server that has started has an id")] };
}
