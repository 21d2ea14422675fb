/**
 * Tests "LLM usage" of the HTTP API against a real server: records, their event and their audit row, the list with its
 * one filter, the sums, and refusals.
 */
import t from "tap";
import { LIST_BYTES_MAX } from "../schemas/limits/answers.js";
import { PAGE_ROWS_MAX } from "../schemas/limits/answers.js";
import { LABEL_BYTES_MAX } from "../schemas/limits/names.js";
import { USAGE_ROWS_DEFAULT, USAGE_SERIES_INTERVALS_MAX } from "../schemas/limits/usage.js";
import { TIMESTAMP } from "./support/answers.js";
import { send, sendJson, type Refusal } from "./support/http-client.js";
import { RESTORE_REFUSED } from "./support/variant.js";
import { startKoor } from "./support/server-process.js";
import { makeSnapshot } from "./support/snapshot.js";

interface Usage {
  readonly id: number;
  readonly provider: string;
  readonly model: string;
  readonly instance_id: string;
  readonly project: string;
  readonly tokens_in: number;
  readonly tokens_out: number;
  readonly cost_usd: number;
  readonly request_type: string;
  readonly session_tag: string;
  readonly created_at: string;
}
interface Totals {
  readonly total_tokens_in: number;
  readonly total_tokens_out: number;
  readonly total_cost_usd: number;
  readonly request_count: number;
}
interface Summary {
  readonly group_by: string;
  readonly from: string;
  readonly to: string;
  readonly groups: Readonly<Record<string, Totals>>;
  readonly total: Totals;
  readonly interval?: string;
  readonly series?: readonly { readonly from: string; readonly groups: Readonly<Record<string, Totals>> }[];
}

const koor = await startKoor(t);
const { port } = koor;
const PATH = "/api/llm/usage";
const list = async (query = ""): Promise<Usage[]> => (await send(port, "GET", `${PATH}?${query}`)).json<Usage[]>();
const summary = async (query = ""): Promise<Summary> =>
  (await send(port, "GET", `${PATH}/summary?${query}`)).json<Summary>();
const newest = async <Item>(path: string): Promise<Item | undefined> =>
  (await send(port, "GET", path)).json<Item[]>()[0];

const NOTHING: Totals = { total_tokens_in: 0, total_tokens_out: 0, total_cost_usd: 0, request_count: 0 };

t.test("a new server has no usage", async (t) => {
  t.same(await list(), []);
  const nothing = { group_by: "project", from: "", to: "", groups: {}, total: NOTHING };
  t.equal((await send(port, "GET", `${PATH}/summary`)).text, `${JSON.stringify(nothing)}\n`);
  t.same(await summary("interval=day"), { ...nothing, interval: "day", series: [] });
});

t.test("a call is recorded, with its event and its audit row", async (t) => {
  const whole = {
    provider: "acme",
    model: "large",
    instance_id: "i-1",
    project: "trucks",
    tokens_in: 1200,
    tokens_out: 345,
    cost_usd: 0.0123,
    request_type: "chat",
    session_tag: "monday",
  };
  const answer = await sendJson(port, "POST", PATH, whole);
  t.equal(answer.status, 200);
  t.same(answer.json(), { id: 1, recorded: true });
  const [row] = await list();
  t.same(row, { id: 1, ...whole, created_at: row?.created_at });
  t.match(row?.created_at, TIMESTAMP);
  t.match(await newest("/api/events/history?last=1"), {
    topic: "llm.usage.recorded",
    data: row,
    source: "",
    created_at: row?.created_at,
  });
  const audit = await newest<{ readonly detail: string }>("/api/audit?limit=1");
  t.match(audit, { action: "llm.usage", resource: "1", actor: "", outcome: "success" });
  t.match(JSON.parse(audit?.detail ?? ""), {
    provider: "acme",
    model: "large",
    tokens_in: 1200,
    tokens_out: 345,
    cost_usd: 0.0123,
  });
  await koor.logged(/msg="llm usage recorded" id=1 model=large/);
});

