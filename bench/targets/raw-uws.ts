/**
 * Starts the raw uWebSockets.js server (raw-uws-server.ts). Its speed is the upper limit of every server that uses this
 * library. Runs in the bench process.
 */
import { join } from "node:path";
import { type Bench, findFreePort, TREE } from "../bench.js";
import { fetchOnce, type Server, waitUntilReady } from "./server.js";

export async function startRawUws(bench: Bench): Promise<Server> {
  const port = await findFreePort();
  const program = join(TREE, "bench/targets/raw-uws-server.js");
  const child = bench.start(process.execPath, [program, `${port}`], { stdio: ["ignore", "ignore", "inherit"] });
  await waitUntilReady(child, "raw uWS", async () => (await fetchOnce(port, "/health"))?.status === 200);
  if (child.pid === undefined) throw new Error("a process that answers has an id");
  return { name: "raw uWS", port, pid: child.pid, child };
}
