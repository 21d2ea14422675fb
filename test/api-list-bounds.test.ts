/**
 * Tests lists of long items against a real server: each answer is bounded and has the position of the next page, and
 * what one client stores makes no request of another one fail.
 */
import t, { type Test } from "tap";
import { LIST_BYTES_MAX } from "../schemas/limits/answers.js";
import {
  CHECK_PATHS_MAX,
  LONG_LEASE_LISTS_WAITING_MAX,
  LONG_LEASE_LISTS_WAITING_OF_CALLER_MAX,
} from "../schemas/limits/leases.js";
import { MESSAGE_BODY_BYTES_MAX } from "../schemas/limits/messages.js";
import { REMARK_BYTES_MAX } from "../schemas/limits/names.js";
import { runCli } from "./cli/run-cli.js";
import { send, sendJson, type Answer } from "./support/http-client.js";
import { Agent } from "./support/leasing.js";
import { makeDirectory, startKoor } from "./support/server-process.js";
import { openSocket } from "./support/subscriber.js";
import { countRounds } from "./support/test-size.js";

const MIB = 2 ** 20;
/** The size of an answer beside its items, and of an item that no longer fits. */
const SLACK_BYTES = 64 * 1024;
/** A list with more answers than this never ends, which is a fault. */
const PAGES_MAX = 20;

/** Follows a list to its end. @returns the items of each answer, which are all checked against the bound */
async function follow<Item>(
  t: Test,
  port: number,
  path: string,
  itemsOf: (answer: Answer) => readonly Item[],
  headers = {},
): Promise<Item[][]> {
  const pages: Item[][] = [];
  const address = new URL(path, "http://server");
  for (let more = true; more; ) {
    const answer = await send(port, "GET", address.pathname + address.search, { headers });
    t.equal(answer.status, 200, answer.text.slice(0, 200));
    t.ok(answer.body.length <= LIST_BYTES_MAX + SLACK_BYTES, `${answer.body.length} bytes`);
    const items = itemsOf(answer);
    const mayBeEmpty = pages.length > 0 && address.searchParams.has("limit");
    t.ok(items.length > 0 || mayBeEmpty, "there is at least one item in each");
    pages.push([...items]);
    const next = answer.headers["x-koor-next"];
    more = typeof next === "string" && pages.length < PAGES_MAX;
    for (const [name, value] of new URLSearchParams(String(next))) address.searchParams.set(name, value);
  }
  return pages;
}

const idsOf = (answer: Answer): number[] => answer.json<{ readonly id: number }[]>().map(({ id }) => id);

t.test("lists of events are bounded", async (t) => {
  const { port } = await startKoor(t);
  const data = "x".repeat(9 * MIB);
  const ids: number[] = [];
  for (let at = 0; at < countRounds(9, 24); at++) {
    const published = await sendJson(port, "POST", "/api/events/publish", { topic: `a.${at}`, data });
    ids.push(published.json<{ readonly id: number }>().id);
  }
  const newest = await send(port, "GET", "/api/events/history");
  t.equal(newest.status, 200, "there is an answer for any number of events");
  t.same(idsOf(newest), ids.slice(-3).toReversed(), "it has as many as fit");
  const last = ids.at(-5) ?? 0;
  t.same(await follow(t, port, `/api/events/history?after=${last - 1}&last=100`, idsOf), [
    [last, last + 1, last + 2],
    [last + 3, last + 4],
  ]);
  t.same(
    await follow(t, port, `/api/events/history?from=2000-01-01T00:00:00Z&last=1000&before=${(ids[3] ?? 0) + 1}`, idsOf),
    [[ids[3], ids[2], ids[1]], [ids[0]]],
  );
  const waited = await send(port, "GET", `/api/events/history?after=${last - 1}&wait=10`);
  t.same(
    [idsOf(waited), waited.headers["x-koor-next"]],
    [[last, last + 1, last + 2], `after=${last + 2}`],
    "an answer after a wait is bounded, too",
  );
  const stopped = await send(port, "GET", `/api/events/history?topic=a.*&last=3&after=${last - 1}`, {
    headers: { Origin: `http://localhost:${port}` },
  });
  t.match(
    stopped.headers["access-control-expose-headers"],
    /X-Koor-Next/,
    "a page of another origin may read the position",
  );
  const replay = await openSocket(t, port, `since=${last - 1}`);
  await replay.untilId(last + 4);
  t.equal(replay.items.length, 5, "a replay goes through all of them");
});