t.test("missing members have defaults, and unknown ones are ignored", async (t) => {
  t.same((await sendJson(port, "POST", PATH, { provider: "p", model: "m", mood: "good" })).json(), {
    id: 2,
    recorded: true,
  });
  const [row] = await list("limit=1");
  t.same(row, {
    id: 2,
    provider: "p",
    model: "m",
    instance_id: "",
    project: "",
    tokens_in: 0,
    tokens_out: 0,
    cost_usd: 0,
    request_type: "completion",
    session_tag: "",
    created_at: row?.created_at,
  });
});

t.test("numbers come back as they were sent", async (t) => {
  for (const [tokens, cost] of [
    [Number.MAX_SAFE_INTEGER, 0.1],
    [0, 1e-9],
    [1, 123_456.789012],
    [5, 0.30000000000000004],
  ] as const) {
    await sendJson(port, "POST", PATH, {
      provider: "p",
      model: "digits",
      tokens_in: tokens,
      tokens_out: tokens,
      cost_usd: cost,
      session_tag: "digits",
    });
    t.match((await list("limit=1"))[0], { tokens_in: tokens, tokens_out: tokens, cost_usd: cost });
  }
});

t.test("a wrong report is a 400 that names the field, stores nothing, and leaves an audit row", async (t) => {
  const before = await list(`limit=${PAGE_ROWS_MAX}`);
  const refused: readonly (readonly [body: unknown, error: string | RegExp])[] = [
    [{ model: "m" }, "provider is required"],
    [{ provider: "p" }, "model is required"],
    [{ provider: "", model: "m" }, "provider is required"],
    [{ provider: "p", model: "" }, "model is required"],
    [{ provider: 1, model: "m" }, "provider must be a string"],
    [{ provider: "p", model: "m", tokens_in: -1 }, /^tokens_in must/],
    [{ provider: "p", model: "m", tokens_out: -1 }, /^tokens_out must/],
    [{ provider: "p", model: "m", tokens_in: 1.5 }, "tokens_in must be an integer"],
    [{ provider: "p", model: "m", tokens_out: Number.MAX_SAFE_INTEGER + 1 }, /^tokens_out must/],
    [{ provider: "p", model: "m", tokens_in: "5" }, "tokens_in must be an integer"],
    [{ provider: "p", model: "m", cost_usd: -0.01 }, /^cost_usd must/],
    ['{"provider":"p","model":"m","cost_usd":1e400}', /^cost_usd must/],
    [{ provider: "p", model: "m", project: null }, "project must be a string"],
    [{ provider: "p", model: "m", session_tag: 5 }, "session_tag must be a string"],
    [{ provider: "p", model: "x".repeat(LABEL_BYTES_MAX + 1) }, `model is longer than ${LABEL_BYTES_MAX} characters`],
    ['{"provider":"p","model":"\\ud800"}', "model must be valid Unicode"],
    ["[]", "the body must be an object"],
    ["{", "malformed JSON body"],
    ["", "empty body"],
  ];
  for (const [body, error] of refused) {
    const answer = await sendJson(port, "POST", PATH, body);
    t.equal(answer.status, 400, JSON.stringify(body).slice(0, 80));
    t.match(answer.json<Refusal>(), { error, code: 400 });
    // Earlier refusals for the same reason are counted there.
    const rows = (await send(port, "GET", "/api/audit?action=llm.usage&limit=100")).json<
      readonly { readonly detail: string }[]
    >();
    const audit = rows.find(({ detail }) => detail.includes(JSON.stringify(answer.json<Refusal>().error)));
    t.match(audit, { resource: "", outcome: "error", detail: /"code":400/ });
  }
  t.same(await list(`limit=${PAGE_ROWS_MAX}`), before, "nothing was stored");
});

