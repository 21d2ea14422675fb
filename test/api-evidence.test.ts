/**
 * Tests evidence against a real server: records and their levels, the token of CI, tasks that require commands, and
 * what hooks record.
 */
import t from "tap";
import type { ListedEvidence, MissingEvidence } from "../schemas/evidence.js";
import { sendHook } from "./support/hook-work.js";
import { send, sendJson, type Answer } from "./support/http-client.js";
import { Agent, eventsOf } from "./support/leasing.js";
import { openChanges } from "./support/subscriber.js";
import { blocksOf } from "./support/recipe.js";
import { makeDirectory, startKoor } from "./support/server-process.js";
import { addTask, callTask, claimOne, type Task } from "./support/tasking.js";
import { singleServerOnly } from "./support/variant.js";

const TREE = "a".repeat(40);
const OTHER_TREE = "b".repeat(40);
const TEST = "npm test";

interface WithEvidence extends Task {
  readonly requires_evidence: readonly string[];
  readonly edited_at: string | null;
  readonly evidence: readonly {
    readonly command: string;
    readonly why: string | null;
    readonly said: ListedEvidence | null;
    readonly observed: ListedEvidence | null;
    readonly ci: ListedEvidence | null;
  }[];
}

async function record(agent: Agent, body: object): Promise<ListedEvidence & { readonly tail: string | null }> {
  const answer = await agent.ask("POST", "/api/evidence", body);
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.json();
}

async function read(agent: Agent, id: string): Promise<WithEvidence> {
  return (await agent.ask("GET", `/api/tasks/${id}`)).json();
}

function missingOf(answer: Answer): readonly (readonly [command: string, why: string, evidence: number | null])[] {
  const { error, missing } = answer.json<{ readonly error: string; readonly missing: readonly MissingEvidence[] }>();
  if (answer.status !== 409 || error !== "evidence missing") throw new Error(answer.text);
  return missing.map(({ command, why, evidence }) => [command, why, evidence]);
}

t.test("a record is given back as it was sent, and listed by what it is about", async (t) => {
  const { port } = await startKoor(t);
  const ana = await Agent.register(port, "ana", { checkout: "c-1" });
  await addTask(ana, { id: "api" });
  const changes = await openChanges(t, port, "evidence");
  const made = await record(ana, {
    command: "  npm   test ",
    exit_code: 1,
    task: "api",
    seen_by: "cli",
    client: "koor",
    duration_ms: 1500,
    tree_before: TREE,
    tree_after: OTHER_TREE,
    head: TREE,
    tail: "1 failed é",
  });
  t.match(made, {
    id: 1,
    workspace: "w",
    task: "api",
    instance_id: ana.id,
    name: "ana",
    level: "observed",
    seen_by: "cli",
    client: "koor",
    command: TEST,
    exit_code: 1,
    passed: false,
    duration_ms: 1500,
    tree_before: TREE,
    tree_after: OTHER_TREE,
    head: TREE,
    checkout: "c-1",
    tail: "1 failed é",
  });
  await changes.until((change) => change.kind === "evidence" && change.key === "api");
  const said = await record(ana, { command: "make", exit_code: 0 });
  t.match(said, { id: 2, level: "said", seen_by: "agent", task: null, passed: true, tree_after: null });
  const list = async (query: string) =>
    (await send(port, "GET", `/api/evidence${query}`)).json<readonly (ListedEvidence & { tail?: string })[]>();
  const ids = async (query: string) => (await list(query)).map(({ id }) => id);
  t.same(await ids(""), [2, 1]);
  t.notOk("tail" in ((await list(""))[0] ?? {}), "a list has no output");
  t.same(await ids("?task=api"), [1]);
  t.same(await ids("?command=npm%20%20test"), [1]);
  t.same(await ids("?level=said"), [2]);
  t.same(await ids("?level=observed"), [1]);
  t.same(await ids("?level=ci"), []);
  t.same(await ids(`?tree=${OTHER_TREE}`), [1]);
  t.same(await ids(`?tree=${TREE}`), []);
  t.same(await ids("?workspace=elsewhere"), []);
  t.same(await ids("?limit=1"), [2]);
  t.same(await ids("?before=2"), [1]);
  t.match((await send(port, "GET", "/api/evidence/1")).json(), made);
  for (const id of ["3", "0", "x", "99999999999999999999"])
    t.match((await send(port, "GET", `/api/evidence/${id}`)).json(), { error: `evidence not found: ${id}` });
  const [event] = await eventsOf(port, "evidence.*");
  const { tail: _, ...listed } = made;
  t.match(event, { topic: "evidence.recorded", source: "koor", data: listed });
  t.notOk("tail" in (event?.data ?? {}));
  const audit = (await send(port, "GET", "/api/audit?action=evidence.record")).json<readonly { resource: string }[]>();
  t.same(audit.map(({ resource }) => resource).toSorted(), ["2", "api"]);
});

