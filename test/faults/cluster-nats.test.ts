/**
 * Tests a cluster with three NATS servers, each of which is killed, frozen, or partitioned from the others, the log's
 * leader first. Acknowledged writes are there, and writes continue when the remaining servers have a leader.
 */
import t, { type Test } from "tap";
import { must } from "../../src/base/assert.js";
import { pause, TestCluster } from "../support/cluster.js";
import { ClusterWork } from "../support/cluster-work.js";
import { countRounds } from "../support/test-size.js";
import { natsMissing } from "../support/nats-server.js";

/**
 * The time from the recovery of the log, for which its servers are responsible: an election takes about 10 s, and a
 * server whose copy was ahead may reject the missing part for a minute. A node takes up to 5 s to find that its own
 * server does not answer, and tries the next one.
 */
const RECOVERY_MS_MAX = 20_000;
const SERVERS = countRounds(1, 3);
/** The pause between two looks at the log. */
const LOOK_MS = 200;

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

/** Polls the log's state until it is ended. */
class LogWatch {
  readonly #began = performance.now();
  readonly #looking: Promise<void>;
  #ended = false;
  /** The time of the last look at which fewer than two servers had what was written, from the start. */
  #poorMs = 0;

  constructor(cluster: TestCluster) {
    this.#looking = this.#look(cluster);
  }

  /** Returns after how many ms the log took writes for good. */
  async end(): Promise<number> {
    this.#ended = true;
    await this.#looking;
    return Math.round(this.#poorMs);
  }

  async #look(cluster: TestCluster): Promise<void> {
    while (!this.#ended) {
      const state = await cluster.logState().catch(() => null);
      const takes = state !== null && state.leader >= 0 && state.following > 0;
      if (!takes && !this.#ended) this.#poorMs = performance.now() - this.#began;
      await pause(LOOK_MS);
    }
  }
}

/** A server that does not catch up is restarted, as its operator would do. */
async function untilWhole(t: Test, cluster: TestCluster): Promise<void> {
  try {
    await cluster.streamLeader();
  } catch (error) {
    const { lagging } = await cluster.logState();
    t.comment(`${String(error)}: ${lagging.join(", ")} is started anew`);
    for (const at of lagging) {
      const server = must(cluster.nats[at], "a server");
      await server.stop("SIGKILL");
      await server.start();
    }
    await cluster.streamLeader();
  }
}

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
      const watch = new LogWatch(cluster);
      const took = await Promise.all(cluster.nodes.map((node) => work.untilWritten(node)));
      const takenAfter = await watch.end();
      t.ok(
        Math.max(...took) - takenAfter < RECOVERY_MS_MAX,
        `server ${at} is ${fault.name}: nodes write after ${took.join(", ")} ms, the log after ${takenAfter}`,
      );
      await fault.end(cluster, at);
      await untilWhole(t, cluster);
    }
  }
  await cluster.untilAllAre("ok");
  await work.finish(t, cluster);
});
