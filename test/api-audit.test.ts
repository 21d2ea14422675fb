/**
 * Tests "Audit" of the HTTP API against a real server: one row for each call of the list, one for each refused call,
 * and none for other calls; the filters, the summary, and that the database itself lets no client change the log.
 */
import type { OutgoingHttpHeaders } from "node:http";
import { join } from "node:path";
import t from "tap";
import { PAGE_ROWS_MAX } from "../schemas/limits/answers.js";
import { AUDIT_ROWS_DEFAULT, AUDIT_UNAUTHENTICATED_ROWS_PER_MINUTE_MAX } from "../schemas/limits/audit.js";
import { KEY_BYTES_MAX } from "../schemas/limits/names.js";
import { BODY_BYTES_MAX } from "../schemas/limits/request-bodies.js";
import { LOG_IN_WRONG_MAX } from "../schemas/limits/tokens.js";
import { TIMESTAMP } from "./support/answers.js";
import { parseExposition } from "./support/exposition.js";
import { send, type Answer, type Refusal } from "./support/http-client.js";
import { startKoor, type Koor } from "./support/server-process.js";
import { openDatabase } from "../src/platform/store/sqlite/choice.js";

interface Entry {
  readonly id: number;
  readonly timestamp: string;
  readonly actor: string;
  readonly action: string;
  readonly resource: string;
  readonly detail: string;
  readonly outcome: string;
  readonly count?: number;
}
interface Summary {
  readonly total_entries: number;
  readonly action_counts: Readonly<Record<string, number>>;
  readonly outcome_counts: Readonly<Record<string, number>>;
  readonly unique_actors: number;
  readonly unique_resources: number;
  readonly histogram?: {
    readonly from: string;
    readonly step_ms: number;
    readonly success: readonly number[];
    readonly error: readonly number[];
  } | null;
}

const TOKEN = "only-for-this-test";
const koor = await startKoor(t);

const entries = async (query = "", from: Koor = koor, headers: OutgoingHttpHeaders = {}): Promise<Entry[]> =>
  (await send(from.port, "GET", `/api/audit?${query}`, { headers })).json<Entry[]>();
const summary = async (query = "", from: Koor = koor): Promise<Summary> =>
  (await send(from.port, "GET", `/api/audit/summary?${query}`)).json<Summary>();
const newestId = async (): Promise<number> => (await entries("limit=1"))[0]?.id ?? 0;

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: string | Uint8Array;
  readonly headers?: OutgoingHttpHeaders;
}
const make = ({ method, path, body, headers = {} }: Call): Promise<Answer> =>
  send(koor.port, method, path, { headers, ...(body === undefined ? {} : { body }) });

/** Makes the call. @returns the rows that it added to the log, oldest first */
async function rowsOf(call: Call): Promise<{ readonly answer: Answer; readonly rows: Entry[] }> {
  const before = await newestId();
  const answer = await make(call);
  return { answer, rows: (await entries("limit=10000")).filter(({ id }) => id > before).toReversed() };
}

t.test("a new server has an empty log", async (t) => {
  t.same(await entries(), []);
  t.same(await summary(), {
    total_entries: 0,
    action_counts: {},
    outcome_counts: {},
    unique_actors: 0,
    unique_resources: 0,
  });
});

