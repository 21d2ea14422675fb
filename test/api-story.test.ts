/**
 * Tests "The past" of the HTTP API against a real server: after each step of a team's work, the present answers are
 * noted, and later the answers of that time must be the same.
 */
import t, { type Test } from "tap";
import { DAY_MS } from "../shared/duration.js";
import { LEASE_KEEP_MS } from "../schemas/limits/leases.js";
import { refusal, refusalOf } from "./support/answers.js";
import { send, type Answer } from "./support/http-client.js";
import { Agent } from "./support/leasing.js";
import { startKoor, type Koor } from "./support/server-process.js";
import { IS_FOLLOWER } from "./support/variant.js";

type Item = Readonly<Record<string, unknown>>;

/** The lists as they were at a time. */
interface Noted {
  readonly at: string;
  readonly state: readonly Item[];
  readonly leases: readonly Item[];
  readonly tasks: readonly Item[];
}

const OF_LEASE = [
  ...[
    "id",
    "fence",
    "state",
    "holder",
    "workspace",
    "resources",
    "mode",
    "scope",
    "checkout",
    "task",
    "ttl_s",
    "max_s",
  ],
  ...["granted_at", "requested_at", "ended_at", "touched_at", "automatic", "max_holders", "any"],
];
const OF_TASK = ["id", "state", "holder", "fence", "title", "created_at", "created_by", "claimed_at", "ended_at"];

function pick(items: readonly Item[], names: readonly string[]): Item[] {
  return items.map((item) => Object.fromEntries(names.map((name) => [name, item[name]])));
}

async function listed(port: number, path: string, member?: string): Promise<Item[]> {
  const answer = (await send(port, "GET", path)).json<Item[] & Record<string, Item[]>>();
  return (member === undefined ? answer : answer[member]) ?? [];
}

/** Waits until the clock of this machine, which is also the server's, shows the next ms. */
async function nextMs(port: number): Promise<void> {
  for (const ms = Date.now(); Date.now() <= ms; ) await send(port, "GET", "/health");
}

async function note({ port }: Koor): Promise<Noted> {
  const at = new Date().toISOString();
  const leases = await listed(port, "/api/leases?state=all", "leases");
  const live = leases.filter(({ state }) => state === "held" || state === "waiting");
  const noted = {
    at,
    state: await listed(port, "/api/state"),
    leases: pick(live, OF_LEASE),
    tasks: pick(await listed(port, "/api/tasks", "tasks"), OF_TASK),
  };
  await nextMs(port);
  return noted;
}

async function checkNoted(t: Test, { port }: Koor, { at, state, leases, tasks }: Noted): Promise<void> {
  t.same(await listed(port, `/api/at/${at}/state`, "state"), state, `state at ${at}`);
  t.same(pick(await listed(port, `/api/at/${at}/leases?state=all`, "leases"), OF_LEASE), leases, `leases at ${at}`);
  t.same(pick(await listed(port, `/api/at/${at}/tasks`, "tasks"), OF_TASK), tasks, `tasks at ${at}`);
}

/**
 * The tests ask for times of this machine's clock. On a follower, the log's time lags behind it by the delay of an
 * entry.
 */
const OWN_CLOCK = { skip: IS_FOLLOWER ? "the log's time lags behind this machine's clock" : false };

