/** Tests a cluster with PostgreSQL, which is killed and frozen, and whose nodes are killed and partitioned. */
import t from "tap";
import { must } from "../../src/base/assert.js";
import { TestCluster } from "../support/cluster.js";
import { ClusterWork } from "../support/cluster-work.js";
import { countRounds } from "../support/test-size.js";
import { postgresMissing } from "../support/postgres-server.js";

const RECOVERY_MS_MAX = 15_000;

t.test("PostgreSQL as the log", { skip: postgresMissing() }, async (t) => {
  const cluster = await TestCluster.start(t, { log: "postgres" });
  const postgres = must(cluster.postgres, "the log");
  const work = new ClusterWork(cluster.nodes);
  work.start(t);
  const settle = async (what: string): Promise<void> => {
    const took = await Promise.all(cluster.running.map((node) => work.untilWritten(node)));
    t.ok(Math.max(...took) < RECOVERY_MS_MAX, `${what}: nodes write after ${took.join(", ")} ms`);
  };
  for (let round = 0; round < countRounds(1, 3); round++) {
    await settle("at the start");
    await postgres.kill();
    for (const node of cluster.nodes) t.equal(await work.untilRefused(node), 503, `${node.name} refuses`);
    await postgres.start();
    await settle("killed and started");

    postgres.freeze();
    for (const node of cluster.nodes) t.equal(await work.untilRefused(node), 503, `${node.name} refuses`);
    postgres.thaw();
    await settle("held and released");

    const node = must(cluster.nodes[round % cluster.nodes.length], "a node");
    node.stall();
    await node.untilState("cut_off");
    await work.untilRefused(node);
    node.resume();
    await node.untilState("ok");
    await settle(`${node.name} was cut off`);

    await node.stop("SIGKILL");
    await settle(`${node.name} was killed`);
    await node.start();
    await node.untilState("ok");
  }
  await work.finish(t, cluster);
});
