/**
 * Nodes of a cluster that die, stop where they are, and have clocks of their own, before one log that is well. What was
 * acknowledged is never lost, and the others go on.
 */
import t from "tap";
import { natsMissing } from "../support/nats-server.js";
import { TestCluster } from "../support/cluster.js";
import { ClusterWork } from "../support/cluster-work.js";
import { countRounds } from "../support/effort.js";

/** One death is behind a node after so long, however busy the machine is. */
const RECOVERY_MS_MAX = 15_000;

t.test("each node is killed in turn", { skip: natsMissing() }, async (t) => {
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
