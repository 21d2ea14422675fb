/**
 * Waiting while somebody publishes what only the server publishes, with data of any shape: it is answered as if it had
 * not been said, and nobody's wait ends the server.
 */
import t from "tap";
import { send, sendJson } from "./support/http-client.js";
import { Agent } from "./support/leasing.js";
import { startKoor, type Koor } from "./support/server-process.js";
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
/** In whose name: any publisher may say that it is the server. */
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

/** Publishes all of it under every topic, in everybody's name. */
async function publishAll({ port }: Koor, data: readonly string[]): Promise<void> {
  for (const topic of TOPICS) {
    const events = SOURCES.flatMap((source) =>
      data.map((text) => `{"topic":"${topic}","source":"${source}","data":${text}}`),
    );
    // Not so many together that nobody looks at them.
    for (let at = 0; at < events.length; at += 100) {
      const body = `[${events.slice(at, at + 100).join(",")}]`;
      const { status } = await send(port, "POST", "/api/events/publish", { body });
      if (status !== 200) throw new Error(`${topic}: ${status}`);
    }
  }
}

t.test("data of any shape under the server's own topics", async (t) => {
  const koor = await startKoor(t);
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
  const begun = await Promise.all(
    waiting.map(async (query, at) => {
      const loop = new WaitLoop(port, query, ben.headers);
      loop.cursor = loops[at]?.cursor ?? "";
      return loop.begin();
    }),
  );
  const data = hostileData(ana);
  for (let at = 0; at < data.length; at += 25) {
    await publishAll(koor, data.slice(at, at + 25));
    for (const loop of loops) t.equal(await loop.next(), null, `${loop.query}: nothing has happened`);
    for (const query of queries) await new WaitLoop(port, query, ben.headers).next();
  }
  t.equal(begun.length, waiting.length);
  // They are woken by what concerns them.
  const held = await ana.lease(["path:a", "deploy", "state:*"]);
  await ana.release(held);
  await sendJson(port, "POST", "/api/events/publish", { topic: "none" });
  for (const { matched } of begun.slice(0, 1)) t.match(await matched, { kind: "event" });
  for (const loop of loops.filter(({ query }) => query.startsWith("free=") || query === "task=1"))
    t.match(await loop.next(), { kind: /^(free|task)$/ }, `${loop.query}: what did happen`);
  t.equal((await send(port, "GET", "/health")).status, 200);
});

t.test("more than is looked through counts as if it had happened, once", async (t) => {
  const koor = await startKoor(t);
  const { port } = koor;
  const ben = await Agent.register(port, "ben");
  const loop = new WaitLoop(port, "free=deploy", ben.headers);
  t.match(await loop.next(), { kind: "free" });
  const body = JSON.stringify({ topic: "lease.granted", source: "koor", data: "x".repeat(3 * 1024 * 1024) });
  for (let count = 0; count < 4; count++) await send(port, "POST", "/api/events/publish", { body });
  t.match(await loop.next(), { kind: "free" });
  t.equal(await loop.next(), null);
});