t.test("lists of agents' texts are bounded", async (t) => {
  const { port } = await startKoor(t);
  const [ana, bob] = [await Agent.register(port, "ana"), await Agent.register(port, "bob")];
  // As JSON each character takes six.
  const body = "\u0001".repeat(MESSAGE_BODY_BYTES_MAX);
  const sent: string[] = [];
  for (let at = 0; at < 90; at++) {
    const answer = await ana.ask("POST", "/api/messages", { to: bob.id, subject: `s${at}`, body });
    sent.push(answer.json<{ readonly id: string }>().id);
  }
  const messagesOf = (answer: Answer): string[] =>
    answer.json<{ readonly messages: readonly { readonly id: string }[] }>().messages.map(({ id }) => id);
  const first = await bob.ask("GET", "/api/messages?unread=1");
  const reported = messagesOf(first);
  t.ok(reported.length < sent.length, "an in-box is cut");
  t.equal(first.json<{ readonly last_id: string }>().last_id, reported.at(-1), "after its last message");
  const seen = (await send(port, "GET", "/api/messages/all?limit=1")).json<{
    readonly messages: readonly { readonly to: readonly { readonly delivered_at: string | null }[] }[];
  }>();
  t.equal(seen.messages[0]?.to[0]?.delivered_at, null, "messages that did not fit were not delivered");
  t.same((await follow(t, port, "/api/messages", messagesOf, bob.headers)).flat(), sent);
  t.same((await follow(t, port, "/api/messages?box=out", messagesOf, ana.headers)).flat(), sent);
  t.same((await follow(t, port, "/api/messages/all", messagesOf)).flat(), sent.toReversed());
});

t.test("lists of reported records are bounded", async (t) => {
  const { port } = await startKoor(t);
  const description = "\u0001".repeat(64 * 1024);
  const names = Array.from({ length: 96 }, (_, at) => `t${String(at).padStart(2, "0")}`);
  for (const id of names) {
    const data = [{ rule_id: id, pattern: "a", context: description }];
    const made = await sendJson(port, "POST", "/api/templates", { id, name: id, description, data });
    t.equal(made.status, 200, made.text.slice(0, 100));
    await sendJson(port, "POST", `/api/templates/${id}/apply`, { project: id < "t48" ? "p/1" : "p/2" });
  }
  const byId = (answer: Answer): string[] => answer.json<{ readonly id: string }[]>().map(({ id }) => id);
  const rulesOf = (answer: Answer): string[] => {
    const json = answer.json<{ readonly rules?: object[] } & object[]>();
    return (json.rules ?? json).map((rule) => (rule as { readonly rule_id: string }).rule_id);
  };
  const templates = await follow(t, port, "/api/templates", byId);
  t.ok(templates.length > 1);
  t.same(templates.flat(), names);
  for (const path of ["/api/rules", "/api/rules/export?source=external"]) {
    const rules = await follow(t, port, path, rulesOf);
    t.ok(rules.length > 1, path);
    t.same(rules.flat(), names);
  }
  t.same((await follow(t, port, "/api/validate/p%2F1/rules", rulesOf)).flat(), names.slice(0, 48));
});

