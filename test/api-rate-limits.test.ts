/**
 * Tests rate limits of accounts against a real server: who may report and remove them, which claims they hold, and what
 * waits, hooks and events say about them.
 */
import t from "tap";
import { RATE_LIMITS_OF_ACCOUNT_MAX } from "../schemas/limits/rate-limits.js";
import type { RateLimit } from "../schemas/rate-limits.js";
import { sendEdit, sendHook, type HookSession } from "./support/hook-work.js";
import { send, sendJson, type Answer } from "./support/http-client.js";
import { makeDirectory, startKoor } from "./support/server-process.js";
import { RESTORE_REFUSED } from "./support/variant.js";

const TOKEN = "a-token-of-the-server";
const SERVER = { Authorization: `Bearer ${TOKEN}` };
const PATH = "/api/llm/limits";
const ACCOUNT = "anthropic:team-a";
const LIMIT = { provider: "anthropic", account: ACCOUNT, retry_after_s: 60, reason: "HTTP 429" };

interface Registered {
  readonly id: string;
  readonly token: string;
  /** The headers of a call with its token. */
  readonly headers: Record<string, string>;
}

async function register(port: number, name: string, account?: string, headers = {}): Promise<Registered> {
  const body = { name, workspace: "shop", ...(account === undefined ? {} : { account }) };
  const answer = await sendJson(port, "POST", "/api/instances/register", body, headers);
  const { id, token } = answer.json<{ readonly id: string; readonly token: string }>();
  return { id, token, headers: { Authorization: `Bearer ${token}` } };
}

const report = (port: number, body: object, headers = {}): Promise<Answer> =>
  sendJson(port, "POST", PATH, body, headers);
const list = async (port: number, headers = {}): Promise<readonly RateLimit[]> =>
  (await send(port, "GET", PATH, { headers })).json<{ readonly limits: readonly RateLimit[] }>().limits;

t.test("an instance says its account, and its rate limit is of that account", async (t) => {
  const { port } = await startKoor(t, { args: ["--auth-token", TOKEN] });
  const ana = await register(port, "ana", ACCOUNT, SERVER);
  const ben = await register(port, "ben", undefined, SERVER);
  const setAccount = (account: string | null, headers: Record<string, string>) =>
    sendJson(port, "PATCH", `/api/instances/${ben.id}`, { account }, headers);
  const shown = async (id: string) => (await send(port, "GET", `/api/instances/${id}`, { headers: SERVER })).json();
  t.match(await shown(ana.id), { account: ACCOUNT });
  t.notOk(Object.hasOwn((await shown(ben.id)) as object, "account"), "no account is guessed");
  const { account: _, ...ofCaller } = LIMIT;
  const answer = await report(port, ofCaller, ana.headers);
  t.match(answer.json(), { provider: "anthropic", account: ACCOUNT, reason: "HTTP 429", reported_by: ana.id });
  t.match(await report(port, ofCaller, ben.headers), { status: 400, text: /account is required/ });
  await setAccount("acme:b", SERVER);
  t.match((await report(port, ofCaller, ben.headers)).json(), { account: "acme:b" });
  t.equal((await setAccount(null, ben.headers)).status, 403, "ben cannot leave it");
  t.equal((await setAccount(null, SERVER)).status, 200);
  t.equal((await setAccount(null, ben.headers)).status, 200, "ben has none already");
  t.equal((await report(port, ofCaller, ben.headers)).status, 400);
  const { id } = answer.json<RateLimit>();
  t.equal((await send(port, "DELETE", `${PATH}/${id}`, { headers: ben.headers })).status, 403, "ben did not report it");
  t.same((await send(port, "DELETE", `${PATH}/${id}`, { headers: ana.headers })).json(), { deleted: id });
  t.equal((await send(port, "DELETE", `${PATH}/${id}`, { headers: SERVER })).status, 404);
  const [left] = await list(port, ana.headers);
  t.equal(
    (await send(port, "DELETE", `${PATH}/${left?.id}`, { headers: SERVER })).status,
    200,
    "the server's token may",
  );
  t.same(await list(port, ana.headers), []);
});

