/**
 * Tests nodes that die or freeze while the log is healthy: no acknowledged write is lost, and the other nodes continue.
 */
import t from "tap";
import { LEADER_SILENCE_MS, NODE_HEARTBEAT_MS } from "../../schemas/limits/cluster.js";
import { must } from "../../src/base/assert.js";
import { pause, TestCluster, until } from "../support/cluster.js";
import { ClusterWork } from "../support/cluster-work.js";
import { countRounds, longFormOnly } from "../support/test-size.js";
import { natsMissing } from "../support/nats-server.js";

const skip = natsMissing();
/** The time in which the other nodes recover from a death, however busy the machine is. */
const RECOVERY_MS_MAX = 15_000;
/** How long a node is frozen: longer than another node needs to become the leader. */
const HELD_MS = 15_000;

t.test("each node is killed in turn", { skip }, async (t) => {
  const cluster = await TestCluster.start(t, { log: "nats" });
  const work = new ClusterWork(cluster.nodes);
  work.start(t);
  for (let round = 0; round < countRounds(1, 3); round++)
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
    // The leader first, so that another node has to take over.
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

t.test(
  "a node that was held does not take the lead from one that was not",
  { skip: skip || longFormOnly() },
  async (t) => {
    const cluster = await TestCluster.start(t, { log: "nats" });
    const [first, second] = cluster.nodes;
    const [leading, held] = [must(first, "a"), must(second, "b")];
    const { leader } = (await leading.health()).cluster;
    t.equal(leader, leading.name);
    held.hold();
    await pause(LEADER_SILENCE_MS + 2 * NODE_HEARTBEAT_MS);
    held.release();
    const { position } = (await leading.health()).cluster;
    // It sends a heartbeat once it has caught up. Before that it would have run for leader.
    await until("it goes on", async () => (await held.health()).cluster.position > position + 3);
    for (const node of cluster.nodes) t.equal((await node.health()).cluster.leader, leader, node.name);
  },
);