t.test("lists by key are bounded, and continue after a key", async (t) => {
  const { port } = await startKoor(t);
  const usage = { provider: "p".repeat(1024), model: "m".repeat(1024) };
  for (let at = 0; at < 5; at++) {
    await send(port, "PUT", `/api/specs/p/${at}`, { body: "{}" });
    await send(port, "PUT", `/api/specs/q${at}/x`, { body: "{}" });
    await sendJson(port, "POST", "/api/llm/usage", usage);
  }
  type Specs = { readonly specs: readonly { readonly name: string }[] };
  type Projects = { readonly projects: readonly { readonly project: string }[] };
  const specs = (await send(port, "GET", "/api/specs/p?after=2")).json<Specs>().specs;
  t.same(
    specs.map(({ name }) => name),
    ["3", "4"],
  );
  const projects = (await send(port, "GET", "/api/specs?after=q1")).json<Projects>().projects;
  t.same(
    projects.map(({ project }) => project),
    ["q2", "q3", "q4"],
  );
  const audit = idsOf(await send(port, "GET", "/api/audit?limit=3"));
  t.same(idsOf(await send(port, "GET", `/api/audit?limit=3&before=${audit[1]}`))[0], audit[2]);
  const used = idsOf(await send(port, "GET", "/api/llm/usage?limit=3"));
  t.same(idsOf(await send(port, "GET", `/api/llm/usage?limit=3&before=${used[1]}`))[0], used[2]);
  for (const path of ["audit", "llm/usage", "compliance/history", "events/history"])
    t.equal((await send(port, "GET", `/api/${path}?before=x`)).status, 400, `${path}: no id`);
});

/** The lists that have a limit and a cursor, the query with which they have items, and the member with the items. */
const LIMITED: Readonly<Record<string, { readonly query?: string; readonly member?: string }>> = {
  "/api/state": {},
  "/api/compliance/history": {},
  "/api/events/history": { query: "topic=a" },
  "/api/leases": { member: "leases" },
  "/api/evidence": {},
  "/api/tasks": { member: "tasks" },
  "/api/messages": { member: "messages" },
  "/api/messages/all": { member: "messages" },
  "/api/messages/threads": { member: "threads" },
  "/api/audit": {},
  "/api/at/{time}/state": { member: "state" },
  "/api/at/{time}/leases": { member: "leases" },
  "/api/at/{time}/tasks": { member: "tasks" },
  "/api/llm/usage": {},
};

interface Listed {
  readonly id?: number | string;
  readonly key?: string;
  readonly thread?: string;
}

/** Returns the lists of the server's description that have a limit and a cursor. */
async function limitedLists(port: number): Promise<string[]> {
  type Described = Record<string, { readonly get?: { readonly parameters?: readonly { readonly name: string }[] } }>;
  const { paths } = (await send(port, "GET", "/openapi.json")).json<{ readonly paths: Described }>();
  return Object.entries(paths).flatMap(([path, { get }]) => {
    const names = new Set(get?.parameters?.map(({ name }) => name));
    const isLimited = (names.has("limit") || names.has("last")) && (names.has("after") || names.has("before"));
    return isLimited ? [path] : [];
  });
}

