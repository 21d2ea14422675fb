/**
 * Tests budgets against a real server: who may set them, what reports add up to, what hooks say and deny, claims that
 * wait for a budget, and what a restart and a restore keep.
 */
import t from "tap";
import type { Budget } from "../schemas/budgets.js";
import { sendEdit, sendHook, type HookSession } from "./support/hook-work.js";
import { send, sendJson, type Answer } from "./support/http-client.js";
import { makeDirectory, startKoor } from "./support/server-process.js";
import { Agent } from "./support/leasing.js";
import { addTask, callTask, claimOne } from "./support/tasking.js";
import { RESTORE_REFUSED } from "./support/variant.js";

const TOKEN = "a-token-of-the-server";
const ANA: HookSession = { client: "claude", session: "ana", checkout: "c-a", branch: "main", root: "/work/a" };
const BEN: HookSession = { ...ANA, session: "ben", checkout: "c-b", root: "/work/b" };
const DAY = { scope: "workspace", target: "shop", tokens: 100 };

const set = (port: number, id: string, body: object, headers = {}): Promise<Answer> =>
  sendJson(port, "PUT", `/api/budgets/${id}`, body, headers);
const list = async (port: number): Promise<readonly Budget[]> =>
  (await send(port, "GET", "/api/budgets")).json<{ readonly budgets: readonly Budget[] }>().budgets;

/** Reports usage as the instance of a session. */
async function use(port: number, { session }: HookSession, tokens: number, more: object = {}): Promise<void> {
  const report = { provider: "p", model: "m", tokens_out: tokens, ...more };
  const answer = await sendJson(port, "POST", "/api/llm/usage", report, { "X-Koor-Session": session });
  if (answer.status !== 200) throw new Error(answer.text);
}

/** Sends the hook before a shell command. */
function sendShell(port: number, of: HookSession, command: string): Promise<Answer> {
  const call = { tool_name: "Bash", tool_use_id: command, tool_input: { command } };
  return sendHook(port, of, "PreToolUse", call);
}

t.test("a budget is set, listed and removed with the server's token", async (t) => {
  const { port } = await startKoor(t, { args: ["--auth-token", TOKEN] });
  const right = { Authorization: `Bearer ${TOKEN}` };
  const agent = (await sendJson(port, "POST", "/api/instances/register", { name: "ana" }, right)).json<{
    token: string;
  }>();
  const own = { Authorization: `Bearer ${agent.token}` };
  t.equal((await set(port, "b", DAY, own)).status, 403);
  t.match((await set(port, "b", DAY, right)).json(), {
    id: "b",
    tokens: 100,
    cost_usd: null,
    period: "total",
    share: 0,
  });
  t.match((await send(port, "GET", "/api/budgets", { headers: own })).json(), { budgets: [{ id: "b" }] });
  t.equal((await send(port, "DELETE", "/api/budgets/b", { headers: own })).status, 403);
  t.same((await send(port, "DELETE", "/api/budgets/b", { headers: right })).json(), { deleted: "b" });
  t.match((await send(port, "GET", "/api/audit?limit=4", { headers: right })).json(), [
    { action: "budget.remove", resource: "b", outcome: "success" },
    { action: "budget.remove", resource: "b", outcome: "error" },
    { action: "budget.set", resource: "b", outcome: "success" },
    { action: "budget.set", resource: "b", outcome: "error" },
  ]);
});

t.test("what is refused", async (t) => {
  const { port } = await startKoor(t);
  for (const [body, error] of [
    [{ scope: "workspace", target: "w" }, /a budget needs tokens or cost_usd/],
    [{ scope: "agent", target: "", tokens: 1 }, /target is required/],
    [{ ...DAY, tokens: 0 }, /tokens/],
    [{ ...DAY, cost_usd: 0 }, /cost_usd/],
    [{ ...DAY, warn_at: 2 }, /warn_at/],
    [{ ...DAY, period: "week" }, /period/],
    [{ ...DAY, scope: "project" }, /scope/],
  ] as const)
    t.match(await set(port, "b", body), { status: 400, text: error });
  t.equal((await set(port, "a%20b", DAY)).status, 400);
  t.same(await list(port), []);
});