t.test("each call of the list leaves one row with its outcome", async (t) => {
  const steps: readonly (readonly [call: Call, action: string, resource: string, detail: object])[] = [
    [{ method: "PUT", path: "/api/state/a%2Fb%20c", body: "1" }, "state.put", "a/b c", { version: 1 }],
    [
      { method: "PUT", path: "/api/state/a/b%20c", body: "2", headers: { "If-Match": "*" } },
      "state.put",
      "a/b c",
      { version: 2 },
    ],
    [{ method: "POST", path: "/api/state/a/b%20c?rollback=1" }, "state.rollback", "a/b c", { version: 3 }],
    [{ method: "DELETE", path: "/api/state/a/b%20c" }, "state.delete", "a/b c", {}],
    [{ method: "PUT", path: "/api/state/%C3%A9", body: Buffer.from([0xff]) }, "state.put", "\u00e9", { version: 1 }],
    [{ method: "POST", path: "/api/metrics/reset" }, "metrics.reset", "", {}],
  ];
  for (const [call, action, resource, detail] of steps) {
    const { answer, rows } = await rowsOf(call);
    t.equal(answer.status, 200, `${call.method} ${call.path}`);
    t.equal(rows.length, 1, "one row");
    const [row] = rows;
    t.same(Object.keys(row ?? {}), ["id", "timestamp", "actor", "action", "resource", "detail", "outcome"]);
    t.match(row, {
      actor: "",
      action,
      resource,
      outcome: "success",
      timestamp: TIMESTAMP,
    });
    t.match(JSON.parse(row?.detail ?? ""), detail, "detail is JSON as text");
    t.ok(Math.abs(Date.parse(row?.timestamp ?? "") - Date.now()) < 60_000);
  }
});

t.test("each refused call of the list leaves one row, and a repeat is counted in it", async (t) => {
  await make({ method: "PUT", path: "/api/state/there", body: "1" });
  const refused: readonly (readonly [call: Call, status: number, action: string, resource: string])[] = [
    [{ method: "PUT", path: "/api/state/empty", body: "" }, 400, "state.put", "empty"],
    [{ method: "PUT", path: "/api/state/large", body: Buffer.alloc(BODY_BYTES_MAX + 1) }, 413, "state.put", "large"],
    [
      { method: "PUT", path: `/api/state/${"k".repeat(KEY_BYTES_MAX + 1)}`, body: "1" },
      400,
      "state.put",
      "k".repeat(KEY_BYTES_MAX + 1),
    ],
    [{ method: "PUT", path: "/api/state/", body: "1" }, 400, "state.put", ""],
    [{ method: "PUT", path: "/api/state/%zz", body: "1" }, 400, "state.put", ""],
    [{ method: "PUT", path: "/api/state/there?if_version=x", body: "1" }, 400, "state.put", "there"],
    [{ method: "PUT", path: "/api/state/there?if_version=7", body: "1" }, 412, "state.put", "there"],
    [
      { method: "PUT", path: "/api/state/a/b%20c", body: "1", headers: { "If-Match": '"x"' } },
      412,
      "state.put",
      "a/b c",
    ],
    [
      { method: "PUT", path: "/api/state/there", body: "1", headers: { Origin: "http://evil.example" } },
      403,
      "state.put",
      "there",
    ],
    [
      { method: "PUT", path: "/api/state/there", body: "1", headers: { "Content-Type": "x".repeat(300) } },
      400,
      "state.put",
      "there",
    ],
    [{ method: "POST", path: "/api/state/there" }, 400, "state.rollback", "there"],
    [{ method: "POST", path: "/api/state/there?rollback=9" }, 404, "state.rollback", "there"],
    [{ method: "POST", path: "/api/state/nothing?rollback=1" }, 404, "state.rollback", "nothing"],
    [
      { method: "POST", path: "/api/state/there?rollback=1", headers: { "If-Match": '"x"' } },
      412,
      "state.rollback",
      "there",
    ],
    [{ method: "DELETE", path: "/api/state/nothing" }, 404, "state.delete", "nothing"],
    [{ method: "DELETE", path: "/api/state/there?if_version=9" }, 412, "state.delete", "there"],
    [{ method: "DELETE", path: "/api/state/there", headers: { Origin: "null" } }, 403, "state.delete", "there"],
    [
      { method: "POST", path: "/api/metrics/reset", headers: { Origin: "http://evil.example" } },
      403,
      "metrics.reset",
      "",
    ],
  ];
  for (const [call, status, action, resource] of refused) {
    const { answer, rows } = await rowsOf(call);
    const name = `${call.method} ${call.path.slice(0, 50)} ${status}`;
    t.equal(answer.status, status, name);
    t.equal(rows.length, 1, `${name}: one row`);
    t.match(rows[0], { action, resource, outcome: "error", actor: "" }, name);
    t.match(JSON.parse(rows[0]?.detail ?? ""), { code: status, error: answer.json<Refusal>().error }, name);
    t.equal(rows[0]?.count, 1, `${name}: once`);
    const repeated = await rowsOf(call);
    t.equal(repeated.answer.status, status, `${name}, again`);
    t.same(repeated.rows, [], `${name}, again: no row`);
    const counted = (await entries("limit=10000")).find(({ id }) => id === rows[0]?.id);
    t.same(counted, { ...rows[0], count: 2 }, `${name}, again: counted, and nothing else has changed`);
  }
});

