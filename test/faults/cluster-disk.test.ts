/**
 * Tests a node with a full disk: it stops applying the log, serves what it has, and acknowledges no write. The other
 * nodes continue, and the node catches up when there is room again.
 */
import { spawnSync } from "node:child_process";
import t from "tap";
import { must } from "../../src/base/assert.js";
import { TestCluster, until, type TestNode } from "../support/cluster.js";
import { ClusterWork } from "../support/cluster-work.js";
import { send } from "../support/http-client.js";
import { natsMissing } from "../support/nats-server.js";

/** Less than its files have already, so that nothing can be appended. */
const FILE_BYTES_MAX = 4_096;
/** Together more than a node holds in memory (ENTRIES_PENDING_BYTES_MAX). */
const LARGE_VALUES = 8;

function prlimit(pid: number, ...args: readonly string[]): boolean {
  return spawnSync("prlimit", ["--pid", String(pid), ...args], { stdio: "ignore" }).status === 0;
}

function limitFiles({ koor }: TestNode, bytes: number | null): void {
  const { pid = 0 } = koor.process;
  if (!prlimit(pid, `--fsize=${bytes ?? "unlimited"}:unlimited`)) throw new Error("prlimit failed");
}

const skip = natsMissing() || (prlimit(process.pid, "--fsize") ? false : "files cannot be limited here");

t.test("a node's disk is full", { skip }, async (t) => {
  const cluster = await TestCluster.start(t, { log: "nats" });
  const [first, second] = cluster.nodes;
  t.equal((await send(must(first, "a").koor.port, "PUT", "/api/state/before", { body: "1" })).status, 200);
  const work = new ClusterWork(cluster.nodes);
  work.start(t);
  for (const node of [must(second, "b"), must(first, "a")]) {
    await work.untilWritten(node);
    limitFiles(node, FILE_BYTES_MAX);
    const stalled = await until(`${node.name} is not well`, async () => {
      const { cluster: health, status } = await node.health();
      return status === 503 && health.reason.includes("disk") && health;
    });
    t.match(stalled, { state: "catching_up", reason: /disk takes no more/ });
    t.equal((await send(node.koor.port, "GET", "/api/state/before")).text, "1", "it reads");
    for (const other of cluster.nodes)
      if (other !== node) t.comment(`${other.name} writes after ${await work.untilWritten(other)} ms`);
    const { position } = (await node.health()).cluster;
    t.equal(position, stalled.position, "it carries out nothing");
    limitFiles(node, null);
    await node.untilState("ok");
    t.comment(`${node.name} writes ${await work.untilWritten(node)} ms after there was room`);
  }
  await work.finish(t, cluster);

  // A history would keep everything that the others write.
  const [a, b] = [must(first, "a"), must(second, "b")];
  limitFiles(b, FILE_BYTES_MAX);
  const body = JSON.stringify("x".repeat(4 * 1024 * 1024));
  for (let at = 0; at < LARGE_VALUES; at++)
    t.equal((await send(a.koor.port, "PUT", `/api/state/large/${at}`, { body })).status, 200);
  const { reason } = await until("b reads no further", async () => {
    const { cluster: health } = await b.health();
    return health.reason.includes("pauses until there is room") && health;
  });
  t.match(reason, /disk takes no more writes.*; reading of the log pauses until there is room for its entries/);
  t.match((await send(b.koor.port, "GET", "/api/cluster")).json(), { state: "catching_up", reason });
  t.match(b.log(), /pauses until there is room/);
  limitFiles(b, null);
  await b.untilState("ok");
  const last = `/api/state/large/${LARGE_VALUES - 1}`;
  await until("it has all", async () => (await send(b.koor.port, "GET", last)).status === 200);
  t.equal((await send(b.koor.port, "PUT", "/api/state/after", { body: "1" })).status, 200);
});