t.test("the list is newest first, with one filter in order of priority, and from and to", async (t) => {
  for (let at = 0; at < 60; at++) {
    await sendJson(port, "POST", PATH, {
      provider: "p",
      model: `m${at % 2}`,
      instance_id: `i${at % 3}`,
      project: `q${at % 4}`,
      session_tag: `s${at % 5}`,
      tokens_in: at,
      cost_usd: 0.1,
    });
  }
  const all = await list(`limit=${PAGE_ROWS_MAX}`);
  t.same(
    all.map(({ id }) => id),
    all.map((_, at) => all.length - at),
    "newest first",
  );
  t.equal((await list()).length, USAGE_ROWS_DEFAULT, "50 by default");
  t.same(await list("limit=3"), all.slice(0, 3));
  const where = (keep: (row: Usage) => boolean): Usage[] => all.filter(keep);
  t.same(
    await list("instance=i1&limit=1000"),
    where((row) => row.instance_id === "i1"),
  );
  t.same(
    await list("project=q1&limit=1000"),
    where((row) => row.project === "q1"),
  );
  t.same(
    await list("session_tag=s1&limit=1000"),
    where((row) => row.session_tag === "s1"),
  );
  t.same(
    await list("session_tag=s1&project=q1&instance=i1&limit=1000"),
    where((row) => row.instance_id === "i1"),
    "the instance wins",
  );
  t.same(
    await list("session_tag=s1&project=q1&limit=1000"),
    where((row) => row.project === "q1"),
    "then the project",
  );
  t.same(
    await list("instance=&project=q1&limit=2"),
    where((row) => row.project === "q1").slice(0, 2),
    "an empty filter does not count",
  );
  t.same(await list("instance=nobody&project=q1"), []);
  const middle = all[20]?.created_at ?? "";
  t.same(
    await list(`instance=i1&from=${middle}&limit=1000`),
    where((row) => row.instance_id === "i1" && row.created_at >= middle),
  );
  t.same(
    await list(`to=${middle}&limit=1000`),
    where((row) => row.created_at <= middle),
  );
  t.same(
    await list(`from=${middle}&to=${middle}`),
    where((row) => row.created_at === middle),
    "both ends are included",
  );
  t.same(await list("from=2999-01-01T00:00:00Z"), []);
});

t.test("the summary has the sums by group and of everything", async (t) => {
  const all = await list(`limit=${PAGE_ROWS_MAX}`);
  const names = { instance: "instance_id", project: "project", model: "model", session_tag: "session_tag" } as const;
  for (const [groupBy, field] of Object.entries(names)) {
    const found = await summary(`group_by=${groupBy}`);
    t.equal(found.group_by, groupBy);
    const wanted = new Set(all.map((row) => row[field]));
    t.same(new Set(Object.keys(found.groups)), wanted, groupBy);
    for (const name of wanted)
      t.equal(found.groups[name]?.request_count, all.filter((row) => row[field] === name).length, `${groupBy} ${name}`);
    t.equal(found.total.request_count, all.length);
  }
  const { groups } = await summary("group_by=project");
  t.same(
    groups["q1"],
    {
      total_tokens_in: Array.from({ length: 15 }, (_, at) => 4 * at + 1).reduce((a, b) => a + b, 0),
      total_tokens_out: 0,
      total_cost_usd: 1.5,
      request_count: 15,
    },
    "1.5, not 1.5000000000000002",
  );
  t.same((await summary()).groups, groups, "the default is by project");
  const { created_at } = all[20] as Usage;
  const part = await summary(`group_by=model&from=${created_at}&to=2999-01-01T00:00:00Z`);
  t.match(part, {
    from: created_at,
    to: "2999-01-01T00:00:00.000Z",
    total: { request_count: all.filter((row) => row.created_at >= created_at).length },
  });
  t.same(await summary("from=2999-01-01T00:00:00Z"), {
    group_by: "project",
    from: "2999-01-01T00:00:00.000Z",
    to: "",
    groups: {},
    total: NOTHING,
  });
});

