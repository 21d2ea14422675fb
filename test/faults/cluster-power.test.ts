/**
 * Tests a power cut: all nodes and all servers of the log are killed at once, in the middle of writes, and started
 * again.
 */
import t from "tap";
import { natsMissing } from "../support/nats-server.js";
import { postgresMissing } from "../support/postgres-server.js";
import { TestCluster } from "../support/cluster.js";
import { ClusterWork } from "../support/cluster-work.js";
import { countRounds } from "../support/test-size.js";

const ROUNDS = countRounds(1, 5);

for (const { log, skip } of [
  { log: "three-nats", skip: natsMissing() },
  { log: "postgres", skip: postgresMissing() },
] as const)
  t.test(`a power cut before ${log}`, { skip }, async (t) => {
    const cluster = await TestCluster.start(t, { log });
    const { nodes, nats, postgres } = cluster;
    const work = new ClusterWork(nodes);
    work.start(t);
    for (let round = 0; round < ROUNDS; round++) {
      for (const node of nodes) await work.untilWritten(node);
      await Promise.all([
        ...nodes.map((node) => node.stop("SIGKILL")),
        ...nats.map((server) => server.stop("SIGKILL")),
        ...(postgres === null ? [] : [postgres.kill()]),
      ]);
      const began = performance.now();
      // The nodes start first: they wait for the log.
      await Promise.all(nodes.map((node) => node.start()));
      await Promise.all([...nats.map((server) => server.start()), ...(postgres === null ? [] : [postgres.start()])]);
      await cluster.untilAllAre("ok");
      await Promise.all(nodes.map((node) => work.untilWritten(node)));
      t.comment(`all write ${Math.round(performance.now() - began)} ms after the power was back`);
    }
    await work.finish(t, cluster);
  });