t.test("with an instance's token an account that is named is its own", async (t) => {
  const { port } = await startKoor(t, { args: ["--auth-token", TOKEN] });
  const ana = await register(port, "ana", ACCOUNT, SERVER);
  const ben = await register(port, "ben", "acme:b", SERVER);
  const cid = await register(port, "cid", undefined, SERVER);
  const refused = { status: 403, text: /not yours: an agent gets its account with the server token/ };
  for (const { id, headers } of [ben, cid]) {
    t.match(await report(port, LIMIT, headers), refused);
    t.match(await sendJson(port, "PATCH", `/api/instances/${id}`, { account: ACCOUNT }, headers), refused);
    const child = { name: "child", account: ACCOUNT };
    t.match(await sendJson(port, "POST", "/api/instances/register", child, headers), refused);
  }
  t.match(await list(port, SERVER), []);
  t.equal((await report(port, LIMIT, ana.headers)).status, 200);
  t.match((await send(port, "GET", `/api/instances/${ben.id}`, { headers: SERVER })).json(), { account: "acme:b" });
  const same = await sendJson(port, "PATCH", `/api/instances/${ana.id}`, { account: ACCOUNT }, ana.headers);
  t.equal(same.status, 200, "what it has already");
  const child = await sendJson(port, "POST", "/api/instances/register", { name: "c", account: ACCOUNT }, ana.headers);
  t.match(child.json(), { account: ACCOUNT, registered_by: ana.id });
});

t.test("an agent does not leave its rate limits by registering others", async (t) => {
  const { port } = await startKoor(t, { args: ["--auth-token", TOKEN] });
  const ana = await register(port, "ana", ACCOUNT, SERVER);
  const free = await register(port, "free", undefined, SERVER);
  const child = await register(port, "child", undefined, ana.headers);
  const named = { name: "grandchild", workspace: "shop", account: null };
  const answer = await sendJson(port, "POST", "/api/instances/register", named, child.headers);
  const { token } = answer.json<{ readonly token: string }>();
  const limit = (await report(port, { provider: "anthropic", retry_after_s: 60 }, ana.headers)).json<RateLimit>();
  const task = await sendJson(port, "POST", "/api/tasks", { id: "one", workspace: "shop", title: "t" }, SERVER);
  t.equal(task.status, 200);
  for (const headers of [child.headers, { Authorization: `Bearer ${token}` }]) {
    t.match((await sendJson(port, "POST", "/api/tasks/claim", {}, headers)).json(), { held: [{ limit: limit.id }] });
    const waited = await send(port, "GET", "/api/wait?task=1", { headers });
    t.match(waited.json(), { limited: [{ id: limit.id }] });
  }
  const claimed = await sendJson(port, "POST", "/api/tasks/claim", {}, free.headers);
  t.match(claimed.json(), { task: { id: "one" } }, "an agent without an account");
});

t.test("an account has few rate limits, so that one agent does not take the places of all", async (t) => {
  const { port } = await startKoor(t, { args: ["--auth-token", TOKEN] });
  const ana = await register(port, "ana", ACCOUNT, SERVER);
  const ben = await register(port, "ben", "acme:b", SERVER);
  const of = (provider: string, { headers }: Registered) => report(port, { provider, retry_after_s: 60 }, headers);
  for (let n = 0; n < RATE_LIMITS_OF_ACCOUNT_MAX; n++) t.equal((await of(`p-${n}`, ana)).status, 200);
  t.match(await of("p-one-more", ana), { status: 429, text: /the account has 16 rate limits already/ });
  t.equal((await of("p-0", ana)).status, 200, "it takes the place of an earlier one");
  t.equal((await of("p-0", ben)).status, 200, "another account");
});

t.test("a later report takes the place of an earlier one of the same provider and account", async (t) => {
  const { port } = await startKoor(t);
  const first = (await report(port, LIMIT)).json<RateLimit>();
  const until = new Date(Date.now() + 3_600_000).toISOString();
  await report(port, { provider: "anthropic", account: ACCOUNT, until });
  await report(port, { ...LIMIT, provider: "openai" });
  t.match(await list(port), [
    { id: first.id, until, reason: "" },
    { provider: "openai", reason: "HTTP 429" },
  ]);
});

