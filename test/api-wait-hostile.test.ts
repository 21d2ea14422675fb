/**
 * Tests waiting where the history has events that only the server publishes today, with data of any shape, as clients
 * of older versions could publish them: a wait is answered as if they were not there, and none of them crashes the
 * server.
 */
import t from "tap";
import { RESOURCE_BYTES_MAX } from "../schemas/limits/claims.js";
import { LEASE_RESOURCES_MAX } from "../schemas/limits/leases.js";
import { openWriter } from "../src/platform/store/open.js";
import { send, sendJson } from "./support/http-client.js";
import { singleServerOnly } from "./support/variant.js";
import { Agent } from "./support/leasing.js";
import { makeDirectory, startKoor } from "./support/server-process.js";
import { WaitLoop } from "./support/waiting.js";

const DEEP = 20_000;
const TOPICS = [
  "lease.granted",
  "lease.waiting",
  "lease.released",
  "lease.lost",
  "agent.stale",
  "task.created",
  "task.ready",
  "task.claimed",
  "task.done",
  "task.input_required",
];
/** The sources: an older client could also name the server. */
const SOURCES = ["z", "koor", "liveness-monitor"];

/** JSON texts of data that no event of the server's own has. */
function hostileData(me: Agent): string[] {
  const shapes: unknown[] = [null, 1, "x", true, [], {}, [[]], { holder: null, workspace: null, resources: null }];
  const holders = [undefined, null, 5, "z", [], {}, { id: null }, { id: 7 }, { id: ["z"] }, { id: {} }];
  const resources = [
    ...[undefined, null, 5, "path:a", {}, { length: 1 }, { map: 1 }],
    ...[[{ toString: 1 }], [{ toString: null, valueOf: null }], [null], [["path:a"]], [{}], [1, "path:a"]],
    ...[["path:/../["], ["path:"], ["path:a\\"], ["state:"], [""], ["path:a", { toString: 1 }]],
    [`path:${"**/".repeat(300)}x`],
    [`path:${"*b".repeat(2_000)}`],
    Array.from({ length: 65 }, () => "path:a"),
  ];
  for (const holder of holders) shapes.push({ holder, workspace: "default", resources: ["path:a"] });
  for (const workspace of [undefined, null, 5, {}, ["default"], { toString: 1 }])
    shapes.push({ holder: { id: "z" }, workspace, resources: ["path:a"] });
  for (const texts of resources) shapes.push({ holder: { id: "z" }, workspace: "other", resources: texts });
  for (const texts of resources)
    if (!JSON.stringify(texts ?? null).includes('["path:a"')) {
      shapes.push({ holder: { id: "z" }, workspace: "default", resources: texts });
    }
  for (const id of [null, 5, {}, [me.id], { toString: 1 }]) shapes.push({ instance_id: id, task_id: id, lease_id: id });
  const deep = "[".repeat(DEEP) + "]".repeat(DEEP);
  return [
    ...shapes.map((shape) => JSON.stringify(shape)),
    `{"holder":{"id":"z"},"workspace":"default","resources":[${deep}]}`,
    `{"holder":${deep},"workspace":"default","resources":["path:a"]}`,
    `{"instance_id":${deep},"task_id":${deep}}`,
    '{"__proto__":{"id":"z"},"holder":{"__proto__":{"id":"z"}},"workspace":"default","resources":["path:a"]}',
    '{"holder":{"id":"z"},"workspace":"default","resources":{"__proto__":["path:a"],"length":1}}',
  ];
}

/** Stores all of it under every topic, with every source, as older versions let clients publish it. */
function storeAll(dataDir: string, data: readonly string[]): void {
  const db = openWriter(dataDir);
  const insert = db.prepare("INSERT INTO event (topic, created_at, source, data) VALUES (?, ?, ?, ?)");
  const nowMs = Date.now();
  db.transaction(() => {
    for (const topic of TOPICS)
      for (const source of SOURCES) for (const text of data) insert.run(topic, nowMs, source, text);
  })();
  db.close();
}

t.test(
  "data of any shape under the server's own topics does not affect a wait",
  { skip: singleServerOnly("the log has no such events") },
  async (t) => {
    const dataDir = makeDirectory(t);
    let koor = await startKoor(t, { data_dir: dataDir });
    const { port } = koor;
    const [ana, ben] = [await Agent.register(port, "ana"), await Agent.register(port, "ben")];
    await ana.ask("POST", `/api/instances/${ana.id}/activate`);
    await ana.ask("POST", "/api/tasks", [
      { id: "needs", title: "t", resources: ["path:a"] },
      { id: "end", title: "t", assignee: "nobody" },
    ]);
    const lease = await ana.lease(["name:other"]);
    const queries = [
      ...["state=k", "state_above=0:k", "state_gone=k", "spec=p/s", "spec_above=0:p/s", "spec_gone=p/s"],
      ...["message=1", "task=1", "task_ended=end", `lease=${lease.id}`, "free=path:a", "free=deploy", "free=state:k"],
      ...["instance=ana&is=active", `instance=${ana.id}&is=active`, "instance=ana&is=stale", "instance=no&is=gone"],
    ];
    const waiting = ["event=none", ...queries];
    const loops = waiting.map((query) => new WaitLoop(port, query, ben.headers));
    for (const loop of loops) while ((await loop.next()) !== null);
    const data = hostileData(ana);
    for (let at = 0; at < data.length; at += 25) {
      t.equal(await koor.stop(), 0);
      storeAll(dataDir, data.slice(at, at + 25));
      koor = await startKoor(t, { data_dir: dataDir });
      for (const loop of loops) {
        loop.port = koor.port;
        t.equal(await loop.next(), null, `${loop.query}: nothing is reported`);
      }
      for (const query of queries) await new WaitLoop(koor.port, query, ben.headers).next();
    }
    // Changes of their own condition wake them.
    const again = ana.at(koor.port);
    await again.release(await again.lease(["path:a", "deploy", "state:*"]));
    await sendJson(koor.port, "POST", "/api/events/publish", { topic: "none" });
    for (const loop of loops.filter(({ query }) => query.startsWith("free=") || /^(task=1|event=none)$/.test(query)))
      t.match(await loop.next(), { kind: /^(free|task|event)$/ }, `${loop.query}: the change is reported`);
    t.equal((await send(koor.port, "GET", "/health")).status, 200);
  },
);

t.test("when too many events are between two calls, the condition is reported once", async (t) => {
  const koor = await startKoor(t);
  const { port } = koor;
  const ben = await Agent.register(port, "ben");
  const loop = new WaitLoop(port, "free=deploy", ben.headers);
  t.match(await loop.next(), { kind: "free" });
  // Each grant has 32 KiB of resources, and at most 8 MiB of events are read.
  for (let batch = 0; batch < 9; batch++) {
    const ana = await Agent.register(port, `ana-${batch}`);
    const grants = Array.from({ length: 32 }, async (_, at) => {
      const name = (part: number): string => `${batch}-${at}-${part}-`.padEnd(RESOURCE_BYTES_MAX, "x");
      await ana.lease(Array.from({ length: LEASE_RESOURCES_MAX }, (_part, part) => name(part)));
    });
    await Promise.all(grants);
  }
  t.match(await loop.next(), { kind: "free" });
  t.equal(await loop.next(), null);
});