t.test("a session is warned once, and denied when the budget is used up", async (t) => {
  const { port } = await startKoor(t);
  await sendHook(port, ANA, "SessionStart");
  await sendHook(port, BEN, "SessionStart");
  await set(port, "shop-day", { ...DAY, period: "day" });
  await use(port, ANA, 79);
  t.notMatch((await sendHook(port, ANA, "UserPromptSubmit")).text, /budget/);
  await use(port, BEN, 2);
  const line = /The budget shop-day of the workspace shop is used up to 81 % \(81 of 100 tokens\), until .* UTC\./;
  t.match((await sendHook(port, ANA, "UserPromptSubmit")).text, line);
  t.notMatch((await sendHook(port, ANA, "UserPromptSubmit")).text, /budget/, "once");
  t.match((await sendEdit(port, BEN, "a.ts")).text, line, "each session that it concerns");
  await use(port, ANA, 30);
  const denial = (await sendEdit(port, ANA, "b.ts")).json<{ hookSpecificOutput: Record<string, string> }>();
  t.match(denial.hookSpecificOutput, {
    permissionDecision: "deny",
    permissionDecisionReason:
      /shop-day of the workspace shop is used up: 111 of 100 tokens.*koor task release.*koor budget set shop-day/,
  });
  t.match((await sendShell(port, BEN, "npm test")).text, /"deny"/);
  t.notMatch((await sendShell(port, ANA, "koor message send name:ben 'I stop'")).text, /"deny"/);
  const reading = { tool_name: "Read", tool_use_id: "r", tool_input: { file_path: "/work/a/a.ts" } };
  t.match((await sendHook(port, ANA, "PreToolUse", reading)).text, /"deny"/, "reading spends, too");
  const elsewhere = { ...ANA, session: "cid", workspace: "other" };
  t.notMatch((await sendEdit(port, elsewhere, "b.ts")).text, /"deny"/);
  await set(port, "shop-day", { ...DAY, period: "day", tokens: 1000 });
  t.notMatch((await sendEdit(port, ANA, "c.ts")).text, /"deny"/, "a higher limit");
  await set(port, "shop-day", { ...DAY, period: "day", policy: "warn" });
  t.match((await sendEdit(port, ANA, "d.ts")).text, /used up to 111 %/, "the policy warn only tells");
});

t.test("a budget of an agent, and of a task that the agent holds", async (t) => {
  const { port } = await startKoor(t);
  for (const session of [ANA, BEN]) await sendHook(port, session, "SessionStart");
  const tasks = [
    { id: "part", workspace: "shop", title: "t" },
    { id: "goal", workspace: "shop", title: "g", after: ["part"] },
  ];
  await sendJson(port, "POST", "/api/tasks", tasks);
  const as = (of: HookSession) => ({ "X-Koor-Session": of.session });
  const claimed = await sendJson(port, "POST", "/api/tasks/claim", { id: "part" }, as(ANA));
  t.match(claimed.json(), { task: { id: "part" } });
  await set(port, "plan", { scope: "task", target: "goal", cost_usd: 1 });
  await use(port, ANA, 5, { cost_usd: 2 });
  t.match(
    await list(port),
    [{ id: "plan", state: "exhausted", used: { cost_usd: 2 } }],
    "its task is the tag by default",
  );
  t.match((await sendEdit(port, ANA, "a.ts")).text, /budget plan of the task goal is used up: \$2\.00 of \$1/);
  t.notMatch((await sendEdit(port, BEN, "b.ts")).text, /"deny"/);
  await send(port, "DELETE", "/api/budgets/plan");
  const instances = await send(port, "GET", `/api/instances?checkout=${BEN.checkout}`);
  const [ben] = instances.json<readonly { readonly name: string }[]>();
  await set(port, "ben", { scope: "agent", target: ben?.name, tokens: 1 });
  await use(port, BEN, 1);
  t.match((await sendEdit(port, BEN, "b.ts")).text, /"deny"/);
  t.notMatch((await sendEdit(port, ANA, "c.ts")).text, /"deny"/);
});

t.test("a claim waits while the budget is used up, and goes on when it is not", async (t) => {
  const { port } = await startKoor(t);
  await sendHook(port, ANA, "SessionStart");
  await sendJson(port, "POST", "/api/tasks", { id: "one", workspace: "shop", title: "t" });
  await set(port, "b", DAY);
  await use(port, ANA, 100);
  const claim = (body: object): Promise<Answer> =>
    sendJson(port, "POST", "/api/tasks/claim", body, { "X-Koor-Session": ANA.session });
  t.same((await claim({})).json(), {
    task: null,
    lease: null,
    held: [{ budget: "b", scope: "workspace", target: "shop", ends_at: null }],
  });
  const waiting = claim({ wait_s: 20 });
  await send(port, "DELETE", "/api/budgets/b");
  t.match((await waiting).json(), { task: { id: "one", state: "claimed" } });
});

