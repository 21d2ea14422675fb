/**
 * Fills a server's database over the API, so that every table has a row and every column a value. The tables of
 * clusters are left out (test/upgrade/contents.ts).
 */
import { send } from "../support/http-client.js";

export const TOKEN = "only-for-this-database";
/** A port at which nothing listens, so that deliveries stay in the queue. */
const NOWHERE = "http://127.0.0.1:9/";
/** The number of versions of a key after which the database marks one (src/platform/store/migrate.ts). */
const VERSIONS_TO_MARK = 64;
const CHECKOUT = { id: "3f9c2b7a10d4e865", branch: "main", root: "/home/ana/trucks", machine: "one" };
const COMMIT = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
const COMMAND = "npm test";
const ACCOUNT = "acme:team-a";

type Headers = Readonly<Record<string, string>>;

interface Claimed {
  readonly task: { readonly fence: number };
}

interface Granted {
  readonly id: string;
  readonly fence: number;
}

interface Named {
  readonly id: string;
  readonly name: string;
}

/** Sends a request with the server's token. Fails for an answer that is no success. */
async function call<Reply>(port: number, request: string, body?: unknown, headers: Headers = {}): Promise<Reply> {
  const [method = "", path = ""] = request.split(" ");
  const answer = await send(port, method, path, {
    headers: { Authorization: `Bearer ${TOKEN}`, ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  if (answer.status >= 300) throw new Error(`${request}: ${answer.status} ${answer.text}`);
  return (answer.text === "" ? undefined : answer.json()) as Reply;
}

/** Registers and activates an instance. Returns the headers of its requests. */
async function register(port: number, name: string, headers: Headers = {}): Promise<Headers> {
  const body = { name, workspace: "trucks", stack: "go", capabilities: ["review"], account: ACCOUNT };
  const made = await call<{ readonly id: string; readonly token: string }>(
    port,
    "POST /api/instances/register",
    body,
    headers,
  );
  await call(port, `POST /api/instances/${made.id}/activate`);
  await call(port, `PATCH /api/instances/${made.id}`, { checkout: CHECKOUT });
  return { Authorization: `Bearer ${made.token}` };
}

/** Fills the database of a server whose clock is ahead. Its next start stores where the times go back. */
export async function fillAhead(port: number): Promise<void> {
  await call(port, "PUT /api/state/early", { step: 0 });
  await call(port, "POST /api/events/publish", { topic: "early", data: 1 });
}

async function fillVersions(port: number, ana: Headers, ben: Headers): Promise<void> {
  for (const step of [1, 2, 3]) await call(port, "PUT /api/state/plan/build", { step }, ana);
  await call(port, "POST /api/state/plan/build?rollback=1", undefined, ben);
  await call(port, "PUT /api/state/notes.md", "# Notes", { "Content-Type": "text/markdown", ...ben });
  await call(port, "PUT /api/state/gone", "1");
  await call(port, "DELETE /api/state/gone");
  for (const fields of [["id"], ["id", "plate"]]) await call(port, "PUT /api/specs/trucks/api", { fields }, ana);
  await call(port, "PUT /api/specs/trucks/gone", { fields: [] });
  await call(port, "DELETE /api/specs/trucks/gone");
  for (let version = 1; version <= VERSIONS_TO_MARK; version++) {
    await call(port, "PUT /api/state/often", version);
    await call(port, "PUT /api/specs/trucks/often", { version });
  }
}

async function fillEvents(port: number, ana: Headers): Promise<void> {
  for (const data of [1, { text: "ü \u{1F69A}" }])
    await call(port, "POST /api/events/publish", { topic: "build.done", data }, ana);
  await call(port, "POST /api/webhooks/ci/skip");
  await call(port, "POST /api/events/publish", { topic: "deploy.done", data: 1 }, ana);
  const deliveries = async (): Promise<readonly unknown[]> => call(port, "GET /api/webhooks/deploy/deliveries");
  while ((await deliveries()).length === 0);
}

/** Repeats a call that is refused, which the audit log counts. */
async function fillRefused(port: number): Promise<void> {
  for (let time = 1; time <= 2; time++) {
    const refused = await send(port, "PUT", "/api/state/plan/build", { body: "{}" });
    if (refused.status !== 401) throw new Error(`a call without a token was not refused: ${refused.status}`);
  }
}

async function fillRules(port: number, ana: Headers, ben: Headers): Promise<void> {
  const noAny = { project: "trucks", rule_id: "no-any", pattern: String.raw`: any\b` };
  await call(port, "POST /api/rules/propose", noAny, ana);
  await call(port, "POST /api/rules/trucks/no-any/accept");
  await call(port, "POST /api/rules/propose", { project: "trucks", rule_id: "later", pattern: "todo" }, ben);
  await call(port, "POST /api/validate/trucks", { content: "let a: any;" }, ben);
  const rules = [{ rule_id: "no-panic", pattern: "panic" }];
  await call(port, "POST /api/templates", { id: "go", name: "Go", data: rules, tags: ["go"] });
  const endpoints = { "POST /api/trucks": { request: { plate: "string" } } };
  await call(port, "PUT /api/specs/trucks/truck-api", { kind: "contract", endpoints });
  await call(port, "POST /api/compliance/run");
}

async function fillUsage(port: number, ana: Headers): Promise<void> {
  const budget = { scope: "workspace", target: "trucks", tokens: 2_000_000, cost_usd: 10, period: "total" };
  await call(port, "PUT /api/budgets/trucks", budget);
  const usage = { provider: "acme", model: "large-1", project: "trucks", session_tag: "s-1", request_type: "chat" };
  await call(port, "POST /api/llm/usage", { ...usage, tokens_in: 1200, tokens_out: 345, cost_usd: 0.1 }, ana);
  await call(port, "POST /api/llm/limits", { provider: "acme", retry_after_s: 86_400, reason: "HTTP 429" }, ana);
}

async function fillLeases(port: number, ana: Headers, ben: Headers): Promise<void> {
  const { id, fence } = await call<Granted>(port, "POST /api/leases", { resources: ["path:old/**"] }, ana);
  await call(port, `DELETE /api/leases/${id}?fence=${fence}`, undefined, ana);
  const long = { ttl_s: 86_400, max_s: 86_400 };
  await call(port, "POST /api/leases", { resources: ["path:src/**"], reason: "refactoring", ...long }, ana);
  await call(port, "POST /api/leases", { resources: ["path:src/a.ts"], queue: true, request_id: "wait-1" }, ben);
  await call(port, "POST /api/leases", { any: ["db:1..2"], max_holders: 2, ...long }, ana);
  await call(port, "POST /api/leases", { resources: ["path:docs/**"], scope: "checkout", ...long }, ana);
  const broken = await call<Granted>(port, "POST /api/leases", { resources: ["printer:1"] }, ana);
  await call(port, `POST /api/leases/${broken.id}/break`, { reason: "it is needed" });
}

async function fillTasks(port: number, ana: Headers, ben: Headers): Promise<void> {
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const tasks = [
    { id: "api", title: "The orders API", labels: ["go"], body: "all of it", data: { orders: 1 }, traceparent },
    { id: "tests", title: "Its tests", after: ["#0"], not_before: "2026-12-24T00:00:00Z", assignee: "ana" },
    { id: "docs", title: "Its page", priority: 9, requires_evidence: [COMMAND] },
    { id: "flaky", title: "A flaky test" },
    { id: "page", title: "Another page" },
  ];
  await call(port, "POST /api/tasks", tasks, ana);
  const claim = async (id: string): Promise<number> =>
    (await call<Claimed>(port, "POST /api/tasks/claim", { id }, ben)).task.fence;

  const docs = await claim("docs");
  await call(port, "POST /api/tasks/docs/progress", { fence: docs, percent: 60, checkpoint: { page: 2 } }, ben);
  const trees = { tree_before: COMMIT, tree_after: COMMIT, head: COMMIT };
  const seen = {
    command: COMMAND,
    exit_code: 0,
    duration_ms: 1200,
    task: "docs",
    seen_by: "cli",
    tail: "ok",
    ...trees,
  };
  await call(port, "POST /api/evidence", { ...seen, client: "koor" });
  await call(port, "POST /api/evidence", { command: COMMAND, exit_code: 1, checkout: CHECKOUT.id }, ben);
  await call(port, "POST /api/tasks/docs/complete", { fence: docs, result: { commit: "1f3a9c2" } }, ben);

  await call(port, "POST /api/tasks/flaky/fail", { fence: await claim("flaky"), error: "it timed out" }, ben);
  const first = await claim("api");
  await call(port, "POST /api/tasks/api/ask", { fence: first, question: "Are orders ever deleted?" }, ben);
  await call(port, "POST /api/tasks/api/answer", { answer: "never" });
  await call(port, "POST /api/tasks/page/release", { fence: await claim("page"), note: "it needs a person" }, ben);
}

async function fillMessages(port: number, ana: Headers, ben: Headers): Promise<void> {
  const message = { to: "name:ben", subject: "review the orders API", intent: "request", body: "branch api-orders" };
  const more = { data: { branch: "api-orders" }, expires_in_s: 86_400 };
  const { id } = await call<Granted>(port, "POST /api/messages", { ...message, ...more }, ana);
  await call(port, "POST /api/messages/mark", { ids: [id], as: "acked", note: "two remarks" }, ben);
  await call(port, "POST /api/messages", { ...message, to: "name:ana", reply_to: id }, ben);
}

/** Sends the events of two agents' clients and of a subagent, and the report of a checkout. */
async function fillSessions(port: number): Promise<void> {
  const headers = { "X-Koor-Root": "/work/shop", "X-Koor-Checkout": "c1", "X-Koor-Branch": "main" };
  const hook = async (session: string, event: string, more: object = {}): Promise<unknown> =>
    call(
      port,
      "POST /api/hooks/claude",
      { session_id: session, cwd: "/work/shop", hook_event_name: event, ...more },
      headers,
    );
  const edit = { tool_name: "Edit", tool_use_id: "t-1", tool_input: { file_path: "/work/shop/a.ts" } };
  await hook("s-1", "SessionStart");
  await hook("s-1", "PreToolUse", edit);
  await hook("s-1", "PostToolUse", edit);
  // A task whose holder edits a file after the command was seen to pass.
  const instances = await call<readonly Named[]>(port, "GET /api/instances");
  const agent = { "X-Koor-Instance": instances.find(({ name }) => name.startsWith("claude-"))?.id ?? "" };
  await call(port, "POST /api/tasks", { id: "edited", title: "A page that is edited", requires_evidence: [COMMAND] });
  await call(port, "POST /api/tasks/claim", { id: "edited" }, agent);
  await call(port, "POST /api/evidence", { command: COMMAND, exit_code: 0, task: "edited", seen_by: "cli" });
  await hook("s-1", "PreToolUse", { ...edit, tool_use_id: "t-2" });
  await hook("s-1", "PostToolUse", { ...edit, tool_use_id: "t-2" });
  await hook("s-1", "PreToolUse", { ...edit, tool_use_id: "t-3", agent_id: "sub-1" });
  await hook("s-2", "SessionStart");
  await hook("s-2", "SessionEnd");
  const files = [{ path: "src/a.ts", ranges: [[10, 12]], blob: COMMIT }];
  const report = { workspace: "trucks", branch: "fix", base: COMMIT, files };
  await call(port, `PUT /api/checkouts/${CHECKOUT.id}/changes`, report);
}

/** @param receiver the address of a server that accepts webhooks */
export async function fill(port: number, dashboardPort: number, receiver: string): Promise<void> {
  const ana = await register(port, "ana");
  const ben = await register(port, "ben", ana);
  await call(port, "POST /api/webhooks", { id: "ci", url: NOWHERE, patterns: ["build.**"], secret: "s3cret" });
  await call(port, "POST /api/webhooks", { id: "deploy", url: receiver, patterns: ["deploy.**"] });
  await fillRefused(port);
  await fillVersions(port, ana, ben);
  await fillEvents(port, ana);
  await fillRules(port, ana, ben);
  await fillLeases(port, ana, ben);
  await fillTasks(port, ana, ben);
  // After the tasks, because an agent whose account is limited gets no task.
  await fillUsage(port, ana);
  await fillMessages(port, ana, ben);
  await fillSessions(port);
  await call(dashboardPort, "POST /session", { token: TOKEN }, { Authorization: "" });
}
