/**
 * Tests `GET /asyncapi.json`: it describes every event of the server, and what the real server publishes, streams and
 * delivers fits the description. `test/generators.test.ts` gives it to AsyncAPI's own parser.
 */
import t from "tap";
import { Compile } from "typebox/schema";
import { SERVER_TOPICS } from "../schemas/events.js";
import { VERSION } from "../schemas/version.js";
import { send, sendJson } from "./support/http-client.js";
import { startReceiver } from "./support/receiver.js";
import { startKoor } from "./support/server-process.js";

type Json = Readonly<Record<string, unknown>>;
interface Description {
  readonly asyncapi: string;
  readonly info: { readonly version: string };
  readonly channels: Readonly<Record<string, { readonly address: string | null; readonly messages: Json }>>;
  readonly components: {
    readonly messages: Readonly<Record<string, { readonly payload: Json; readonly headers?: Json }>>;
  };
}
interface Event {
  readonly topic: string;
}

const koor = await startKoor(t, { args: ["--state-events"] });
const { port } = koor;
const description = (await send(port, "GET", "/asyncapi.json")).json<Description>();
const { messages } = description.components;

/** Returns the schema with no members but the described ones, so that a missing description is found, too. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, closed(member)]));
  return members["type"] === "object" ? { ...members, additionalProperties: false } : members;
}

function fits(message: string, value: unknown, part: "payload" | "headers" = "payload"): boolean {
  return Compile(closed(messages[message]?.[part]) as Json).Check(value);
}

async function register(name: string): Promise<{ "x-koor-instance": string }> {
  const { id } = (await sendJson(port, "POST", "/api/instances/register", { name, workspace: "w" })).json<{
    id: string;
  }>();
  await send(port, "POST", `/api/instances/${id}/activate`);
  return { "x-koor-instance": id };
}

async function post<Answer>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const answer = await send(port, "POST", path, { body: JSON.stringify(body), headers });
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  return answer.json<Answer>();
}

const BUDGET = { scope: "agent", target: "ana" };

/** Makes the server publish each of its events at least once. */
async function makeAllEvents(): Promise<void> {
  const [ana, ben] = [await register("ana"), await register("ben")];
  await sendJson(port, "PUT", "/api/state/k", { a: 1 });
  await send(port, "DELETE", "/api/state/k");
  await sendJson(port, "PUT", "/api/budgets/b", { ...BUDGET, tokens: 9 });
  await post("/api/llm/usage", { provider: "p", model: "m", tokens_in: 1 }, ana);
  for (const tokens of [2, 1, 3]) await sendJson(port, "PUT", "/api/budgets/b", { ...BUDGET, tokens, warn_at: 0.5 });
  await post("/api/evidence", { command: "make", exit_code: 0 });
  const limit = { provider: "p", account: "a", retry_after_s: 60 };
  const { id } = await post<{ id: number }>("/api/llm/limits", limit, ana);
  await send(port, "DELETE", `/api/llm/limits/${id}`);
  await post("/api/messages", { to: [ben["x-koor-instance"]], subject: "s", body: "b" }, ana);

  const resources = ["path:a.ts"];
  const { id: lease } = await post<{ id: string }>("/api/leases", { resources, ttl_s: 60 }, ana);
  await post("/api/leases", { resources, queue: true }, ben);
  await denyThrice();
  await post(`/api/leases/${lease}/break`, { reason: "to be seen" });
  const { id: short, fence } = await post<{ id: string; fence: number }>(
    "/api/leases",
    { resources: ["name:x"], ttl_s: 60 },
    ana,
  );
  await send(port, "DELETE", `/api/leases/${short}?fence=${fence}`, { headers: ana });

  await makeTaskEvents(ana);

  await sendJson(port, "PUT", "/api/specs/w/c", { kind: "contract" });
  await post("/api/compliance/run", {});

  for (const [checkout, paths] of [
    ["a", ["a.ts"]],
    ["b", ["a.ts"]],
    ["b", []],
  ] as const) {
    const report = { workspace: "w", files: paths.map((path) => ({ path })) };
    await sendJson(port, "PUT", `/api/checkouts/${checkout}/changes`, report);
  }

  await post("/api/webhooks", { id: "far", url: "http://127.0.0.1:9/", patterns: ["far"] });
  await post("/api/events/publish", { topic: "far" }, { "x-koor-hops": "1000" });
}

