/**
 * Tests a rolling upgrade under load: the three nodes are restarted one after the other as a program with a newer apply
 * version. The first of them upgrades the cluster. The older nodes halt, and serve what they have until they are
 * restarted. Every write is answered with 200, or with 503 and Retry-After, and no acknowledged write is lost.
 */
import t from "tap";
import { must } from "../../src/base/assert.js";
import { APPLY_VERSION } from "../../schemas/version.js";
import { TestCluster, until, type TestNode } from "../support/cluster.js";
import { longFormOnly } from "../support/test-size.js";
import { send } from "../support/http-client.js";
import { natsMissing } from "../support/nats-server.js";
import { makeNewerProgram } from "../support/newer-program.js";

const LATER = /^[1-9]\d*$/;

/** Writes at the nodes in turn until it is stopped. Records the acknowledged writes and all other answers. */
class Load {
  readonly stored = new Map<string, number>();
  readonly others: string[] = [];
  refused = 0;
  #stopped = false;
  readonly #ended: Promise<unknown>;

  constructor(nodes: readonly TestNode[], writers: number) {
    this.#ended = Promise.all(Array.from({ length: writers }, (_, at) => this.#write(nodes, at)));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#ended;
  }

  async #write(nodes: readonly TestNode[], writer: number): Promise<void> {
    for (let at = 0; !this.#stopped; at++) {
      const { port, name } = must(nodes[(writer + at) % nodes.length], "there are nodes");
      const key = `w${writer}-${at}`;
      // Skips a node that is restarting: its port is closed.
      if (port === null) {
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      try {
        const answer = await send(port, "PUT", `/api/state/${key}`, { body: JSON.stringify(at) });
        if (answer.status === 200) this.stored.set(key, at);
        else if (answer.status === 503 && LATER.test(answer.headers["retry-after"] ?? "")) this.refused += 1;
        else this.others.push(`${name}: ${answer.status} ${answer.body.toString()}`);
      } catch {
        // The node ended with the request in flight, without an answer.
      }
    }
  }
}

t.test(
  "three nodes are upgraded one after the other, under load",
  { skip: longFormOnly() || natsMissing() },
  async (t) => {
    const cluster = await TestCluster.start(t, { log: "nats" });
    const program = makeNewerProgram(t);
    const load = new Load(cluster.nodes, 8);
    const [a, b, c] = cluster.nodes.map((node) => node) as [TestNode, TestNode, TestNode];
    await until("something is stored", () => load.stored.size > 100);
    const acknowledged = must([...load.stored.keys()][0], "something is stored");

    await c.stop();
    await c.start({ program });
    await c.untilState("ok");
    for (const older of [a, b]) {
      const { reason } = await older.untilState("halted");
      t.match(reason, new RegExp(`apply version ${APPLY_VERSION + 1}: start a newer Koor`));
      const { status } = await send(must(older.port, "it runs"), "GET", `/api/state/${acknowledged}`);
      t.equal(status, 200, "it serves what it has");
    }
    const before = load.stored.size;
    await until("writes go on", () => load.stored.size > before + 100);

    for (const older of [a, b]) {
      await older.stop();
      await older.start({ program });
      await older.untilState("ok");
    }
    const last = load.stored.size;
    await until("writes go on", () => load.stored.size > last + 100);
    await load.stop();

    t.same(load.others, [], "no error but 503 with Retry-After");
    t.ok(load.refused > 0, "some were asked to try again");
    const digests = await cluster.digests();
    t.equal(new Set(digests.values()).size, 1, "the nodes hold the same");
    for (const node of cluster.nodes) {
      const lost = node.read((db) => {
        const has = db.prepare<[string], number>("SELECT 1 FROM state_head WHERE key = ?").pluck();
        return [...load.stored.keys()].filter((key) => has.get(key) === undefined);
      });
      t.same(lost, [], `node ${node.name} has all ${load.stored.size} that were acknowledged`);
    }

    // A node that starts as the older program reports the reason and does not change its files.
    await a.stop();
    await t.rejects(a.start(), /uses apply version/);
  },
);
