/**
 * Starts a Redis server that is as durable as Koor: each write is in an append-only file, which is fsynced before the
 * answer. Redis runs alone or with replicas. Runs in the bench process.
 */
import { connect } from "node:net";
import { type Bench, findFreePort } from "../bench.js";
import { encodeRedis } from "../load/requests.js";
import { acceptsConnections, type Server, waitUntilReady } from "./server.js";

const REPLICAS = 2;

/**
 * Starts one server.
 * @param replicaOf the port of the server that this one replicates
 */
export async function startRedis(bench: Bench, program: string, replicaOf?: number): Promise<Server> {
  const port = await findFreePort();
  const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", bench.makeDirectory("redis"), "--daemonize", "no"];
  args.push("--appendonly", "yes", "--appendfsync", "always", "--save", "");
  // Redis must not rewrite its log in the middle of a slice, because this would make it look slower than it is.
  args.push("--auto-aof-rewrite-percentage", "0");
  if (replicaOf !== undefined) args.push("--replicaof", "127.0.0.1", `${replicaOf}`);
  const child = bench.start(program, args, { stdio: "ignore" });
  await waitUntilReady(child, "Redis", () => acceptsConnections(port));
  if (child.pid === undefined) throw new Error("a process that answers has an id");
  return { name: "Redis", port, pid: child.pid, child };
}

/** Starts one server, and two replicas of it. */
export async function startReplicatedRedis(bench: Bench, program: string): Promise<readonly Server[]> {
  const first = await startRedis(bench, program);
  const replicas: Server[] = [];
  for (let count = 0; count < REPLICAS; count++) replicas.push(await startRedis(bench, program, first.port));
  await waitUntilReady(first.child, "Redis with replicas", () => countsReplicas(first.port, REPLICAS));
  return [first, ...replicas];
}

/** Makes a SET that is answered after one replica also has the value, as RESP text. */
export function waitedSet(key: string, value: string): string {
  return encodeRedis(["SET", key, value]) + encodeRedis(["WAIT", "1", "1000"]);
}

/** Resolves to whether this number of replicas is connected. */
function countsReplicas(port: number, wanted: number): Promise<boolean> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(encodeRedis(["INFO", "replication"])));
    socket.on("error", () => resolve(false));
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      text += chunk;
      if (!text.includes("master_repl_offset")) return;
      socket.destroy();
      resolve((text.match(/state=online/g) ?? []).length >= wanted);
    });
  });
}