t.test("other calls leave no row", async (t) => {
  const calls: readonly (readonly [call: Call, status: number])[] = [
    [{ method: "GET", path: "/api/state/there" }, 200],
    [{ method: "GET", path: "/api/state/nothing" }, 404],
    [{ method: "GET", path: "/api/state/there?version=x" }, 400],
    [{ method: "GET", path: "/api/state", headers: { Origin: "http://evil.example" } }, 403],
    [{ method: "HEAD", path: "/api/state/there" }, 200],
    [{ method: "GET", path: "/api/audit?limit=x" }, 400],
    [{ method: "POST", path: "/api/events/publish", body: '{"topic":"a"}' }, 200],
    [{ method: "POST", path: "/api/events/publish", body: "{}" }, 400],
    [{ method: "GET", path: "/api/metrics" }, 200],
    [{ method: "PUT", path: "/api/nothing", body: "1" }, 404],
    [{ method: "PATCH", path: "/api/state/there", body: "1" }, 405],
    [{ method: "DELETE", path: "/api/state" }, 405],
    [{ method: "GET", path: "/api/metrics/reset" }, 405],
    [{ method: "PUT", path: "/api/state/there", body: "1", headers: { Host: "evil.example" } }, 421],
  ];
  for (const [call, status] of calls) {
    const { answer, rows } = await rowsOf(call);
    t.equal(answer.status, status, `${call.method} ${call.path}`);
    t.same(rows, [], `${call.method} ${call.path} leaves no row`);
  }
});

t.test("concurrent writes leave a row each, in the order of their versions", async (t) => {
  const before = await newestId();
  await Promise.all(
    Array.from({ length: 40 }, (_, at) => make({ method: "PUT", path: "/api/state/busy", body: `${at}` })),
  );
  const rows = (await entries("limit=1000")).filter(({ id }) => id > before).toReversed();
  t.same(
    rows.map(({ detail }) => (JSON.parse(detail) as { version: number }).version),
    Array.from({ length: 40 }, (_, at) => at + 1),
  );
});

t.test("the log is read newest first, by filters that combine", async (t) => {
  for (let at = 0; at < 120; at++) await make({ method: "PUT", path: `/api/state/filter/${at % 3}`, body: "1" });
  const all = await entries(`limit=${PAGE_ROWS_MAX}`);
  const ids = all.map(({ id }) => id);
  t.same(
    ids,
    ids.toSorted((a, b) => b - a),
  );
  t.equal((await entries()).length, AUDIT_ROWS_DEFAULT, "50 by default");
  t.same(await entries("limit=1"), all.slice(0, 1));
  t.same(await entries("limit=101"), all.slice(0, 101));
  t.same(
    await entries("action=state.delete&limit=1000"),
    all.filter(({ action }) => action === "state.delete"),
  );
  t.same(await entries("action=state.put&limit=10"), all.filter(({ action }) => action === "state.put").slice(0, 10));
  t.same(await entries("action=nothing"), []);
  t.same(await entries("actor=nobody"), []);
  t.same(await entries("actor=&limit=1000"), all, "an empty actor is a filter, too");
  t.same(
    await entries("actor=&action=metrics.reset"),
    all.filter(({ action }) => action === "metrics.reset"),
  );
  const newest = all[0]?.timestamp ?? "";
  const oldest = all.at(-1)?.timestamp ?? "";
  const between = (from: string, to: string): Entry[] =>
    all.filter(({ timestamp }) => timestamp >= from && timestamp <= to);
  t.same(await entries(`from=${oldest}&to=${newest}&limit=10000`), all, "both ends are included");
  t.same(await entries(`from=${newest}&limit=10000`), between(newest, newest));
  t.same(await entries(`to=${oldest}&limit=10000`), between(oldest, oldest));
  t.same(await entries(`from=${new Date(Date.parse(newest) + 1).toISOString()}`), []);
  t.same(await entries(`to=${new Date(Date.parse(oldest) - 1).toISOString()}`), []);
  t.same(await entries(`from=${newest}&to=${oldest}`), newest === oldest ? all : []);
  const middle = all[60]?.timestamp ?? "";
  t.same(
    await entries(`action=state.put&from=${oldest}&to=${middle}&limit=10000`),
    between(oldest, middle).filter(({ action }) => action === "state.put"),
  );
});