async function denyThrice(): Promise<void> {
  const headers = { "x-koor-root": "/p", "x-koor-workspace": "w" };
  const event = (name: string, more: Json): Promise<unknown> =>
    post("/api/hooks/claude", { session_id: "s-1", cwd: "/p", hook_event_name: name, ...more }, headers);
  await event("SessionStart", { source: "startup" });
  for (const call of ["1", "2", "3"])
    await event("PreToolUse", { tool_name: "Write", tool_use_id: call, tool_input: { file_path: "/p/a.ts" } });
  await event("SessionEnd", { reason: "exit" });
}

async function makeTaskEvents(ana: Record<string, string>): Promise<void> {
  await post(
    "/api/tasks",
    [
      { id: "one", title: "one", max_attempts: 1 },
      { title: "two", after: ["#0"] },
    ],
    ana,
  );
  const step = (verb: string, body: Json = {}): Promise<unknown> => post(`/api/tasks/one/${verb}`, body, ana);
  const claim = async (): Promise<number> => {
    const { task } = await post<{ task: { fence: number } }>("/api/tasks/claim", { id: "one" }, ana);
    return task.fence;
  };
  await step("ask", { fence: await claim(), question: "which?" });
  await step("answer", { answer: "this" });
  await step("cancel");
  await step("retry");
  await step("fail", { fence: await claim(), error: "no", retry: false });
  await step("retry");
  await step("fail", { fence: await claim(), error: "no" });
  await step("retry");
  await step("complete", { fence: await claim() });
}

t.test("it is an AsyncAPI document of this version, and names the streams", (t) => {
  t.equal(description.asyncapi, "3.0.0");
  t.equal(description.info.version, VERSION);
  t.same(
    Object.values(description.channels).map(({ address }) => address),
    ["/api/events/subscribe", "/api/events/stream", "/api/changes", null],
  );
  t.ok(SERVER_TOPICS.every((topic) => topic in (description.channels["subscribe"]?.messages ?? {})));
  t.end();
});

t.test("each event that the server publishes fits its description", async (t) => {
  await makeAllEvents();
  const events = (await send(port, "GET", "/api/events/history?last=1000")).json<Event[]>();
  const own = events.filter(({ topic }) => topic in messages && topic !== "event");
  for (const event of own) t.ok(fits(event.topic, event), JSON.stringify(event));
  const published = new Set(own.map(({ topic }) => topic));
  t.same(
    SERVER_TOPICS.filter((topic) => !published.has(topic)),
    [],
    "every topic was published",
  );
  const [event] = own;
  t.notOk(fits("agent.stale", { ...event, topic: "agent.stale" }), "another event does not fit");
  t.notOk(fits(event?.topic ?? "", { ...event, more: 1 }), "one with an undescribed member does not fit");
});

t.test("deliveries, changes and notices fit their descriptions", async (t) => {
  const receiver = await startReceiver(t);
  await post("/api/webhooks", { id: "near", url: receiver.url, patterns: ["near"], secret: "s" });
  await post("/api/events/publish", { topic: "near", data: { a: 1 } });
  await receiver.until(() => receiver.requests.length > 0);
  const [request] = receiver.requests;
  t.ok(fits("delivery", JSON.parse(String(request?.body))), String(request?.body));
  const named = Object.entries(request?.headers ?? {}).filter(([name]) => name.startsWith("x-koor-"));
  const described = Object.keys(messages["delivery"]?.headers?.["properties"] ?? {});
  t.same(named.map(([name]) => name).toSorted(), described.map((name) => name.toLowerCase()).toSorted());
  t.ok(fits("change", { kind: "state", key: "k", version: null }));
  t.ok(fits("change", { kind: "lagged" }));
  t.ok(fits("dropped", { type: "dropped", count: 1, after_id: 0 }));
  t.ok(fits("lagged", { type: "lagged", last_id: 3 }));
});
