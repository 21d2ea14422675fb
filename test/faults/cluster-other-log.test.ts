/**
 * Tests a log that was restored from an older copy. A node that had applied more halts, names the entry, and keeps its
 * data. A node that had not applied more continues with the restored log.
 */
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { must } from "../../src/base/assert.js";
import { TestCluster, until } from "../support/cluster.js";
import { send } from "../support/http-client.js";
import { natsMissing } from "../support/nats-server.js";

const WRITES = 20;

t.test("the log is put back to an older copy", { skip: natsMissing() }, async (t) => {
  const cluster = await TestCluster.start(t, { log: "nats" });
  const [a, b, c] = cluster.nodes.map((node) => must(node, "a node"));
  const nats = must(cluster.nats[0], "the log");
  if (a === undefined || b === undefined || c === undefined) throw new Error("three nodes");
  const write = async (name: string): Promise<void> => {
    for (let at = 0; at < WRITES; at++)
      await until(`${name}/${at} is written`, async () => {
        const answer = await send(a.koor.port, "PUT", `/api/state/${name}/${at}`, { body: "1" });
        return answer.status === 200;
      });
  };
  await write("early");
  await c.stop();
  const [store, copy] = [join(nats.directory, "store"), join(nats.directory, "copy")];
  await nats.stop();
  cpSync(store, copy, { recursive: true });
  await nats.start();
  await write("late");
  const { position } = (await a.health()).cluster;
  await until("b has carried it out, too", async () => (await b.health()).cluster.position >= position);
  await nats.stop("SIGKILL");
  rmSync(store, { recursive: true });
  cpSync(copy, store, { recursive: true });
  await nats.start();

  const halted = await a.untilState("halted");
  t.match(halted.reason, /the log went back: it ends at \d+, and this node has applied \d+/);
  t.ok(halted.position >= position, "it keeps what it has");
  await b.untilState("halted");
  t.equal((await a.health()).status, 503);
  t.equal((await send(a.koor.port, "PUT", "/api/state/x", { body: "1" })).status, 503);
  t.equal((await send(a.koor.port, "GET", "/api/state/late/0")).text, "1", "what it has is served as it was");
  await a.stop();
  await b.stop();
  for (const node of [a, b])
    t.equal(
      node.read((db) => db.prepare("SELECT count(*) FROM state_head WHERE key LIKE 'late/%'").pluck().get()),
      WRITES,
      `${node.name} has all files`,
    );

  // A node that was down meanwhile does not notice, and takes the log further than the others have been.
  await c.start();
  await c.untilState("ok");
  while ((await c.health()).cluster.position <= halted.position + 5)
    await send(c.koor.port, "PUT", "/api/state/other", { body: "2" });
  await a.start();
  t.match((await a.untilState("halted")).reason, /the log is another one: its entry \d+ is not the one/);
  t.equal((await send(a.koor.port, "PUT", "/api/state/x", { body: "1" })).status, 503);
});
