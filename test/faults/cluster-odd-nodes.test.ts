/** Tests two nodes of one name, and a node whose clock is two days ahead. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { must } from "../../src/base/assert.js";
import { TestCluster, until } from "../support/cluster.js";
import { ClusterWork } from "../support/cluster-work.js";
import { send, sendJson } from "../support/http-client.js";
import { Agent, type Lease } from "../support/leasing.js";
import { natsMissing } from "../support/nats-server.js";
import { makeDirectory } from "../support/server-process.js";

const skip = natsMissing();
const AHEAD_MS = 2 * 86_400_000;

async function timeAt(port: number): Promise<number> {
  const answer = await sendJson(port, "POST", "/api/events/publish", { topic: "time" });
  return new Date(answer.json<{ readonly created_at: string }>().created_at).getTime();
}

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

t.test("a node whose clock was days ahead at its start casts nobody out, and moves no time", { skip }, async (t) => {
  const cluster = await TestCluster.start(t, { log: "nats", nodes: 2 });
  const [one] = cluster.nodes;
  const agent = await Agent.register(must(one, "a").koor.port, "agent");
  const early = await cluster.addNode();
  const preload = join(makeDirectory(t), "clock.mjs");
  writeFileSync(preload, `const now = Date.now; Date.now = () => now() + ${AHEAD_MS};`);
  await early.start({ env: { NODE_OPTIONS: `--import=${pathToFileURL(preload).href}` } });
  await early.untilState("ok");
  const work = new ClusterWork(cluster.nodes);
  work.start(t);
  for (const node of cluster.nodes) await work.untilWritten(node);
  for (const { koor, name } of cluster.nodes)
    t.ok(Math.abs((await timeAt(koor.port)) - Date.now()) < 10_000, `what is written at ${name} has the right time`);
  const { warnings } = (await send(early.koor.port, "GET", "/api/cluster")).json<{ readonly warnings: string[] }>();
  t.match(warnings.join("\n"), /the clock of node a is about 2 days behind that of c: set both right \(NTP\)/);
  const listed = (await send(early.koor.port, "GET", "/api/cluster")).json<{ readonly nodes: { state: string }[] }>();
  t.strictSame(
    listed.nodes.map(({ state }) => state),
    ["ok", "ok", "ok"],
    "nobody looks silent to it",
  );
  // Starts it again on the data that it has stored by now.
  t.equal(await early.stop(), 0);
  await early.start({ env: { NODE_OPTIONS: `--import=${pathToFileURL(preload).href}` } });
  await early.untilState("ok");
  for (const node of cluster.nodes) await work.untilWritten(node);
  t.equal(await early.stop(), 0);
  const { port } = must(one, "a").koor;
  const now = await timeAt(port);
  t.ok(Math.abs(now - Date.now()) < 10_000);
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
  t.ok((await timeAt(port)) >= now + 1_000, "and it does not stand still");
  for (const node of cluster.running) await work.untilWritten(node);
  await work.finish(t, cluster);
});