t.test("the summary counts the rows of the log", async (t) => {
  const count = (rows: readonly Entry[], of: "action" | "outcome"): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const row of rows) counts[row[of]] = (counts[row[of]] ?? 0) + 1;
    return counts;
  };
  const expected = (rows: readonly Entry[]): Summary => ({
    total_entries: rows.length,
    action_counts: count(rows, "action"),
    outcome_counts: count(rows, "outcome"),
    unique_actors: 0,
    unique_resources: new Set(rows.map(({ resource }) => resource)).size,
  });
  const all = await entries("limit=10000");
  const answer = await send(koor.port, "GET", "/api/audit/summary");
  t.same(Object.keys(answer.json<object>()), [
    "total_entries",
    "action_counts",
    "outcome_counts",
    "unique_actors",
    "unique_resources",
  ]);
  t.same(answer.json(), expected(all));
  const middle = all[100]?.timestamp ?? "";
  t.same(await summary(`from=${middle}`), expected(all.filter(({ timestamp }) => timestamp >= middle)));
  t.same(await summary(`to=${middle}`), expected(all.filter(({ timestamp }) => timestamp <= middle)));
  t.same(await summary("from=9999-01-01T00:00:00Z"), expected([]));
  const deletes = expected(all.filter(({ action }) => action === "state.delete"));
  t.same(await summary("action=state.delete"), deletes);
  t.same(await summary("actor=none-of-them&buckets=5"), { ...expected([]), histogram: null });
  const { histogram, ...rest } = await summary("action=state.delete&buckets=5");
  t.same(rest, deletes);
  const sumOf = (counts: readonly number[] = []): number => counts.reduce((sum, one) => sum + one, 0);
  t.match(histogram, { from: TIMESTAMP, step_ms: Number });
  t.ok((histogram?.success.length ?? 6) <= 5);
  t.same(
    { success: sumOf(histogram?.success), error: sumOf(histogram?.error) },
    { success: 0, error: 0, ...deletes.outcome_counts },
  );
  const hour = await summary("from=2026-02-09T14:00:00Z&to=2026-02-09T14:59:59Z&buckets=60");
  t.equal(hour.histogram, null, "there was no row");
});

t.test("parameters that do not parse are a 400", async (t) => {
  const paths = [
    ...["0", "-1", "x", "1.5", "", String(PAGE_ROWS_MAX + 1)].map((value) => `/api/audit?limit=${value}`),
    ...["x", "", "2026-13-01T00:00:00Z", "2026-02-09"].flatMap((value) =>
      ["/api/audit", "/api/audit/summary"].flatMap((path) => [`${path}?from=${value}`, `${path}?to=${value}`]),
    ),
    "/api/audit?actor=%zz",
    ...["0", "1", "201", "x"].map((value) => `/api/audit/summary?buckets=${value}`),
  ];
  for (const path of paths) {
    const answer = await send(koor.port, "GET", path);
    t.equal(answer.status, 400, path);
    t.match(answer.json<Refusal>(), { code: 400, error: /^(limit|from|to|buckets) must|escape/ }, path);
  }
});