t.test("what is refused", async (t) => {
  const { port } = await startKoor(t);
  const { retry_after_s: _, ...timeless } = LIMIT;
  const at = (ms: number) => ({ ...timeless, until: new Date(Date.now() + ms).toISOString() });
  for (const [body, error] of [
    [timeless, /give either until or retry_after_s/],
    [{ ...at(60_000), retry_after_s: 60 }, /give either until or retry_after_s/],
    [at(-60_000), /until must be in the future/],
    [at(25 * 3_600_000), /until must be at most 86400 seconds ahead/],
    [{ ...LIMIT, retry_after_s: 86_401 }, /retry_after_s/],
    [{ ...timeless, until: "soon" }, /until/],
    [{ ...LIMIT, provider: "" }, /provider/],
    [{ ...LIMIT, account: "" }, /account/],
  ] as const)
    t.match(await report(port, body), { status: 400, text: error });
  t.equal((await send(port, "DELETE", `${PATH}/x`)).status, 400);
  t.same(await list(port), []);
});

t.test("claims of the account's instances are held, and go on when the rate limit is removed", async (t) => {
  const { port } = await startKoor(t);
  const [ana, ben, cid] = [
    await register(port, "ana", ACCOUNT),
    await register(port, "ben", "acme:b"),
    await register(port, "cid"),
  ];
  await sendJson(
    port,
    "POST",
    "/api/tasks",
    ["one", "two", "three"].map((id) => ({ id, workspace: "shop", title: id })),
  );
  const limit = (await report(port, LIMIT, ben.headers)).json<RateLimit>();
  const claim = (of: Registered, body: object = {}): Promise<Answer> =>
    sendJson(port, "POST", "/api/tasks/claim", body, of.headers);
  t.same((await claim(ana)).json(), {
    task: null,
    lease: null,
    held: [{ limit: limit.id, provider: "anthropic", account: ACCOUNT, ends_at: limit.until }],
  });
  t.match((await claim(ben)).json(), { task: { id: "one" } }, "another account");
  t.match((await claim(cid)).json(), { task: { id: "two" } }, "an unknown account");
  const waiting = claim(ana, { wait_s: 20 });
  await send(port, "DELETE", `${PATH}/${limit.id}`);
  t.match((await waiting).json(), { task: { id: "three" } });
});

t.test("a claim goes on when the time of the rate limit is over", async (t) => {
  const { port } = await startKoor(t);
  const ana = await register(port, "ana", ACCOUNT);
  await sendJson(port, "POST", "/api/tasks", { id: "one", workspace: "shop", title: "t" });
  await report(port, { ...LIMIT, retry_after_s: 1 });
  const claimed = await sendJson(port, "POST", "/api/tasks/claim", { wait_s: 20 }, ana.headers);
  t.match(claimed.json(), { task: { id: "one" } });
  t.same(await list(port), []);
  const ended = await send(port, "GET", "/api/events/history?topic=llm.limit.ended");
  t.match(ended.text, /"topic":"llm\.limit\.ended".*"account":"anthropic:team-a"/);
});

t.test("a claim says what began to hold it while it waited", async (t) => {
  const { port } = await startKoor(t);
  const ana = await register(port, "ana", ACCOUNT);
  const claim = sendJson(port, "POST", "/api/tasks/claim", { wait_s: 1 }, ana.headers);
  await report(port, LIMIT);
  t.match((await claim).json(), { task: null, held: [{ provider: "anthropic" }] });
});

t.test("a claim that waits while nothing holds it ends when something does, and the other way round", async (t) => {
  const { port } = await startKoor(t);
  const ana = await register(port, "ana", ACCOUNT);
  const ben = await register(port, "ben", "acme:b");
  const claim = (body: object, of = ana): Promise<Answer> =>
    sendJson(port, "POST", "/api/tasks/claim", { wait_s: 60, ...body }, of.headers);
  let hasOtherEnded = false;
  const other = claim({ while_held: false }, ben).finally(() => (hasOtherEnded = true));
  const free = claim({ while_held: false });
  const limit = (await report(port, LIMIT)).json<RateLimit>();
  t.match((await free).json(), { task: null, held: [{ limit: limit.id }] });
  t.match((await claim({ while_held: false })).json(), { held: [{ limit: limit.id }] }, "it is held already");
  const held = claim({ while_held: true });
  await send(port, "DELETE", `${PATH}/${limit.id}`);
  t.same((await held).json(), { task: null, lease: null });
  t.same((await claim({ while_held: true })).json(), { task: null, lease: null }, "it is free already");
  t.notOk(hasOtherEnded, "the claim of another account waits for as long as it was asked to");

  await sendJson(port, "POST", "/api/tasks", { id: "zero", workspace: "shop", title: "t" });
  t.match((await other).json(), { task: { id: "zero" } });
  const waiting = claim({ while_held: false, request_id: "a" });
  await sendJson(port, "POST", "/api/tasks", { id: "one", workspace: "shop", title: "t" });
  t.match((await waiting).json(), { task: { id: "one" } });
  const again = await claim({ wait_s: 0, while_held: true, request_id: "a" });
  t.match(again.json(), { task: { id: "one" } }, "a repetition may wait for another reason");
});

