/**
 * Tests a poison entry, which crashes the process of every node at each start. After a few crashes each node halts
 * before the entry and serves what it has. Then the operator's ways out work as the documents say: a retry, or a new
 * cluster without the entry.
 */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { POISON_ENTRY_TRIES_MAX } from "../../schemas/limits/cluster.js";
import { TestCluster, until, type TestNode } from "../support/cluster.js";
import { longFormOnly } from "../support/test-size.js";
import { send } from "../support/http-client.js";
import { natsMissing } from "../support/nats-server.js";
import { makeDirectory } from "../support/server-process.js";

const DEADLY = "ends-the-program";
/** The process ends when a thread reads entries with this key, as after a crash of native code. */
const PRELOAD = `
import { isMainThread } from "node:worker_threads";
const parse = JSON.parse;
if (!isMainThread)
  JSON.parse = (text, ...rest) => {
    if (String(text).includes('"names":') && String(text).includes("${DEADLY}")) process.kill(process.pid, "SIGKILL");
    return parse(text, ...rest);
  };
`;

/** Starts a node until it has halted. Returns how often it crashed. */
async function startUntilHalted(node: TestNode, env: Readonly<Record<string, string>>): Promise<number> {
  for (let ends = 0; ends <= 2 * POISON_ENTRY_TRIES_MAX; ends++) {
    try {
      await node.start({ env });
    } catch {
      // It crashed before it listened.
      continue;
    }
    const became = await until("it has ended, or halted", async () =>
      node.koor.process.signalCode === null ? (await node.health()).cluster.state === "halted" && "halted" : "ended",
    );
    if (became === "halted") return ends;
  }
  throw new Error(`it ends again and again: ${node.log().slice(-2_000)}`);
}

t.test("an entry that ends the process of every node", { skip: natsMissing() }, async (t) => {
  const preload = join(makeDirectory(t), "deadly.mjs");
  writeFileSync(preload, PRELOAD);
  const env = { NODE_OPTIONS: `--import=${pathToFileURL(preload).href}` };
  const cluster = await TestCluster.start(t, { log: "nats", nodes: 2, nodeOptions: { env } });
  const [a, b] = cluster.nodes.map((node) => node) as [TestNode, TestNode];
  t.equal((await send(a.koor.port, "PUT", "/api/state/kept", { body: "1" })).status, 200);
  await t.rejects(send(a.koor.port, "PUT", `/api/state/${DEADLY}`, { body: "1" }));
  for (const node of [a, b]) await until("it has ended", () => node.koor.process.signalCode !== null);

  for (const node of [a, b]) {
    const ends = await startUntilHalted(node, env);
    t.ok(ends >= POISON_ENTRY_TRIES_MAX && ends <= POISON_ENTRY_TRIES_MAX + 1, `${ends} ends`);
    const { status, cluster: health } = await node.health();
    t.equal(status, 503);
    const line = `entry ${health.position + 1} of the log has crashed this program ${POISON_ENTRY_TRIES_MAX} times`;
    t.ok(health.reason.startsWith(line), health.reason);
    t.match(node.log(), line, "and it is in its log");
    t.equal((await send(node.koor.port, "GET", "/api/state/kept")).body.toString(), "1", "reads are answered");
    const refused = await send(node.koor.port, "PUT", "/api/state/refused", { body: "1" });
    t.equal(refused.status, 503);
    t.match(refused.body.toString(), line);
  }

  await b.stop();
  await b.start({ env });
  await b.untilState("halted");
  await b.stop();
  // The cause of the crash is gone: the operator makes the node retry.
  rmSync(join(b.dataDir, "suspect.txt"));
  await b.start();
  await b.untilState("ok");
  t.equal((await send(b.koor.port, "GET", `/api/state/${DEADLY}`)).status, 200, "it was in the log");
  t.notOk(existsSync(join(b.dataDir, "suspect.txt")), "nothing is left of it");

  // It takes a while until a missing log counts as lost.
  if (longFormOnly() !== false) return;
  await a.stop();
  await a.start({ env, args: ["--cluster-seed", "--cluster-name", "anew"] });
  await until("it leads", async () => (await a.health()).cluster.leader === "a" && (await a.health()).status === 200);
  t.equal((await send(a.koor.port, "GET", "/api/state/kept")).body.toString(), "1", "what was stored is there");
  t.equal((await send(a.koor.port, "GET", `/api/state/${DEADLY}`)).status, 404);
  t.equal((await send(a.koor.port, "PUT", "/api/state/after", { body: "1" })).status, 200);
});
