/**
 * Tests the simulated day in a real server. Each list must have the content that the day promises. Data that is stored
 * twice must agree: logs, events and runs must match the state.
 */
import t from "tap";
import { aDay, fillWithADay } from "./a-day.js";
import { send, sendJson } from "./http-client.js";
import { startReceiver } from "./receiver.js";
import { startKoor } from "./server-process.js";
import { readSnapshot, type SnapshotLine } from "./snapshot.js";

type Row = SnapshotLine;

const NOW_MS = Date.now();
const HOUR_MS = 3_600_000;

const koor = await startKoor(t, { args: ["--stale-after", "1h"] });
// The receiver also gets the events that the tests publish.
const receiver = await startReceiver(t);
const day = await fillWithADay(koor, { nowMs: NOW_MS, receiverUrl: receiver.url });
const { known } = day;
const list = async (path: string): Promise<Row[]> => (await send(koor.port, "GET", `/api/${path}`)).json<Row[]>();
const ofKind = (snapshot: string, kind: string): Row[] => readSnapshot(snapshot).filter((row) => row["kind"] === kind);
const count = (rows: readonly Row[], member: string): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const row of rows) counts[String(row[member])] = (counts[String(row[member])] ?? 0) + 1;
  return counts;
};

t.test("agents: most are at work, some are silent, one was never activated", async (t) => {
  const rows = await list("instances");
  t.same(count(rows, "status"), { active: 10, stale: 3, pending: 1 });
  t.same(count(rows, "workspace"), { storefront: 4, checkout: 4, search: 3, ops: 3 });
  t.same(new Set(rows.map(({ id }) => id)), new Set(day.agents.map(({ id }) => id)));
  t.ok(rows.every((row) => row["name"] !== "" && (row["status"] === "pending" || row["intent"] !== "")));
});

t.test("state has a tree with many types and versions, and values with a script in them", async (t) => {
  const rows = await list("state?limit=10000");
  t.ok(rows.length >= 110 && rows.length <= 140, `${rows.length} keys`);
  const tops = new Set(rows.map(({ key }) => String(key).split("/")[0]));
  for (const top of ["plans", "decisions", "api-notes", "tests", "builds", "config", "agents"])
    t.ok(tops.has(top), top);
  const types = new Set(rows.map(({ content_type }) => String(content_type).split(";")[0]));
  t.same(
    types,
    new Set(["application/json", "application/yaml", "image/svg+xml", "text/html", "text/markdown", "text/plain"]),
  );
  const deep = rows.filter(({ version }) => Number(version) >= 5 && Number(version) <= 25);
  t.ok(deep.length > 30, `${deep.length} keys with a history`);
  for (const [key, type] of [
    [known.scriptKey, "text/html; charset=utf-8"],
    [known.svgKey, "image/svg+xml"],
  ] as const) {
    t.match((await send(koor.port, "GET", `/api/state/${key}`)).text, "<script>alert(");
    t.equal(rows.find((row) => row["key"] === key)?.["content_type"], type);
  }
  for (const { key, content_type } of rows.filter((row) => row["content_type"] === "application/json"))
    t.doesNotThrow(
      () => void JSON.parse(value(day.snapshot, String(key))),
      `${String(key)} is ${String(content_type)}`,
    );
  const values = ofKind(day.snapshot, "state");
  const same = values.filter(
    (row, at) => row["key"] === values[at - 1]?.["key"] && row["value"] === values[at - 1]?.["value"],
  );
  t.same(
    same.map(({ key, version }) => [key, version]),
    [],
    "each version differs from the one before",
  );
  const history = (await send(koor.port, "GET", `/api/state/${known.versionedKey}?history=1&limit=100`)).json<{
    readonly versions: Row[];
  }>();
  t.equal(history.versions.length, known.versions);
  t.equal(
    new Set(history.versions.map(({ hash }) => hash)).size,
    known.versions,
    "each version differs from the one before",
  );
});