t.test("a claim that waits while nothing holds it ends when a budget is used up", async (t) => {
  const { port } = await startKoor(t);
  await sendHook(port, ANA, "SessionStart");
  const claim = (whileHeld: boolean): Promise<Answer> =>
    sendJson(
      port,
      "POST",
      "/api/tasks/claim",
      { wait_s: 60, while_held: whileHeld },
      { "X-Koor-Session": ANA.session },
    );
  await set(port, "w", { ...DAY, policy: "warn" });
  await set(port, "b", DAY);
  const free = claim(false);
  await use(port, ANA, 100);
  t.match((await free).json(), { task: null, held: [{ budget: "b" }] });
  const held = claim(true);
  await send(port, "DELETE", "/api/budgets/b");
  t.same((await held).json(), { task: null, lease: null }, "a budget that warns holds nothing");
});

t.test("a restart keeps the sums", async (t) => {
  const dataDir = makeDirectory(t);
  const first = await startKoor(t, { data_dir: dataDir });
  await sendHook(first.port, ANA, "SessionStart");
  await set(first.port, "b", DAY);
  await use(first.port, ANA, 90, { cost_usd: 0.1 });
  const before = await list(first.port);
  await first.stop();
  const { port } = await startKoor(t, { data_dir: dataDir });
  t.same(await list(port), before);
  t.match((await sendEdit(port, ANA, "a.ts")).text, /used up to 90 %/, "the front knows its state");
});

t.test("a restore brings the sums", { skip: RESTORE_REFUSED }, async (t) => {
  const [old, { port }] = [await startKoor(t), await startKoor(t)];
  await sendHook(old.port, ANA, "SessionStart");
  await set(old.port, "b", DAY);
  await use(old.port, ANA, 90);
  const snapshot = await send(old.port, "GET", "/api/backup");
  t.equal((await send(port, "POST", "/api/restore", { body: snapshot.text })).status, 200);
  t.same(await list(port), await list(old.port));
  t.match((await sendEdit(port, ANA, "a.ts")).text, /used up to 90 %/);
  await use(port, ANA, 10);
  t.match(await list(port), [{ state: "exhausted", used: { tokens: 100, reports: 2 } }]);
});

t.test("a report uses up the budgets of the reporter's own tasks only", async (t) => {
  const { port } = await startKoor(t, { args: ["--auth-token", TOKEN] });
  const right = { Authorization: `Bearer ${TOKEN}` };
  const [ana, ben] = [
    await Agent.register(port, "ana", { by: right }),
    await Agent.register(port, "ben", { by: right }),
  ];
  for (const id of ["one", "two"]) {
    await addTask(ana, { id });
    await set(port, id, { scope: "task", target: id, tokens: 100 }, right);
  }
  const usedOf = async () =>
    (await send(port, "GET", "/api/budgets", { headers: right }))
      .json<{ readonly budgets: readonly Budget[] }>()
      .budgets.map(({ used }) => used.tokens);
  const report = { provider: "p", model: "m", tokens_out: 1_000, session_tag: "one" };
  t.equal((await ben.ask("POST", "/api/llm/usage", report)).status, 200, "a tag may be anything");
  t.same(await usedOf(), [0, 0]);
  const task = await claimOne(ben);
  t.equal((await ben.ask("POST", "/api/llm/usage", { ...report, session_tag: "two" })).status, 200);
  t.same(await usedOf(), [0, 0]);
  await ben.ask("POST", "/api/llm/usage", { ...report, tokens_out: 1 });
  t.same(await usedOf(), [1, 0], "who holds it");
  await callTask(ben, task, "complete");
  await ben.ask("POST", "/api/llm/usage", { ...report, tokens_out: 2 });
  t.same(await usedOf(), [3, 0], "who completed it");
  await ana.ask("POST", "/api/llm/usage", { ...report, tokens_out: 4, session_tag: "two" });
  t.same(await usedOf(), [3, 4], "who created it");
  const given = { ...report, tokens_out: 8, instance_id: ben.id, session_tag: "two" };
  await sendJson(port, "POST", "/api/llm/usage", given, right);
  t.same(await usedOf(), [3, 12], "the server's token");
  const back = await claimOne(ben);
  await callTask(ben, back, "release");
  await ben.ask("POST", "/api/llm/usage", { ...report, session_tag: "two" });
  t.same(await usedOf(), [3, 12], "who has given it back");
});