t.test("a series has the same sums by the hour and by the day", { skip: RESTORE_REFUSED }, async (t) => {
  const other = await startKoor(t);
  const HOUR_MS = 3_600_000;
  const beginMs = Date.UTC(2026, 1, 9, 22, 59, 59, 999);
  /** Stores one call at each number of hours after the first; the server itself would use the current time. */
  const restored = (hour: number, project: string, at: number) => ({
    kind: "usage",
    id: at + 1,
    created_at: new Date(beginMs + hour * HOUR_MS).toISOString(),
    instance_id: "",
    project,
    session_tag: "",
    provider: "p",
    model: "m",
    request_type: "completion",
    tokens_in: 10 ** at,
    tokens_out: 1,
    cost_usd: 0.1,
  });
  const calls = [
    [0, "a"],
    [0, "b"],
    [0, "a"],
    [1, "b"],
    [2, "a"],
    [50, "a"],
  ] as const;
  const snapshot = makeSnapshot(calls.map(([hour, project], at) => restored(hour, project, at)));
  t.equal((await send(other.port, "POST", "/api/restore", { body: snapshot })).status, 200);
  const ask = async (query: string): Promise<Summary> =>
    (await send(other.port, "GET", `${PATH}/summary?${query}`)).json<Summary>();
  const totals = (totalTokensIn: number, totalCostUsd: number, requestCount: number): Totals => ({
    total_tokens_in: totalTokensIn,
    total_tokens_out: requestCount,
    total_cost_usd: totalCostUsd,
    request_count: requestCount,
  });
  const plain = await ask("");
  t.same(Object.keys(plain), ["group_by", "from", "to", "groups", "total"], "only where the query asks for it");
  t.strictSame(await ask("interval=hour"), {
    ...plain,
    interval: "hour",
    series: [
      { from: "2026-02-09T22:00:00.000Z", groups: { a: totals(101, 0.2, 2), b: totals(10, 0.1, 1) } },
      { from: "2026-02-09T23:00:00.000Z", groups: { b: totals(1000, 0.1, 1) } },
      { from: "2026-02-10T00:00:00.000Z", groups: { a: totals(10_000, 0.1, 1) } },
      { from: "2026-02-12T00:00:00.000Z", groups: { a: totals(100_000, 0.1, 1) } },
    ],
  });
  t.strictSame((await ask("interval=day")).series, [
    { from: "2026-02-09T00:00:00.000Z", groups: { a: totals(101, 0.2, 2), b: totals(1010, 0.2, 2) } },
    { from: "2026-02-10T00:00:00.000Z", groups: { a: totals(10_000, 0.1, 1) } },
    { from: "2026-02-12T00:00:00.000Z", groups: { a: totals(100_000, 0.1, 1) } },
  ]);
  t.match(
    await ask("interval=day&group_by=model&from=2026-02-09T23:00:00Z&to=2026-02-10T12:00:00%2B02:00"),
    {
      total: { request_count: 2 },
      series: [
        { from: "2026-02-09T00:00:00.000Z", groups: { m: totals(1000, 0.1, 1) } },
        { from: "2026-02-10T00:00:00.000Z", groups: { m: totals(10_000, 0.1, 1) } },
      ],
    },
    "days are those of UTC, and from and to may cut them",
  );

  const long = await startKoor(t);
  const hours = Array.from({ length: USAGE_SERIES_INTERVALS_MAX + 1 }, (_, at) => ({
    ...restored(at, "a", at),
    tokens_in: 1,
  }));
  t.equal((await send(long.port, "POST", "/api/restore", { body: makeSnapshot(hours) })).status, 200);
  const refused = await send(long.port, "GET", `${PATH}/summary?interval=hour`);
  t.equal(refused.status, 400);
  t.match(refused.json<Refusal>(), {
    error: "the series would have more than 1000 hours with usage: take a larger interval or a smaller range",
  });
  const fits = await send(long.port, "GET", `${PATH}/summary?interval=hour&from=2026-02-09T23:00:00Z`);
  t.equal(fits.json<Summary>().series?.length, USAGE_SERIES_INTERVALS_MAX, "a smaller range");
  const larger = await send(long.port, "GET", `${PATH}/summary?interval=day`);
  t.equal(larger.json<Summary>().series?.length, 43, "a larger interval");
});

t.test("the calling instance is recorded where the body names none", async (t) => {
  const { id } = (await sendJson(port, "POST", "/api/instances/register", { name: "reporter" })).json<{
    readonly id: string;
  }>();
  t.ok(id);
  const headers = { "X-Koor-Instance": id };
  await sendJson(port, "POST", PATH, { provider: "p", model: "m" }, headers);
  t.match((await list("limit=1"))[0], { instance_id: id });
  t.match(await newest("/api/events/history?last=1"), { topic: "llm.usage.recorded", source: id });
  t.match(await newest("/api/audit?action=llm.usage&limit=1"), { actor: id, outcome: "success" });
  await sendJson(port, "POST", PATH, { provider: "p", model: "m", instance_id: "another" }, headers);
  t.match((await list("limit=1"))[0], { instance_id: "another" });
});