t.test("what no record can be is refused", async (t) => {
  const { port } = await startKoor(t);
  const ana = await Agent.register(port, "ana");
  const refused = async (body: object): Promise<unknown> => (await ana.ask("POST", "/api/evidence", body)).json();
  t.match(await refused({}), { error: /command/, code: 400 });
  t.match(await refused({ command: "   " }), { error: "command is required", code: 400 });
  t.match(await refused({ command: "a\nb" }), { code: 400 });
  t.match(await refused({ command: "a", tree_after: "main" }), { error: /tree_after must be git's id/, code: 400 });
  t.match(await refused({ command: " " }), { error: "command is required", code: 400 });
  t.match(await refused({ command: "a", exit_code: "0" }), { code: 400 });
  t.match(await refused({ command: "a", seen_by: "hook" }), { code: 400 });
  t.match(await refused({ command: "a", tail: "é".repeat(1_025) }), { error: /tail is longer than 2048 bytes/ });
  t.match(await refused({ command: "a", task: "none" }), { error: "task not found: none", code: 404 });
  t.same((await send(port, "GET", "/api/evidence")).json(), [], "nothing was stored");
  t.equal((await send(port, "GET", "/api/evidence?level=sure")).status, 400);
});

t.test("a task that requires a command is done only when it was seen to pass", async (t) => {
  const { port } = await startKoor(t);
  const ana = await Agent.register(port, "ana");
  const commands = ["npm  test", TEST, "npm run lint"];
  const made = (await addTask(ana, { id: "api", requires_evidence: commands })) as WithEvidence;
  t.same(made.requires_evidence, [TEST, "npm run lint"], "each once, with single spaces");
  const task = await claimOne(ana);
  const complete = (body: object = {}) => callTask(ana, task, "complete", body);
  t.same(missingOf(await complete()), [
    [TEST, "none", null],
    ["npm run lint", "none", null],
  ]);
  t.match(await read(ana, "api"), { state: "claimed", evidence: [{ command: TEST, why: "none" }, {}] });
  const said = await record(ana, { command: TEST, exit_code: 0 });
  t.equal(said.task, "api", "the only task that the instance holds");
  t.same(missingOf(await complete())[0], [TEST, "said", said.id]);
  const ended = await record(ana, { command: TEST, seen_by: "cli" });
  t.same(missingOf(await complete())[0], [TEST, "unknown", ended.id]);
  const failed = await record(ana, { command: TEST, seen_by: "cli", exit_code: 1 });
  t.same(missingOf(await complete())[0], [TEST, "failed", failed.id]);
  const trees = { tree_before: TREE, tree_after: TREE };
  const passed = await record(ana, { command: TEST, seen_by: "cli", exit_code: 0, ...trees });
  t.same(missingOf(await complete()), [["npm run lint", "none", null]]);
  t.match((await read(ana, "api")).evidence[0], {
    why: null,
    said: { id: said.id },
    observed: { id: passed.id },
    ci: null,
  });
  const lint = await record(ana, { command: "npm run lint", seen_by: "ci", exit_code: 0, task: null, ...trees });
  t.equal(lint.task, null);
  t.same(missingOf(await complete()), [["npm run lint", "none", null]], "a record of no task has to be named");
  t.same(missingOf(await complete({ evidence: [lint.id], tree: OTHER_TREE })), [
    [TEST, "tree", passed.id],
    ["npm run lint", "tree", lint.id],
  ]);
  const done = await complete({ evidence: [lint.id, 999], tree: TREE });
  t.match(done.json(), { id: "api", state: "done" });
  t.match((await complete()).json(), { state: "done" }, "the same call again");
});

t.test("the requirement can be changed, and is gone with the task", async (t) => {
  const { port } = await startKoor(t);
  const ana = await Agent.register(port, "ana");
  await addTask(ana, { id: "api" });
  const patch = async (commands: readonly string[]) =>
    (await ana.ask("PATCH", "/api/tasks/api", { requires_evidence: commands })).json<WithEvidence>();
  t.same((await patch([TEST])).requires_evidence, [TEST]);
  const task = await claimOne(ana);
  t.same(missingOf(await callTask(ana, task, "complete")), [[TEST, "none", null]]);
  t.same((await patch([])).requires_evidence, []);
  t.match((await callTask(ana, task, "complete")).json(), { state: "done", requires_evidence: [] });
  const many = Array.from({ length: 9 }, (_, at) => `c${at}`);
  for (const refused of [many, [" "], [TEST, ""]]) {
    t.equal((await ana.ask("POST", "/api/tasks", { title: "t", requires_evidence: refused })).status, 400);
  }
});

t.test("a record survives a restart, and a backup", { skip: singleServerOnly("it restarts its server") }, async (t) => {
  const dataDir = makeDirectory(t);
  const first = await startKoor(t, { args: ["--data-dir", dataDir] });
  const ana = await Agent.register(first.port, "ana");
  await addTask(ana, { id: "api", requires_evidence: [TEST] });
  const task = await claimOne(ana);
  const made = await record(ana, { command: TEST, seen_by: "cli", exit_code: 0 });
  const snapshot = (await send(first.port, "GET", "/api/backup")).text;
  await first.stop();
  const again = await startKoor(t, { args: ["--data-dir", dataDir] });
  t.match((await send(again.port, "GET", "/api/evidence/1")).json(), made);
  t.match((await callTask(ana.at(again.port), task, "complete")).json(), { state: "done" });
  const restored = await startKoor(t);
  const body = Buffer.from(snapshot);
  t.equal((await send(restored.port, "POST", "/api/restore", { body })).status, 200);
  t.match((await send(restored.port, "GET", "/api/evidence/1")).json(), made);
  t.match(await read(ana.at(restored.port), "api"), {
    requires_evidence: [TEST],
    evidence: [{ why: null, observed: { id: made.id } }],
  });
});

t.test("the token of CI may report and read evidence and make tasks, and nothing else", async (t) => {
  const [token, ciToken] = ["the-server's-own-token", "the-token-of-ci-only"];
  const { port } = await startKoor(t, { args: ["--auth-token", token, "--ci-token", ciToken] });
  const by = { Authorization: `Bearer ${token}` };
  const ci = { Authorization: `Bearer ${ciToken}` };
  const ana = await Agent.register(port, "ana", { by });
  const ask = (method: string, path: string, body?: object, headers = ci) =>
    body === undefined ? send(port, method, path, { headers }) : sendJson(port, method, path, body, headers);
  const red = { title: "red", id: "ci:red:4f2a91c", or_get: true, workspace: "w" };
  t.match((await ask("POST", "/api/tasks", red)).json(), { id: red.id, state: "ready", created_by: "ci" });
  t.match((await ask("POST", "/api/tasks", red)).json(), { id: red.id });
  const seen = await ask("POST", "/api/evidence", { command: TEST, exit_code: 0, task: red.id, seen_by: "agent" });
  t.match(seen.json(), { level: "ci", seen_by: "ci", name: "ci", instance_id: null }, "whatever the body says");
  const asAna = await ask("POST", "/api/evidence", { command: TEST }, {
    ...ci,
    "X-Koor-Instance": ana.id,
  } as typeof ci);
  t.match(asAna.json(), { name: "ci", instance_id: null }, "whatever its headers say");
  for (const path of ["/api/evidence", "/api/evidence/1", "/api/tasks", `/api/tasks/${red.id}`])
    t.equal((await ask("GET", path)).status, 200, path);
  for (const path of ["/api/leases", "/api/audit", "/health"]) t.equal((await ask("GET", path)).status, 200, path);
  const refused = { error: "the token of CI may only report and read evidence, and make tasks", code: 403 };
  for (const [method, path, body] of [
    ["GET", "/api/messages", undefined],
    ["GET", "/api/state/k", undefined],
    ["PUT", "/api/state/k", {}],
    ["GET", "/api/instances", undefined],
    ["POST", "/api/instances/register", { name: "x" }],
    ["PATCH", `/api/tasks/${red.id}`, { priority: 9 }],
    ["POST", "/api/tasks/claim", {}],
    ["POST", "/api/events/publish", { topic: "a" }],
    ["GET", "/api/backup", undefined],
    ["POST", "/mcp", {}],
  ] as const)
    t.match((await ask(method, path, body)).json(), refused, `${method} ${path}`);
  for (const headers of [by, ana.headers]) {
    const claimed = await sendJson(port, "POST", "/api/evidence", { command: TEST, seen_by: "ci" }, headers);
    t.match(claimed.json(), { error: "seen_by ci needs the token of CI (see --ci-token)", code: 403 });
  }
  const rows = (await send(port, "GET", "/api/audit?actor=ci", { headers: by })).json<readonly { action: string }[]>();
  t.ok(rows.some(({ action }) => action === "evidence.record"));
  t.notMatch((await send(port, "GET", "/api/metrics/agents", { headers: by })).text, /"ci"/, "CI is no agent");
});

t.test("with its token an agent reports what was seen for its own tasks only", async (t) => {
  const [token, ciToken] = ["the-server's-own-token", "the-token-of-ci-only"];
  const { port } = await startKoor(t, { args: ["--auth-token", token, "--ci-token", ciToken] });
  const by = { Authorization: `Bearer ${token}` };
  const [ana, ben, mia] = await Promise.all(["ana", "ben", "mia"].map((name) => Agent.register(port, name, { by })));
  if (ana === undefined || ben === undefined || mia === undefined) throw new Error("no agents");
  await addTask(mia, { id: "api", requires_evidence: [TEST] });
  const failed = { command: TEST, task: "api", seen_by: "cli", exit_code: 1 };
  const report = (agent: Agent, body: object = failed) => agent.ask("POST", "/api/evidence", body);
  t.match((await report(ana)).json(), { error: "not yours", code: 403 }, "nobody holds it yet");
  const task = await claimOne(ana);
  t.match((await report(ben)).json(), { error: "not yours", code: 403 });
  t.equal((await report(ben, { ...failed, seen_by: "agent" })).status, 200, "what is only said decides nothing");
  t.equal((await report(ben, { ...failed, task: null })).status, 200);
  t.equal((await report(mia)).status, 200, "who created it");
  t.equal((await sendJson(port, "POST", "/api/evidence", failed, by)).status, 200, "the server's token");
  const ci = { Authorization: `Bearer ${ciToken}` };
  t.equal((await sendJson(port, "POST", "/api/evidence", failed, ci)).status, 200, "CI");
  const passed = await record(ana, { ...failed, exit_code: 0 });
  t.equal((await report(ben)).status, 403);
  t.match((await callTask(ana, task, "complete")).json(), { state: "done" });
  t.equal((await report(ana)).status, 200, "who has held it");
  const refused = (await send(port, "GET", `/api/audit?actor=${ben.id}&action=evidence.record`, { headers: by })).json<
    readonly { readonly resource: string; readonly outcome: string }[]
  >();
  t.ok(refused.some(({ resource, outcome }) => resource === "api" && outcome === "error"));
  t.ok(passed.id > 0);
});

t.test("a holder does not remove commands that its task requires", async (t) => {
  const token = "the-server's-own-token";
  const { port } = await startKoor(t, { args: ["--auth-token", token] });
  const by = { Authorization: `Bearer ${token}` };
  const ana = await Agent.register(port, "ana", { by });
  const ben = await Agent.register(port, "ben", { by });
  await addTask(ana, { id: "api", requires_evidence: [TEST, "npm run lint"] });
  const task = await claimOne(ben);
  const patch = (agent: Agent, commands: readonly string[]) =>
    agent.ask("PATCH", "/api/tasks/api", { title: "changed", requires_evidence: commands });
  for (const commands of [[], [TEST], ["true", TEST], ["npm run lint "]])
    t.match((await patch(ben, commands)).json(), { error: "not yours", code: 403 }, JSON.stringify(commands));
  t.match(await read(ben, "api"), { title: "t", requires_evidence: [TEST, "npm run lint"] }, "nothing is changed");
  t.match((await patch(ben, ["npm run lint", " npm  test", "make"])).json(), {
    requires_evidence: ["npm run lint", TEST, "make"],
  });
  t.match(missingOf(await callTask(ben, task, "complete")), [["npm run lint"], [TEST], ["make"]]);
  t.equal((await patch(ana, ["make"])).status, 200, "who has created it");
  t.equal((await sendJson(port, "PATCH", "/api/tasks/api", { requires_evidence: [] }, by)).status, 200, "the server's");
  t.match((await callTask(ben, task, "complete")).json(), { state: "done" });
});

t.test("who has given a task back reports nothing for it", async (t) => {
  const token = "the-server's-own-token";
  const { port } = await startKoor(t, { args: ["--auth-token", token] });
  const by = { Authorization: `Bearer ${token}` };
  const ana = await Agent.register(port, "ana", { by });
  const ben = await Agent.register(port, "ben", { by });
  const seen = { command: TEST, task: "api", seen_by: "cli", exit_code: 1 };
  const statusOf = async (agent: Agent) => (await agent.ask("POST", "/api/evidence", seen)).status;
  await addTask(ana, { id: "api", requires_evidence: [TEST] });
  const first = await claimOne(ben);
  t.equal(await statusOf(ben), 200, "while it holds the task");
  t.equal((await callTask(ben, first, "release")).status, 200);
  t.equal(await statusOf(ben), 403, "nobody holds it");
  const second = await claimOne(ben);
  t.equal((await callTask(ben, second, "fail", { error: "x", retry: false })).status, 200);
  t.equal(await statusOf(ben), 200, "the task ended in its hands");
  t.equal((await ana.ask("POST", "/api/tasks/api/retry", {})).status, 200);
  t.equal(await statusOf(ben), 403, "it goes on without it");
  await claimOne(ana);
  t.equal(await statusOf(ben), 403, "another holds it");
});

t.test("a server without tokens takes the word of CI as given", async (t) => {
  const { port } = await startKoor(t);
  const answer = await sendJson(port, "POST", "/api/evidence", { command: TEST, exit_code: 0, seen_by: "ci" });
  t.match(answer.json(), { level: "ci", name: "", instance_id: null });
});

t.test("hooks record required commands, and an edit makes them stale", async (t) => {
  const { port } = await startKoor(t);
  const root = "/work/shop";
  const of = { client: "claude", session: "s-1", checkout: "c-1", branch: "main", root } as const;
  let calls = 0;
  const hook = (event: string, tool: string, parameters: object, more: object = {}) => {
    calls += 1;
    return sendHook(port, of, event, { tool_name: tool, tool_input: parameters, tool_use_id: `t-${calls}`, ...more });
  };
  const run = (command: string) =>
    hook("PostToolUse", "Bash", { command }, { tool_response: { stdout: "", stderr: "", interrupted: false } });
  const edit = () => hook("PreToolUse", "Edit", { file_path: `${root}/a.ts` });
  await hook("SessionStart", "", {});
  const session = { "X-Koor-Session": "s-1" };
  const ask = (method: string, path: string, body: object) => sendJson(port, method, path, body, session);
  await run(TEST);
  t.same((await send(port, "GET", "/api/evidence")).json(), [], "no task requires it");
  await ask("POST", "/api/tasks", { id: "api", title: "t", requires_evidence: [TEST] });
  const { task } = (await ask("POST", "/api/tasks/claim", {})).json<{ task: { fence: number } }>();
  const complete = () => ask("POST", "/api/tasks/api/complete", { fence: task.fence, tree: TREE });
  await run("cd app && npm test");
  await run("npm run build");
  t.same(missingOf(await complete()), [[TEST, "none", null]]);
  // A hook does not wait for the writer. A later write of the same server comes after its record.
  const written = () => ask("PATCH", "/api/tasks/api", { priority: 6 });
  await run(" npm  test ");
  await written();
  const [seen] = (await send(port, "GET", "/api/evidence")).json<ListedEvidence[]>();
  t.match(seen, { level: "observed", seen_by: "hook", client: "claude", command: TEST, exit_code: 0, task: "api" });
  await edit();
  const refused = await complete();
  t.same(missingOf(refused), [[TEST, "stale", seen?.id]]);
  const ofPage = blocksOf("docs/evidence.md").find((block) => block.startsWith("409 ")) ?? "";
  const printed = `${refused.status} ${refused.text.trimEnd()}\n`;
  t.equal(printed, ofPage.replace(/"evidence":\d+/, `"evidence":${seen?.id}`), "docs/evidence.md has this answer");
  const about = async () => (await send(port, "GET", "/api/tasks/api")).json<WithEvidence>();
  const { edited_at: first } = await about();
  t.ok(first);
  await edit();
  await written();
  t.equal((await about()).edited_at, first, "an edit after an edit writes nothing");
  await hook("PostToolUseFailure", "Bash", { command: TEST }, { error: "Exit code 1" });
  t.same(missingOf(await complete()), [[TEST, "failed", 2]]);
  await hook("PreToolUse", "Edit", { file_path: "/elsewhere/a.ts" });
  await run(TEST);
  await hook("PreToolUse", "Edit", { file_path: "/elsewhere/a.ts" });
  t.match((await complete()).json(), { state: "done" }, "an edit elsewhere changes nothing");
});
