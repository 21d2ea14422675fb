/**
 * Nodes of a cluster that die, stop where they are, have a name twice, and clocks of their own, before one log that is
 * well. What was acknowledged is never lost, and the others go on.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { must } from "../../src/base/assert.js";
import { pause, TestCluster, until } from "../support/cluster.js";
import { ClusterWork } from "../support/cluster-work.js";
import { countRounds } from "../support/effort.js";
import { send, sendJson } from "../support/http-client.js";
import { Agent, type Lease } from "../support/leasing.js";
import { natsMissing } from "../support/nats-server.js";
import { makeDirectory } from "../support/server-process.js";

const skip = natsMissing();
/** One death is behind the others after so long, however busy the machine is. */
const RECOVERY_MS_MAX = 15_000;
/** How long a node is held: longer than another needs to take the lead. */
const HELD_MS = 15_000;
const HOUR_MS = 3_600_000;

t.test("each node is killed in turn", { skip }, async (t) => {
  const cluster = await TestCluster.start(t, { log: "nats" });
  const work = new ClusterWork(cluster.nodes);
  work.start(t);
  for (let round = 0; round < countRounds(1, 5); round++)
    for (const node of cluster.nodes) {
      await work.untilWritten(node);
      await node.stop("SIGKILL");
      for (const other of cluster.running) {
        const took = await work.untilWritten(other);
        t.ok(took < RECOVERY_MS_MAX, `${other.name} writes ${took} ms after ${node.name} was killed`);
      }
      await node.start();
      await node.untilState("ok");
      t.comment(`${node.name} writes ${await work.untilWritten(node)} ms after it was started again`);
    }
  await work.finish(t, cluster);
});

t.test("a node stands still and goes on", { skip }, async (t) => {
  const cluster = await TestCluster.start(t, { log: "nats" });
  const work = new ClusterWork(cluster.nodes);
  work.start(t);
  const [first, ...rest] = cluster.nodes;
  for (const node of [must(first, "a"), ...rest].slice(0, countRounds(1, 3))) {
    // The first that leads, so that another has to.
    const others = cluster.nodes.filter((other) => other !== node);
    node.hold();
    const held = pause(HELD_MS);
    for (const other of others) {
      const took = await work.untilWritten(other);
      t.ok(took < RECOVERY_MS_MAX, `${other.name} writes ${took} ms after ${node.name} was held`);
    }
    const witness = must(others[0], "another");
    await until("another leads", async () => (await witness.health()).cluster.leader !== node.name);
    await held;
    node.release();
    await node.untilState("ok");
    t.comment(`${node.name} writes ${await work.untilWritten(node)} ms after it went on`);
  }
  await work.finish(t, cluster);
});

t.test("two nodes of one name", { skip }, async (t) => {
  const cluster = await TestCluster.start(t, { log: "nats", nodes: 2 });
  const [one, other] = cluster.nodes;
  const work = new ClusterWork(cluster.nodes);
  work.start(t);
  const twin = await cluster.addNode("b");
  cluster.nodes.pop();
  await twin.start();
  const { reason } = await twin.untilState("halted");
  t.match(reason, /another node is called b: give each its own --node-id/);
  t.equal((await send(twin.koor.port, "PUT", "/api/state/twin", { body: "1" })).status, 503);
  t.match(await send(twin.koor.port, "GET", "/health"), { status: 503 });
  for (const node of [one, other]) t.equal((await must(node, "a node").health()).cluster.state, "ok");
  await twin.stop();
  await work.finish(t, cluster);
});

t.test("a node whose clock is ahead, and goes", { skip }, async (t) => {
  const cluster = await TestCluster.start(t, { log: "nats", nodes: 2 });
  const [one] = cluster.nodes;
  const agent = await Agent.register(must(one, "a").koor.port, "agent");
  const early = await cluster.addNode();
  const preload = join(makeDirectory(t), "clock.mjs");
  writeFileSync(preload, `const now = Date.now; Date.now = () => now() + ${HOUR_MS};`);
  await early.start({ env: { NODE_OPTIONS: `--import=${pathToFileURL(preload).href}` } });
  await early.untilState("ok");
  const work = new ClusterWork(cluster.nodes);
  work.start(t);
  for (const node of cluster.nodes) await work.untilWritten(node);
  t.equal(await early.stop(), 0);
  const { port } = must(one, "a").koor;
  const now = new Date(
    (await sendJson(port, "POST", "/api/events/publish", { topic: "now" })).json<{ created_at: string }>().created_at,
  ).getTime();
  t.ok(now > Date.now() + HOUR_MS / 2, "the log's time does not go back");
  // Time goes on there: what ends after a while does.
  const lease = (await agent.tryLease(["deploy"], { ttl_s: 1, max_s: 2 })).json<Lease>();
  t.equal(lease.state, "held");
  await until(
    "the lease has ended",
    async () => {
      const asked = await send(port, "GET", `/api/leases/${lease.id}`, { headers: agent.headers });
      return asked.json<Lease>().state !== "held";
    },
    30_000,
  );
  for (const node of cluster.running) await work.untilWritten(node);
  await work.finish(t, cluster);
});