t.test("each time is answered as it was then", OWN_CLOCK, async (t) => {
  const koor = await startKoor(t);
  const { port } = koor;
  const [ana, ben] = [await Agent.register(port, "ana"), await Agent.register(port, "ben")];
  const put = (key: string, value: string): Promise<Answer> =>
    send(port, "PUT", `/api/state/${key}`, { body: value, headers: { "Content-Type": "text/plain" } });
  const noted: Noted[] = [await note(koor)];
  const step = async (...calls: Promise<unknown>[]): Promise<void> => {
    await Promise.all(calls);
    noted.push(await note(koor));
  };
  await step(put("plan", "one"));
  await step(put("plan", "two"), put("other", "1"));
  const lease = await ana.lease(["path:src/a.ts"], { reason: "tax" });
  await step();
  const waiting = await ben.lease(["path:src/**"], { queue: true });
  t.equal(waiting.state, "waiting");
  await step();
  await step(ana.ask("POST", "/api/tasks", { id: "build", title: "Build", resources: ["name:build"] }));
  const claimed = await ana.ask("POST", "/api/tasks/claim", { id: "build" });
  const { fence } = claimed.json<{ task: { fence: number } }>().task;
  await step();
  await step(send(port, "DELETE", "/api/state/plan"));
  await step(ana.release(lease));
  await step(ana.ask("POST", "/api/tasks/build/complete", { fence, result: "built" }));
  await step(put("plan", "three"));
  await step(send(port, "POST", `/api/leases/${waiting.id}/break`, { body: '{"reason":"late"}' }));
  t.equal(new Set(noted.map((one) => JSON.stringify({ ...one, at: "" }))).size, noted.length, "each step shows");
  for (const one of noted) await checkNoted(t, koor, one);

  const [before, one, two] = noted.map(({ at }) => at);
  const value = await send(port, "GET", `/api/at/${one ?? ""}/state/plan`);
  t.match(value, { status: 200, text: "one", headers: { "x-koor-version": "1", "content-type": "text/plain" } });
  const etag = String(value.headers["etag"]);
  const again = await send(port, "GET", `/api/at/${one ?? ""}/state/plan`, { headers: { "If-None-Match": etag } });
  t.equal(again.status, 304);
  t.equal((await send(port, "GET", `/api/at/${two ?? ""}/state/plan`)).text, "two");
  const missing = refusal(404, "key not found: plan");
  t.same(refusalOf(await send(port, "GET", `/api/at/${before ?? ""}/state/plan`)), missing);
  const gone = noted.find(({ state }) => state.length === 1 && state[0]?.["key"] === "other")?.at ?? "";
  t.same(refusalOf(await send(port, "GET", `/api/at/${gone}/state/plan`)), missing);

  const held = noted[4]?.at ?? "";
  t.same(
    (await listed(port, `/api/at/${held}/leases`, "leases")).map(({ state }) => state),
    ["held"],
  );
  const queue = await listed(port, `/api/at/${held}/leases?state=waiting`, "leases");
  t.match(queue, [{ id: waiting.id, reason: "", note: null, expires_at: null, position: null }], "not why it was lost");
  t.same(await listed(port, `/api/at/${held}/leases?workspace=other`, "leases"), []);
  t.same(await listed(port, `/api/at/${held}/leases?state=all&after=${waiting.id}&limit=1`, "leases"), [
    ...(await listed(port, `/api/at/${held}/leases`, "leases")),
  ]);
  const done = noted.at(-1)?.at ?? "";
  t.equal((await listed(port, `/api/at/${done}/tasks?state=done`, "tasks")).length, 1);
  t.same(await listed(port, `/api/at/${done}/tasks?state=claimed`, "tasks"), []);
  t.same(await listed(port, `/api/at/${done}/tasks?after=build`, "tasks"), []);
  t.equal((await send(port, "GET", `/api/at/${done}/tasks?after=none`)).status, 404);
});

t.test("a lease of one of many names, or with several holders, is answered as it was then", OWN_CLOCK, async (t) => {
  const koor = await startKoor(t);
  const [ana, ben] = [await Agent.register(koor.port, "ana"), await Agent.register(koor.port, "ben")];
  const cem = await Agent.register(koor.port, "cem");
  const noted: Noted[] = [];
  const first = await ana.lease(["deploy"], { any: ["port:1"] });
  await ana.lease(["browser"], { max_holders: 2 });
  noted.push(await note(koor));
  const waiting = await ben.lease(["build"], { any: ["port:1"], queue: true });
  const gone = await cem.lease(["test"], { any: ["port:1"], queue: true });
  noted.push(await note(koor));
  await cem.release(gone);
  await ana.release(first);
  noted.push(await note(koor));
  t.match(
    noted.map(({ leases }) => leases.find(({ id }) => id === waiting.id)?.["resources"]),
    [undefined, ["build"], ["build", "port:1"]],
    "a grant adds the chosen name",
  );
  t.match(noted[0]?.leases, [{ max_holders: 2 }, { any: ["port:1"] }]);
  for (const one of noted) await checkNoted(t, koor, one);
});

t.test("a time that the server cannot tell of is refused, with the time since which it can", OWN_CLOCK, async (t) => {
  const { port } = await startKoor(t, { args: ["--state-history", "1", "--task-retention", "48h"] });
  const past = (ms: number): string => new Date(Date.now() - ms).toISOString();
  const since = async (path: string): Promise<unknown> => {
    const answer = await send(port, "GET", path);
    t.equal(answer.status, 400, path);
    return answer.json<{ since: string }>().since;
  };
  for (const what of ["leases", "tasks"]) {
    const kept = what === "leases" ? LEASE_KEEP_MS : 2 * DAY_MS;
    t.type(await since(`/api/at/${past(kept)}/${what}`), "string");
    const answer = await send(port, "GET", `/api/at/${past(kept / 2)}/${what}`);
    t.equal(answer.status, 200);
    const about = answer.json<{ at: string; since: string }>();
    t.ok(Date.parse(about.since) > Date.now() - kept && about.since < about.at, "it says since when");
  }
  t.match((await send(port, "GET", "/api/at/1999-01-01T00:00:00Z/state")).json(), { since: null, state: [] });
  for (const time of ["yesterday", "2", past(-DAY_MS)])
    t.equal((await send(port, "GET", `/api/at/${time}/leases`)).status, 400, time);
  await send(port, "PUT", "/api/state/k", { body: "1" });
  const first = new Date().toISOString();
  await nextMs(port);
  await send(port, "PUT", "/api/state/k", { body: "2" });
  const [entry] = (await send(port, "GET", "/api/state")).json<{ updated_at: string }[]>();
  t.equal(await since(`/api/at/${first}/state/k`), entry?.updated_at);
  t.same((await send(port, "GET", `/api/at/${first}/state`)).json<{ state: unknown }>().state, [
    { key: "k", version: null, content_type: null, updated_at: null, kept_since: entry?.updated_at },
  ]);
});
