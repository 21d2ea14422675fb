/**
 * Writes a small database with a row in nearly every table, for test/upgrade.test.ts. Each release adds one, so that
 * later versions are tested with it: build the release in a folder of its own, then run
 * `node dist/tree/test/upgrade/write-database.js MAIN_OF_THE_RELEASE test/upgrade/VERSION`. It writes `data.db.gz`, and
 * `backup.ndjson.gz` with what the release itself says is in the database.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { send } from "../support/http-client.js";
import type { Owner } from "../support/owner.js";
import { startKoor } from "../support/server-process.js";

const TOKEN = "only-for-this-database";
/** A port at which nothing listens, so that deliveries stay in the queue. */
const NOWHERE = "http://127.0.0.1:9/";

type Headers = Readonly<Record<string, string>>;

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

async function fill(port: number, dashboardPort: number): Promise<void> {
  const register = async (name: string): Promise<Headers> => {
    const body = { name, workspace: "trucks", stack: "go", capabilities: ["review"] };
    const { id } = await call<{ readonly id: string }>(port, "POST /api/instances/register", body);
    await call(port, `POST /api/instances/${id}/activate`);
    return { "X-Koor-Instance": id };
  };
  const [ana, ben] = [await register("ana"), await register("ben")];

  await call(port, "POST /api/webhooks", { id: "ci", url: NOWHERE, patterns: ["build.**"], secret: "s3cret" });
  for (const step of [1, 2, 3]) await call(port, "PUT /api/state/plan/build", { step }, ana);
  await call(port, "POST /api/state/plan/build?rollback=1", undefined, ben);
  await call(port, "PUT /api/state/notes.md", "# Notes", { "Content-Type": "text/markdown", ...ben });
  await call(port, "PUT /api/state/gone", "1");
  await call(port, "DELETE /api/state/gone");
  for (const fields of [["id"], ["id", "plate"]]) await call(port, "PUT /api/specs/trucks/api", { fields }, ana);
  for (const data of [1, { text: "ü \u{1F69A}" }])
    await call(port, "POST /api/events/publish", { topic: "build.done", data }, ana);

  await call(
    port,
    "POST /api/rules/propose",
    { project: "trucks", rule_id: "no-any", pattern: String.raw`: any\b` },
    ana,
  );
  await call(port, "POST /api/rules/trucks/no-any/accept");
  await call(port, "POST /api/rules/propose", { project: "trucks", rule_id: "later", pattern: "todo" }, ben);
  await call(port, "POST /api/validate/trucks", { content: "let a: any;" }, ben).catch(() => undefined);
  const rules = [{ rule_id: "no-panic", pattern: "panic" }];
  await call(port, "POST /api/templates", { id: "go", name: "Go", data: rules, tags: ["go"] });
  await call(
    port,
    "POST /api/llm/usage",
    { provider: "acme", model: "large-1", project: "trucks", tokens_in: 1200, tokens_out: 345, cost_usd: 0.1 },
    ana,
  );
  await call(port, "POST /api/compliance/run");

  const lease = await call<{ readonly id: string; readonly fence: number }>(
    port,
    "POST /api/leases",
    { resources: ["path:old/**"] },
    ana,
  );
  await call(port, `DELETE /api/leases/${lease.id}?fence=${lease.fence}`, undefined, ana);
  await call(
    port,
    "POST /api/leases",
    { resources: ["path:src/**"], reason: "refactoring", ttl_s: 86_400, max_s: 86_400 },
    ana,
  );
  await call(port, "POST /api/leases", { resources: ["path:src/a.ts"], queue: true, request_id: "wait-1" }, ben);

  const tasks = [
    { id: "api", title: "The orders API", labels: ["go"], body: "all of it" },
    { id: "tests", title: "Its tests", after: ["#0"] },
    { id: "docs", title: "Its page", priority: 9 },
  ];
  await call(port, "POST /api/tasks", tasks, ana);
  const { task } = await call<{ readonly task: { readonly fence: number } }>(
    port,
    "POST /api/tasks/claim",
    { id: "docs" },
    ben,
  );
  await call(port, "POST /api/tasks/docs/progress", { fence: task.fence, percent: 60, checkpoint: { page: 2 } }, ben);
  await call(port, "POST /api/tasks/docs/complete", { fence: task.fence, result: { commit: "1f3a9c2" } }, ben);
  const claimed = await call<{ readonly task: { readonly fence: number } }>(
    port,
    "POST /api/tasks/claim",
    { id: "api" },
    ben,
  );
  await call(port, "POST /api/tasks/api/ask", { fence: claimed.task.fence, question: "Are orders ever deleted?" }, ben);

  const message = {
    to: "name:ben",
    subject: "review the orders API",
    intent: "request",
    body: "the branch is api-orders",
  };
  const { id: asked } = await call<{ readonly id: string }>(port, "POST /api/messages", message, ana);
  await call(port, "POST /api/messages/mark", { ids: [asked], as: "acked", note: "two remarks" }, ben);
  await call(dashboardPort, "POST /session", { token: TOKEN }, { Authorization: "" });
}

async function write(program: string, folder: string, t: Owner): Promise<void> {
  const koor = await startKoor(t, {
    program,
    args: ["--dashboard-bind", "127.0.0.1:0"],
    env: { KOOR_AUTH_TOKEN: TOKEN },
  });
  await fill(koor.port, koor.dashboardPort);
  const backup = await send(koor.port, "GET", "/api/backup", { headers: { Authorization: `Bearer ${TOKEN}` } });
  await koor.stop();
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of [
    ["data.db", readFileSync(join(koor.data_dir, "data.db"))],
    ["backup.ndjson", backup.body],
  ] as const)
    writeFileSync(join(folder, `${name}.gz`), gzipSync(content, { level: 9 }));
}

const [program = "", folder = ""] = process.argv.slice(2);
const endings: (() => Promise<void> | void)[] = [];
try {
  await write(resolve(program), folder, { teardown: (end) => void endings.unshift(end) });
} finally {
  for (const end of endings) await end();
}
