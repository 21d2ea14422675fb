/**
 * Starts three members of etcd. Each member keeps a copy of a write and has it on disk before etcd answers. Also makes
 * the request that puts a value through etcd's HTTP gateway. Runs in the bench process.
 */
import { join } from "node:path";
import { type Bench, findFreePort } from "../bench.js";
import type { HttpRequest } from "../load/requests.js";
import { fetchOnce, type Server, waitUntilReady } from "./server.js";

const MEMBERS = ["one", "two", "three"] as const;

/** Starts the three members. Requests go to the first one. */
export async function startEtcd(bench: Bench, program: string): Promise<readonly Server[]> {
  const members = await Promise.all(
    MEMBERS.map(async (name) => ({ name, port: await findFreePort(), peerPort: await findFreePort() })),
  );
  const peer = (port: number): string => `http://127.0.0.1:${port}`;
  const all = members.map(({ name, peerPort }) => `${name}=${peer(peerPort)}`).join(",");
  const directory = bench.makeDirectory("etcd");
  const started = members.map(({ name, port, peerPort }) => {
    const args = ["--name", name, "--data-dir", join(directory, name), "--initial-cluster", all];
    args.push("--listen-client-urls", peer(port), "--advertise-client-urls", peer(port));
    args.push("--listen-peer-urls", peer(peerPort), "--initial-advertise-peer-urls", peer(peerPort));
    const child = bench.start(program, args, { stdio: "ignore" });
    return { name: "etcd", port, child, pid: child.pid ?? 0 };
  });
  for (const { child, port } of started)
    await waitUntilReady(child, "etcd", async () => (await fetchOnce(port, "/health"))?.status === 200);
  return started;
}

/** Makes the etcd request that writes the same value as a PUT to Koor. */
export function etcdPut(key: string, value: string): HttpRequest {
  const encode = (text: string): string => Buffer.from(text).toString("base64");
  const body = JSON.stringify({ key: encode(key), value: encode(value) });
  return { method: "POST", path: "/v3/kv/put", headers: { "Content-Type": "application/json" }, body };
}