t.test("a group may have any name, and sums keep their digits", async (t) => {
  for (const project of ["__proto__", "constructor", 'a"b']) {
    for (let at = 0; at < 2; at++)
      await sendJson(port, "POST", PATH, {
        provider: "p",
        model: "m",
        project,
        tokens_in: Number.MAX_SAFE_INTEGER,
        cost_usd: 0.1,
      });
  }
  const answer = await send(port, "GET", `${PATH}/summary`);
  t.match(
    answer.text,
    '"__proto__":{"total_tokens_in":18014398509481982,"total_tokens_out":0,"total_cost_usd":0.2,"request_count":2}',
  );
  t.match(answer.text, '"a\\"b":{');
});

t.test("parameters that do not parse are a 400", async (t) => {
  const refused: readonly (readonly [path: string, error: string | RegExp])[] = [
    [`${PATH}/summary?group_by=provider`, "group_by must be one of instance, project, model, session_tag"],
    [`${PATH}/summary?group_by=`, "group_by must be one of instance, project, model, session_tag"],
    [`${PATH}/summary?interval=week`, "interval must be hour or day"],
    [`${PATH}/summary?interval=`, "interval must be hour or day"],
    [`${PATH}/summary?from=monday`, "from must be an RFC 3339 time"],
    [`${PATH}/summary?to=`, "to must be an RFC 3339 time"],
    [`${PATH}?limit=0`, "limit must be a positive integer"],
    [`${PATH}?limit=${PAGE_ROWS_MAX + 1}`, /^limit must be at most/],
    [`${PATH}?from=2026-02-30T00:00:00Z`, "from must be an RFC 3339 time"],
    [`${PATH}?instance=%zz`, "malformed escape in the query"],
  ];
  for (const [path, error] of refused) {
    const answer = await send(port, "GET", path);
    t.equal(answer.status, 400, path);
    t.match(answer.json<Refusal>(), { error, code: 400 }, path);
  }
  t.equal((await send(port, "DELETE", PATH)).status, 405);
  t.match((await send(port, "DELETE", PATH)).headers, { allow: "GET, HEAD, POST" });
  const early = await summary("from=0000-01-01T00:00:00%2B23:59&to=9999-12-31T23:59:59-23:59");
  t.equal(
    early.total.request_count,
    (await list(`limit=${PAGE_ROWS_MAX}`)).length,
    "times outside the calendar are refused",
  );
});

t.test(
  "a summary of many long groups is a list in pages, each of bounded size",
  { skip: RESTORE_REFUSED },
  async (t) => {
    const other = await startKoor(t);
    const tag = "\u{1F600}".repeat(1000);
    const count = 9000;
    const tags = Array.from({ length: count }, (_, at) => `${tag}${String(at).padStart(5, "0")}`);
    const snapshot = makeSnapshot(
      tags.map((sessionTag, at) => ({
        kind: "usage",
        id: at + 1,
        provider: "p",
        model: "m",
        instance_id: "",
        project: "",
        tokens_in: 1,
        tokens_out: 1,
        cost_usd: 0,
        request_type: "completion",
        session_tag: sessionTag,
        created_at: "2026-02-09T22:00:00.000Z",
      })),
    );
    t.equal((await send(other.port, "POST", "/api/restore", { body: snapshot })).status, 200);
    const first = await send(other.port, "GET", `${PATH}/summary?group_by=session_tag`);
    t.equal(first.status, 200);
    t.ok(first.body.length < LIST_BYTES_MAX + 10_000, `${first.body.length} bytes`);
    const listed = Object.keys(first.json<Summary>().groups);
    t.ok(listed.length < count, `${listed.length} groups`);
    const next = String(first.headers["x-koor-next"]);
    t.equal(next, `after=${encodeURIComponent(listed.at(-1) ?? "")}`);
    const second = await send(other.port, "GET", `${PATH}/summary?group_by=session_tag&${next}`);
    t.equal(second.status, 200, second.text.slice(0, 200));
    t.equal(second.headers["x-koor-next"], undefined);
    t.same([...listed, ...Object.keys(second.json<Summary>().groups)], tags);
    t.equal(second.json<Summary>().total.request_count, count, "the total is that of all groups");
    const series = await send(other.port, "GET", `${PATH}/summary?group_by=session_tag&interval=day`);
    t.match(series.json(), {
      code: 400,
      error: `the series would have more than ${LIST_BYTES_MAX} bytes: take a smaller range`,
    });
  },
);
