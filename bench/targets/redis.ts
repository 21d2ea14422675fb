/**
 * Starts a Redis of the run's own that is as durable as Koor: each write is in an append-only file that
 * is fsynced before the answer. Runs in the bench process.
 */
import { type Bench, findFreePort } from "../bench.js";
import { acceptsConnections, type Server, waitUntilReady } from "./server.js";

export async function startRedis(bench: Bench, program: string): Promise<Server> {
  const port = await findFreePort();
  const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", bench.makeDirectory("redis"), "--daemonize", "no"];
  args.push("--appendonly", "yes", "--appendfsync", "always", "--save", "");
  // A rewrite of the log in the middle of a slice would make Redis look slower than it is.
  args.push("--auto-aof-rewrite-percentage", "0");
  const child = bench.start(program, args, { stdio: "ignore" });
  await waitUntilReady(child, "Redis", () => acceptsConnections(port));
  if (child.pid === undefined) throw new Error("a process that answers has an id");
  return { name: "Redis", port, pid: child.pid, child };
}
