/**
 * Tests a node that is partitioned from the log, by a reset or by silence, and a slow log. The node serves reads,
 * refuses writes, reports its state, and recovers after the partition. The other nodes continue.
 */
import t from "tap";
import { must } from "../../src/base/assert.js";
import { TestCluster } from "../support/cluster.js";
import { ClusterWork } from "../support/cluster-work.js";
import { countRounds } from "../support/test-size.js";
import { send } from "../support/http-client.js";
import { natsMissing } from "../support/nats-server.js";

const skip = natsMissing();
const RECOVERY_MS_MAX = 15_000;
const SLOW_MS = 100;
/** First the leader is partitioned, then another node. */
const CUT = [
  { at: 0, how: "cut" },
  { at: 1, how: "stall" },
] as const;

t.test("a node is cut off from the log", { skip }, async (t) => {
  const cluster = await TestCluster.start(t, { log: "nats" });
  t.equal((await send(must(cluster.nodes[0], "a").koor.port, "PUT", "/api/state/before", { body: "1" })).status, 200);
  const work = new ClusterWork(cluster.nodes);
  work.start(t);
  for (let round = 0; round < countRounds(1, 3); round++)
    for (const { at, how } of CUT) {
      const node = must(cluster.nodes[at], "a node");
      await work.untilWritten(node);
      node[how]();
      const began = performance.now();
      for (const other of cluster.nodes) {
        if (other === node) continue;
        const took = await work.untilWritten(other);
        t.ok(took < RECOVERY_MS_MAX, `${other.name} writes ${took} ms after ${node.name} was cut off (${how})`);
      }
      t.equal(await work.untilRefused(node), 503, "it refuses writes");
      t.equal((await send(node.koor.port, "GET", "/api/state/before")).text, "1", "and reads");
      await node.untilState("cut_off");
      t.ok(performance.now() - began > 9_000, "it takes some time before it says so");
      t.equal((await node.health()).status, 503);
      t.equal((await send(node.koor.port, "GET", "/api/state/before")).text, "1", "it still reads");
      node.resume();
      await node.untilState("ok");
      t.comment(`${node.name} writes ${await work.untilWritten(node)} ms after it was back`);
    }
  await work.finish(t, cluster);
});

t.test("the log is slow for a node, and then for all", { skip }, async (t) => {
  const cluster = await TestCluster.start(t, { log: "nats" });
  const work = new ClusterWork(cluster.nodes);
  work.start(t);
  for (const slow of [cluster.nodes.slice(0, 1), cluster.nodes]) {
    for (const { ways } of slow) for (const way of ways) way.slow(SLOW_MS);
    for (const node of cluster.nodes) {
      await work.untilWritten(node);
      t.comment(`${node.name} writes in ${await work.untilWritten(node)} ms where ${slow.length} are slow`);
    }
    for (const node of slow) node.resume();
  }
  for (const node of cluster.nodes) await work.untilWritten(node);
  await work.finish(t, cluster);
});
