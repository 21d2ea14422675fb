/**
 * Tests what the guard of commits needs of the server: the leases of a period, a caller's own, and the record of a
 * commit that was made without the guard.
 */
import t from "tap";

import { send, sendJson } from "./support/http-client.js";
import { Agent, type Lease } from "./support/leasing.js";
import { startKoor } from "./support/server-process.js";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";

t.test("leases are listed by the time at which they were held", async (t) => {
  const { port } = await startKoor(t);
  const ana = await Agent.register(port, "ana");
  const bob = await Agent.register(port, "bob");
  const first = await ana.lease(["a"]);
  const queued = await bob.lease(["a"], { queue: true });
  await ana.release(first);
  const second = await bob.get(queued.id, 60);
  const ended = await ana.get(first.id);
  const list = async (query: string): Promise<string[]> => {
    const answer = await send(port, "GET", `/api/leases?state=all&${query}`);
    t.equal(answer.status, 200, answer.text);
    return answer.json<{ readonly leases: readonly Lease[] }>().leases.map(({ id }) => id);
  };
  const time = (text: string | null, ms = 0): string => new Date(Date.parse(text ?? "") + ms).toISOString();
  const waiting = await ana.lease(["a"], { queue: true });
  t.equal(waiting.state, "waiting");
  t.same(await list("from=2020-01-01T00:00:00Z"), [second.id, first.id], "one that waits was not held");
  t.same(await list(`to=${time(first.granted_at, -1)}`), []);
  t.same(
    await list(`to=${time(first.granted_at)}`),
    first.granted_at === second.granted_at ? [second.id, first.id] : [first.id],
  );
  t.same(await list(`from=${time(ended.ended_at, 1)}&to=2100-01-01T00:00:00Z`), [second.id]);
  t.same(await list(`from=${time(ended.ended_at)}`), [second.id, first.id]);
  t.match(await send(port, "GET", "/api/leases?from=yesterday"), { status: 400 });
});

t.test("a caller lists its own leases, with those of its parent and its subagents", async (t) => {
  const { port } = await startKoor(t);
  const ana = await Agent.register(port, "ana");
  const bob = await Agent.register(port, "bob");
  const own = await ana.lease(["a"]);
  const theirs = await bob.lease(["b"]);
  const list = async (headers: Readonly<Record<string, string>>) =>
    await send(port, "GET", "/api/leases?own=1", { headers });
  t.match((await list({ "X-Koor-Instance": ana.id })).json(), { leases: [{ id: own.id }] });
  t.match((await list({ "X-Koor-Instance": bob.id })).json(), { leases: [{ id: theirs.id }] });
  t.match(await list({}), { status: 400, text: /this needs an instance/ });
  t.match(await list({ "X-Koor-Session": "unknown" }), { status: 404, text: /session not found: unknown/ });
  t.match(await send(port, "GET", "/api/leases?own=2"), { status: 400 });
  t.match((await send(port, "GET", "/api/leases?own=0")).json(), { leases: [{ id: theirs.id }, { id: own.id }] });
});

t.test("a commit without the guard is a row of the audit log", async (t) => {
  const { port } = await startKoor(t);
  const ana = await Agent.register(port, "ana", { workspace: "trucks" });
  const off = async (body: object) => await sendJson(port, "POST", "/api/guard/off", body, ana.headers);
  t.same((await off({ commit: COMMIT, paths: ["a.ts"] })).json(), { recorded: COMMIT });
  t.match(await off({ commit: COMMIT, workspace: "w" }), { status: 200 });
  const long = Array.from({ length: 256 }, (_, at) => `${at}/${"x".repeat(1000)}`);
  t.match(await off({ commit: COMMIT, workspace: "long", paths: long }), { status: 200 });
  t.match(await off({ commit: "main" }), { status: 400, text: /commit must match pattern/ });
  t.match(await off({ commit: COMMIT, paths: Array(257).fill("a") }), { status: 400, text: /paths/ });
  const rows = (await send(port, "GET", "/api/audit?action=guard.off")).json<{ readonly detail: string }[]>();
  t.match(rows, [
    { outcome: "error" },
    { outcome: "error" },
    { resource: "long", outcome: "success", detail: /^.{8000,8500},"count":256\}$/ },
    { actor: ana.id, resource: "w", outcome: "success", detail: `{"commit":"${COMMIT}","paths":[]}` },
    { actor: ana.id, resource: "trucks", outcome: "success", detail: `{"commit":"${COMMIT}","paths":["a.ts"]}` },
  ]);
});
