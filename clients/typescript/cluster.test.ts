/**
 * Tests failover in a real cluster. Each test kills the node to which the client is connected. clients/behaviours.json
 * describes the expected behaviour.
 */
import t from "tap";
import { must } from "../../src/base/assert.js";
import { behaviour } from "../../test/support/behaviours.js";
import { until } from "../../test/support/cluster.js";
import { CLUSTER_MISSING, startKillableNodes, type KillableNode } from "../../test/support/killable-nodes.js";
import { readMetric } from "../../test/support/metrics.js";
import { connect, LeasedError, TimeoutError, UnavailableError, type Client } from "./client.js";

const options = { skip: CLUSTER_MISSING };
const nodes = CLUSTER_MISSING === false ? await startKillableNodes(t) : [];

/**
 * A cluster of one test. The test kills one of its nodes, the victim. A client gets one of the two lists of addresses.
 */
interface Scene {
  readonly victim: KillableNode;
  /**
   * The addresses of all nodes. The victim's address is the first one, so a client is connected to the victim until it
   * fails.
   */
  readonly all: readonly string[];
  readonly others: readonly string[];
}

function sceneOf(at: number): Scene {
  const victim = must(nodes[at], "there are three nodes");
  const others = nodes.filter((node) => node !== victim).map(({ url }) => url);
  return { victim, all: [victim.url, ...others], others };
}

await behaviour(
  t,
  "cluster-subscribe",
  async (t) => {
    const { victim, all, others } = sceneOf(0);
    const subscription = connect({ url: all }).events.subscribe("job.*", { since: 0 });
    let last = Number.POSITIVE_INFINITY;
    let killing: Promise<void> | undefined;
    let isDead = false;
    const publishing = (async (): Promise<void> => {
      const { events } = connect({ url: others });
      for (let n = 1, left = 40; n <= last; n++) {
        if (isDead) left -= 1;
        if (left === 0) last = n;
        await events.publish("job.done", n);
      }
    })();
    const got: unknown[] = [];
    for await (const { data } of subscription) {
      got.push(data);
      if (got.length === 20) {
        t.equal(await readMetric(victim.port, "koor_subscribers"), 1, "it listens at the node that is killed");
        killing = victim.kill().then(() => {
          isDead = true;
        });
      }
      if (data === last) break;
    }
    await Promise.all([publishing, killing]);
    t.same(
      got,
      Array.from({ length: last }, (_, at) => at + 1),
    );
    await victim.revive();
  },
  options,
);

/** Adds 1 to a stored counter again and again, and reads it back each time. */
class Counter {
  acknowledged = 0;
  /** The number of updates whose answer was lost. */
  unknown = 0;
  readonly problems: string[] = [];
  isOver = false;

  constructor(readonly client: Client) {}

  async run(): Promise<void> {
    while (!this.isOver) {
      try {
        const stored = must(
          await this.client.state.update<number>("counter", (value = 0) => value + 1),
          "it is stored",
        );
        this.acknowledged += 1;
        const { version } = await this.client.state.get("counter");
        if (version < stored.version) this.problems.push(`wrote ${stored.version}, and then read ${version}`);
      } catch (error) {
        if (!(error instanceof UnavailableError && error.outcomeUnknown)) throw error;
        this.unknown += 1;
      }
    }
  }
}

await behaviour(
  t,
  "cluster-update",
  async (t) => {
    const { victim, all } = sceneOf(1);
    const counters = [1, 2, 3].map(() => new Counter(connect({ url: all })));
    const sum = (name: "acknowledged" | "unknown"): number =>
      counters.reduce((total, counter) => total + counter[name], 0);
    const work = Promise.all(counters.map((counter) => counter.run()));
    await until("they count", () => counters.every(({ acknowledged }) => acknowledged >= 5));
    await victim.kill();
    const before = counters.map(({ acknowledged }) => acknowledged);
    await until("all go on", () => counters.every(({ acknowledged }, at) => acknowledged >= (before[at] ?? 0) + 5));
    for (const counter of counters) counter.isOver = true;
    await work;
    t.same(
      counters.flatMap(({ problems }) => problems),
      [],
      "each client reads what it has written, at whichever node",
    );
    const found = await Promise.all(counters.map(async ({ client }) => await client.state.get<number>("counter")));
    const value = Math.max(...found.map((one) => one.value));
    t.ok(
      found.every((one) => one.value === one.version),
      "no update overwrote another one",
    );
    t.ok(value >= sum("acknowledged"), `${value} of ${sum("acknowledged")} that were acknowledged`);
    t.ok(value <= sum("acknowledged") + sum("unknown"), `and ${sum("unknown")} that may have been stored`);
    await victim.revive();
  },
  options,
);

await behaviour(
  t,
  "cluster-lease",
  async (t) => {
    const { victim, all, others } = sceneOf(2);
    const { client: ana } = await connect({ url: all }).instances.register({ name: "ana", workspace: "w" });
    const { client: ben } = await connect({ url: others }).instances.register({ name: "ben", workspace: "w" });
    await ana.leases.with(
      "deploy",
      async ({ lease, signal, fence }) => {
        // The victim may have received a request before it was killed. The next node recognizes the repeated request by
        // its `request_id`.
        const parts = Array.from({ length: 8 }, (_, at) => ana.leases.with(`part-${at}`, (held) => held.fence));
        await victim.kill();
        t.equal(new Set(await Promise.all(parts)).size, parts.length);
        const expiries = new Set<string | null>();
        await until("it is renewed twice at another node", async () => {
          expiries.add((await ben.leases.get(lease.id)).expires_at);
          return expiries.size >= 3 || signal.aborted;
        });
        t.notOk(signal.aborted);
        t.match(await ben.leases.get(lease.id), { state: "held", fence, holder: { name: "ana" } });
        await t.rejects(ben.leases.acquire("deploy"), LeasedError);
      },
      { ttl_s: 12 },
    );
    await until("all are released", async () => (await ben.leases.list()).length === 0);
    await (await ben.leases.acquire("deploy")).release();
    await victim.revive();
    await (await ana.leases.acquire("deploy")).release();
  },
  options,
);

await behaviour(
  t,
  "cluster-stopped",
  async (t) => {
    const { victim, all } = sceneOf(0);
    const client = connect({ url: all });
    await client.state.set("stopped", 1);
    victim.hold();
    await t.rejects(client.events.publish("a.b", 1, { timeoutMs: 1000 }), TimeoutError);
    t.match(await client.events.publish("a.b", 2), { topic: "a.b" });
    t.equal((await client.state.get("stopped")).value, 1);
    await victim.release();
  },
  options,
);