t.test("a list that ends at its limit names the next part", async (t) => {
  const { port } = await startKoor(t);
  const [ana, bob] = [await Agent.register(port, "ana"), await Agent.register(port, "bob")];
  await sendJson(port, "PUT", "/api/specs/w/contract", { kind: "contract", endpoints: {} });
  await ana.ask("POST", `/api/instances/${ana.id}/activate`);
  for (const at of [1, 2, 3, 4]) {
    await ana.ask("PUT", `/api/state/k${at}`, { at });
    await ana.ask("POST", "/api/events/publish", { topic: "a", data: at });
    await ana.ask("POST", "/api/leases", { resources: [`r${at}`] });
    await ana.ask("POST", "/api/evidence", { command: "npm test", exit_code: 0 });
    await ana.ask("POST", "/api/tasks", { title: `t${at}` });
    await bob.ask("POST", "/api/messages", { to: ana.id, subject: `m${at}`, body: "" });
    await ana.ask("POST", "/api/llm/usage", { provider: "p", model: "m", tokens_in: at });
    await ana.ask("POST", "/api/compliance/run");
  }
  t.strictSame((await limitedLists(port)).toSorted(), Object.keys(LIMITED).toSorted(), "each list is in the table");
  const time = encodeURIComponent(new Date().toISOString());
  for (const [route, { query = "", member }] of Object.entries(LIMITED)) {
    const path = route.replace("{time}", time);
    const limit = route === "/api/events/history" ? "last" : "limit";
    const itemsOf = (answer: Answer): unknown[] => {
      const json = answer.json<Record<string, Listed[]> & Listed[]>();
      return (member === undefined ? json : (json[member] ?? [])).map(({ id, key, thread }) => id ?? key ?? thread);
    };
    const [whole = []] = await follow(t, port, `${path}?${query}`, itemsOf, ana.headers);
    t.ok(whole.length >= 4, `${route} has ${whole.length} items`);
    const parts = await follow(t, port, `${path}?${query}&${limit}=3`, itemsOf, ana.headers);
    t.same(parts[0]?.length, 3, route);
    t.same(parts.flat(), whole, `${route} in parts`);
  }
});

t.test("only few long lists of leases are built together", async (t) => {
  const { port } = await startKoor(t);
  const [agent, other] = [await Agent.register(port, "agent"), await Agent.register(port, "other")];
  const reason = "r".repeat(REMARK_BYTES_MAX);
  const leases = Array.from({ length: 400 }, (_, at) => at);
  const answers = await Promise.all(
    leases.map((at) => sendJson(port, "POST", "/api/leases", { resources: [`name:${at}`], reason }, agent.headers)),
  );
  t.ok(answers.every(({ status }) => status === 200));
  const list = ({ headers }: Agent): Promise<Answer> =>
    send(port, "GET", `/api/leases?limit=${leases.length}`, { headers });
  const lists = await Promise.all([
    ...Array.from({ length: 2 * LONG_LEASE_LISTS_WAITING_MAX }, () => list(agent)),
    list(other),
  ]);
  const whole = lists.filter(({ status }) => status === 200);
  t.ok(whole.every((answer) => answer.json<{ leases: object[] }>().leases.length === leases.length));
  t.ok(whole.length > LONG_LEASE_LISTS_WAITING_OF_CALLER_MAX, `${whole.length} lists`);
  t.equal(lists.at(-1)?.status, 200, "a caller leaves room for others");
  const refused = lists.filter(({ status }) => status === 503);
  t.equal(refused.length + whole.length, lists.length);
  t.ok(refused.length > 0, "the others would take memory without a limit");
  const paths = Array.from({ length: CHECK_PATHS_MAX }, (_, at) => `${at}.ts`);
  t.equal((await agent.tryLease(["path:**"])).status, 200);
  const checks = await Promise.all(
    Array.from({ length: 2 * LONG_LEASE_LISTS_WAITING_MAX }, () =>
      sendJson(port, "POST", "/api/leases/check", { paths, workspace: agent.workspace }, other.headers),
    ),
  );
  t.same(new Set(checks.map(({ status }) => status)), new Set([200, 503]));
});

t.test("the command line reads a list to its end", async (t) => {
  const { port } = await startKoor(t);
  const data = "x".repeat(9 * MIB);
  for (let at = 0; at < 4; at++) await sendJson(port, "POST", "/api/events/publish", { topic: "a", data });
  const listed = await runCli(["events", "history"], {
    cwd: makeDirectory(t),
    env: { KOOR_SERVER: `http://127.0.0.1:${port}` },
  });
  t.equal(listed.code, 0);
  t.equal(listed.stderr, "");
  t.same(
    (JSON.parse(listed.stdout) as { readonly id: number }[]).map(({ id }) => id),
    [4, 3, 2, 1],
  );
});
