/**
 * A cluster before three NATS servers, each of which is killed, stopped where it is, or parted from the others: the
 * log's leader first. What was acknowledged is there, and writes go on when the servers that are left have a leader.
 */
import t from "tap";
import { must } from "../../src/base/assert.js";
import { TestCluster } from "../support/cluster.js";
import { ClusterWork } from "../support/cluster-work.js";
import { countRounds } from "../support/effort.js";
import { natsMissing } from "../support/nats-server.js";

/** An election takes the servers some 10 s, two in turn 20, and a node up to 5 s to find that its own does not answer. */
const RECOVERY_MS_MAX = 40_000;
const SERVERS = countRounds(1, 3);

interface Fault {
  readonly name: string;
  begin(cluster: TestCluster, at: number): Promise<void> | void;
  end(cluster: TestCluster, at: number): Promise<void> | void;
}

const FAULTS: readonly Fault[] = [
  {
    name: "killed",
    begin: ({ nats }, at) => must(nats[at], "a server").stop("SIGKILL"),
    end: ({ nats }, at) => must(nats[at], "a server").start(),
  },
  {
    name: "held",
    begin: ({ nats }, at) => must(nats[at], "a server").hold(),
    end: ({ nats }, at) => must(nats[at], "a server").release(),
  },
  {
    name: "cut off from the others",
    begin: (cluster, at) => cluster.routesOf(at).forEach((route) => route.cut()),
    end: (cluster, at) => cluster.routesOf(at).forEach((route) => route.resume()),
  },
  {
    name: "out of the others' hearing",
    begin: (cluster, at) => cluster.routesOf(at).forEach((route) => route.stall()),
    end: (cluster, at) => cluster.routesOf(at).forEach((route) => route.resume()),
  },
];

t.test("the log's servers, each in turn", { skip: natsMissing() }, async (t) => {
  const cluster = await TestCluster.start(t, { log: "three-nats" });
  const work = new ClusterWork(cluster.nodes);
  work.start(t);
  for (const fault of FAULTS) {
    const leader = await cluster.streamLeader();
    for (let turn = 0; turn < SERVERS; turn++) {
      const at = (leader + turn) % cluster.nats.length;
      for (const node of cluster.nodes) await work.untilWritten(node);
      await fault.begin(cluster, at);
      const took = await Promise.all(cluster.nodes.map((node) => work.untilWritten(node)));
      t.ok(
        Math.max(...took) < RECOVERY_MS_MAX,
        `server ${at} is ${fault.name}: nodes write after ${took.join(", ")} ms`,
      );
      await fault.end(cluster, at);
    }
  }
  await cluster.untilAllAre("ok");
  await work.finish(t, cluster);
});