/** Returns the newest value of a key in the snapshot. */
function value(snapshot: string, key: string): string {
  return String(ofKind(snapshot, "state").findLast((row) => row["key"] === key)?.["value"]);
}

t.test("specs and contracts are there with the state keys of their samples", async (t) => {
  const specs = ofKind(day.snapshot, "spec");
  t.equal(new Set(specs.map(({ project, name }) => `${String(project)}/${String(name)}`)).size, 15);
  t.equal(known.contracts.length, 5);
  for (const contract of known.contracts) {
    const answer = await sendJson(koor.port, "POST", `/api/contracts/${contract}/validate`, {
      endpoint: "GET /nothing",
    });
    t.match(answer.json(), { valid: false, violations: [{ message: /not in contract/ }] }, contract);
  }
});

t.test("a check of contracts finds what the newest runs say", async (t) => {
  const runs = await list("compliance/history?limit=1000");
  t.ok(runs.length >= 30 && runs.length <= 60, `${runs.length} runs`);
  const newest = runs.filter(({ run_at }) => run_at === runs[0]?.["run_at"]);
  const failing = (rows: readonly Row[]): unknown[] =>
    rows
      .filter(({ pass }) => pass === false)
      .map(({ instance_id, contract, violations }) => [instance_id, contract, violations])
      .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  t.equal(failing(newest).length, 2);
  const { runs: found } = (await send(koor.port, "POST", "/api/compliance/run")).json<{ readonly runs: Row[] }>();
  t.same(failing(found), failing(newest));
});

t.test("some rules are pending, and templates were applied", async (t) => {
  const { rules } = (await send(koor.port, "GET", "/api/rules")).json<{ readonly rules: Row[] }>();
  t.same(count(rules, "status"), { accepted: 20, proposed: 4, rejected: 2 });
  const named = (status: string): Set<string> =>
    new Set(
      rules
        .filter((rule) => rule["status"] === status)
        .map((rule) => `${String(rule["project"])}/${String(rule["rule_id"])}`),
    );
  t.same(named("proposed"), new Set(known.proposedRules));
  t.same(named("rejected"), new Set(known.rejectedRules));
  const ids = new Set(day.agents.map(({ id }) => id));
  t.ok(rules.every((rule) => rule["source"] !== "learned" || ids.has(String(rule["proposed_by"]))));
  t.equal((await list("templates")).length, 4);
  const [rule = ""] = known.proposedRules;
  t.equal((await send(koor.port, "POST", `/api/rules/${rule}/accept`)).status, 200);
});

t.test("three webhooks deliver, one fails, one is off", async (t) => {
  const rows = await list("webhooks");
  t.equal(rows.length, 5);
  const named = new Map(rows.map((row) => [row["id"], row]));
  t.match(named.get(known.failingWebhook), { active: true, fail_count: 4, last_error: /answered 503$/ });
  t.match(named.get(known.disabledWebhook), { active: false, fail_count: 400, last_error: /connection refused$/ });
  t.ok(rows.every(({ last_fired }) => typeof last_fired === "string"));
  t.equal(rows.filter(({ active, fail_count }) => active === true && fail_count === 0).length, 3);
});

t.test("events have many topics, newest first, and are denser where the team works", async (t) => {
  const rows = await list("events/history?last=10000");
  const made = rows.filter(({ id }) => Number(id) <= known.newestEventId);
  t.equal(made.length, 900);
  t.ok(Object.keys(count(made, "topic")).length >= 14, Object.keys(count(made, "topic")).join(" "));
  const ago = made.map(({ created_at }) => (NOW_MS - Date.parse(String(created_at))) / HOUR_MS);
  t.ok(ago.every((hours) => hours > 0 && hours < 72));
  const within = (from: number, to: number): number => ago.filter((hours) => hours >= from && hours < to).length;
  t.ok(
    within(0, 7) > 3 * within(10, 17),
    `${within(0, 7)} in the day's last seven hours, ${within(10, 17)} in seven of the night`,
  );
});