t.test("a wrong token leaves a row for each refusal, but a limited number a minute", async (t) => {
  const guarded = await startKoor(t, { args: ["--auth-token", TOKEN] });
  const authorization = { Authorization: `Bearer ${TOKEN}` };
  const attempts = 2 * AUDIT_UNAUTHENTICATED_ROWS_PER_MINUTE_MAX + 50;
  const answers = await Promise.all(
    Array.from({ length: attempts }, (_, at) =>
      send(guarded.port, at % 2 === 0 ? "PUT" : "DELETE", `/api/state/k${at}`, {
        ...(at % 2 === 0 ? { body: "1" } : {}),
        // After ten wrong tokens the right one would not be checked either.
        headers: at % 3 === 0 && at < LOG_IN_WRONG_MAX ? { Authorization: "Bearer guess" } : {},
      }),
    ),
  );
  t.ok(answers.every(({ status }) => status === 401));
  const rows = await entries("limit=10000", guarded, authorization);
  // The attempts may fall into two minutes of the clock, not into three.
  t.ok(
    rows.length >= AUDIT_UNAUTHENTICATED_ROWS_PER_MINUTE_MAX &&
      rows.length <= 2 * AUDIT_UNAUTHENTICATED_ROWS_PER_MINUTE_MAX,
    `${rows.length} rows`,
  );
  t.match(rows.at(-1), { actor: "", outcome: "error", action: /^state\.(put|delete)$/, resource: /^k\d+$/ });
  t.match(JSON.parse(rows.at(-1)?.detail ?? ""), { code: 401 });
  t.notMatch(JSON.stringify(rows), "guess", "the wrong tokens are not in the log");
  const scrape = parseExposition((await send(guarded.port, "GET", "/metrics", { headers: authorization })).text);
  t.equal(scrape.get("koor_http_unauthenticated_total")?.samples[0]?.value, attempts, "all are counted");
  const limited = rows.length;
  const others = [
    { method: "GET", path: "/api/state" },
    { method: "POST", path: "/api/events/publish" },
    { method: "PUT", path: "/nothing" },
    { method: "PATCH", path: "/api/state/k" },
  ];
  for (const { method, path } of others)
    t.equal((await send(guarded.port, method, path)).status, 401, `${method} ${path}`);
  t.equal(
    (await send(guarded.port, "PUT", "/api/state/k?if_version=9", { body: "1", headers: authorization })).status,
    412,
  );
  t.equal(
    (await entries("limit=10000", guarded, authorization)).length,
    limited + 1,
    "other refusals are not limited, other calls not audited",
  );
});

t.test("the log outlives the server, and the database refuses to change it", async (t) => {
  const rows = await entries("limit=10000");
  t.equal(await koor.stop(), 0);
  const db = openDatabase(join(koor.data_dir, "data.db"));
  t.teardown(() => db.close());
  for (const statement of [
    "UPDATE audit SET count = 2 WHERE outcome = 'success'",
    "UPDATE audit SET count = 1 WHERE count = 2",
    "UPDATE audit SET count = NULL WHERE count = 2",
    "UPDATE audit SET count = 9, detail = '' WHERE outcome = 'error'",
    "UPDATE audit SET actor = 'x'",
    "UPDATE audit SET detail = '' WHERE id = 1",
    "DELETE FROM audit",
    "DELETE FROM audit WHERE id = 1",
  ]) {
    t.throws(() => db.exec(statement), /append-only/, statement);
  }
  db.close();
  const again = await startKoor(t, { data_dir: koor.data_dir });
  t.same(await entries("limit=10000", again), rows);
  await send(again.port, "PUT", "/api/state/after", { body: "1" });
  t.match((await entries("limit=1", again))[0], { id: (rows[0]?.id ?? 0) + 1, resource: "after" });
});