t.test("a wait says a rate limit once", async (t) => {
  const { port } = await startKoor(t);
  const [ana, ben] = [await register(port, "ana", ACCOUNT), await register(port, "ben")];
  const wait = async (after: string, of = ana) =>
    (await send(port, "GET", `/api/wait?task=1&after=${after}`, { headers: of.headers })).json<{
      readonly cursor: string;
      readonly limited?: readonly RateLimit[];
    }>();
  const { limited: none, cursor } = await wait("");
  t.equal(none, undefined);
  const limit = (await report(port, LIMIT)).json<RateLimit>();
  const second = await wait(cursor);
  t.same(second.limited, [limit]);
  t.equal((await wait(second.cursor)).limited, undefined, "once");
  t.equal((await wait("", ben)).limited, undefined, "an unknown account");
  await send(port, "DELETE", `${PATH}/${limit.id}`);
  t.equal((await wait(cursor)).limited, undefined, "it has ended");
});

t.test("hooks tell a rate limit once, and deny nothing", async (t) => {
  const { port } = await startKoor(t);
  const session: HookSession = { client: "claude", session: "ana", checkout: "c-a", branch: "main", root: "/work/a" };
  await sendHook(port, session, "SessionStart");
  const found = await send(port, "GET", "/api/instances?checkout=c-a");
  const [ana] = found.json<readonly { readonly id: string }[]>();
  await sendJson(port, "PATCH", `/api/instances/${ana?.id}`, { account: ACCOUNT });
  await report(port, LIMIT);
  const line = /anthropic limits the rate of your account .{0,2}anthropic:team-a.{0,2} until .* UTC/;
  const child = { agent_id: "child", agent_type: "Explore" };
  t.match((await sendHook(port, session, "UserPromptSubmit")).text, line);
  t.notMatch((await sendHook(port, session, "UserPromptSubmit")).text, /limits the rate/, "once");
  t.notMatch((await sendEdit(port, session, "a.ts")).text, /"deny"/);
  await sendHook(port, session, "SubagentStart", child);
  const all = (await send(port, "GET", "/api/instances?checkout=c-a")).json<
    readonly { readonly id: string; readonly parent: string | null }[]
  >();
  const subagent = all.find(({ parent }) => parent === ana?.id)?.id ?? "";
  const claimed = await sendJson(port, "POST", "/api/tasks/claim", {}, { "X-Koor-Instance": subagent });
  t.match(claimed.json(), { held: [{ account: ACCOUNT }] }, "a subagent has its parent's account");
});

t.test("a restart keeps rate limits", async (t) => {
  const dataDir = makeDirectory(t);
  const first = await startKoor(t, { data_dir: dataDir });
  const ana = await register(first.port, "ana", ACCOUNT);
  const limit = (await report(first.port, LIMIT)).json<RateLimit>();
  await first.stop();
  const { port } = await startKoor(t, { data_dir: dataDir });
  t.same(await list(port), [limit]);
  const claimed = await sendJson(port, "POST", "/api/tasks/claim", {}, ana.headers);
  t.match(claimed.json(), { held: [{ limit: limit.id }] });
});

t.test("a restore brings rate limits and accounts", { skip: RESTORE_REFUSED }, async (t) => {
  const [old, { port }] = [await startKoor(t), await startKoor(t)];
  const ana = await register(old.port, "ana", ACCOUNT);
  const limit = (await report(old.port, LIMIT)).json<RateLimit>();
  const snapshot = await send(old.port, "GET", "/api/backup");
  t.equal((await send(port, "POST", "/api/restore", { body: snapshot.text })).status, 200);
  t.same(await list(port), [limit]);
  t.match((await send(port, "GET", `/api/instances/${ana.id}`)).json(), { account: ACCOUNT });
});