t.test("the audit log agrees with what is stored", async (t) => {
  const rows = (await list("audit?limit=10000")).filter(({ id }) => Number(id) <= known.newestAuditId);
  t.ok(rows.length >= 1_400 && rows.length <= 1_700, `${rows.length} rows`);
  const errors = rows.filter(({ outcome }) => outcome === "error");
  t.ok(errors.length > 40 && errors.length < 100, `${errors.length} refusals`);
  const done = rows.filter(({ outcome }) => outcome === "success");
  const detail = ({ detail: text }: Row): Row => JSON.parse(String(text)) as Row;
  for (const [space, nameOf] of [
    ["state", ({ key }: Row) => String(key)],
    ["spec", ({ project, name }: Row) => `${String(project)}/${String(name)}`],
  ] as const) {
    const said = done
      .filter(({ action }) => action === `${space}.put` || action === `${space}.rollback`)
      .map(
        (row) =>
          `${String(row["resource"])} ${String(detail(row)["version"])} ${String(row["actor"])} ${String(row["timestamp"])}`,
      );
    const stored = ofKind(day.snapshot, space).map(
      (row) => `${nameOf(row)} ${String(row["version"])} ${String(row["updated_by"])} ${String(row["updated_at"])}`,
    );
    t.same(said.toSorted(), stored.toSorted(), space);
  }
  t.equal(done.filter(({ action }) => action === "state.rollback").length, 2);
  const present = new Map(day.agents.map((agent) => [agent.id, agent]));
  const early = rows.filter(({ actor, timestamp }) => {
    const agent = present.get(String(actor));
    const atMs = Date.parse(String(timestamp));
    return agent !== undefined && (atMs < agent.registeredMs || atMs > agent.lastSeenMs);
  });
  t.same(early, [], "no agent acts before it was registered, or after it was last seen");
  t.equal(done.filter(({ action }) => action === "llm.usage").length, day.counts["usage"]);
});

t.test("usage and agents' calls are there by the hour", async (t) => {
  const rows = await list("llm/usage?limit=10000");
  t.equal(rows.length, 600);
  for (const [member, least] of [
    ["provider", 4],
    ["model", 6],
    ["project", 4],
    ["instance_id", 10],
    ["session_tag", 8],
  ] as const)
    t.ok(Object.keys(count(rows, member)).length >= least, member);
  t.ok(rows.every(({ cost_usd }) => Number(cost_usd) >= 0 && Number(cost_usd) < 5));
  const [agent] = day.agents;
  const hours = new Set((await list(`metrics/agents/${agent?.id ?? ""}`)).map(({ period }) => period));
  t.ok(hours.size >= 12, `${hours.size} hours`);
});

t.test("the day depends on its seed, and has the requested size", async (t) => {
  t.equal(aDay({ nowMs: NOW_MS, receiverUrl: receiver.url }).snapshot, day.snapshot);
  t.not(aDay({ nowMs: NOW_MS, seed: 2, receiverUrl: receiver.url }).snapshot, day.snapshot);
  const server = await startKoor(t);
  const large = await fillWithADay(server, {
    nowMs: Date.now(),
    agents: 500,
    state_keys: 5_000,
    receiverUrl: receiver.url,
  });
  t.equal(large.agents.length, 500);
  const agents = (await send(server.port, "GET", "/api/instances")).json<Row[]>();
  t.equal(agents.length, 500);
  t.equal(new Set(agents.map(({ name }) => name)).size, 500);
  t.equal((await send(server.port, "GET", "/api/state?limit=10000")).json<Row[]>().length, 5_000);
  const tested = await send(server.port, "POST", "/api/webhooks/ci/test");
  t.equal(tested.status, 200, "the webhooks have the given address");
});

t.test("a server accepts the day of every seed", async (t) => {
  for (const seed of [2, 3, 4]) {
    const server = await startKoor(t);
    const other = await fillWithADay(server, { nowMs: NOW_MS, seed });
    t.ok((other.counts["audit"] ?? 0) > 1_300, `seed ${seed}`);
    await server.stop();
  }
});
