/**
 * Tests the endpoints of hooks against a real server: bodies and statuses, sessions and their tokens, and what other
 * endpoints show of the agents. What each moment does is tested in src/features/hooks/.
 */
import type { OutgoingHttpHeaders } from "node:http";
import t from "tap";
import { BODY_BYTES_MAX } from "../schemas/limits/request-bodies.js";
import { HOOK_CLIENTS } from "../schemas/hook-names.js";
import type { HookList } from "../schemas/hooks.js";
import { send, sendJson, sendRaw, type Answer } from "./support/http-client.js";
import { makeDirectory, startKoor } from "./support/server-process.js";
import { singleServerOnly } from "./support/variant.js";

const TOKEN = "the-server's-own-token";
const GUARDED = ["--auth-token", TOKEN];
const RIGHT = { Authorization: `Bearer ${TOKEN}` };
const ROOT = "/work/shop";
const PROJECT = { ...RIGHT, "X-Koor-Root": ROOT, "X-Koor-Workspace": "shop", "X-Koor-Checkout": "c-1" };

interface Instance {
  readonly id: string;
  readonly name: string;
  readonly token: string;
  readonly status: string;
  readonly client?: string;
  readonly parent: string | null;
  readonly checkout: object | null;
}
interface Lease {
  readonly id: string;
  readonly fence: number;
  readonly holder: { readonly id: string; readonly name: string };
  readonly resources: readonly string[];
  readonly scope: string;
  readonly checkout: string | null;
  readonly automatic?: true;
  readonly touched_at?: string;
}
interface MessageList {
  readonly messages: readonly { readonly to: readonly { readonly delivered_at: string | null }[] }[];
}

let calls = 0;
function input(event: string, session: string, more: object = {}): string {
  calls += 1;
  return JSON.stringify({ session_id: session, cwd: ROOT, hook_event_name: event, prompt_id: calls, ...more });
}

function edit(session: string, path: string): string {
  return input("PreToolUse", session, {
    tool_name: "Edit",
    tool_use_id: `t-${calls}`,
    tool_input: { file_path: path },
  });
}

function hook(port: number, body: string | Uint8Array, headers: OutgoingHttpHeaders = PROJECT): Promise<Answer> {
  return send(port, "POST", "/api/hooks/claude", { body, headers });
}

async function instances(port: number): Promise<readonly Instance[]> {
  return (await send(port, "GET", "/api/instances", { headers: RIGHT })).json();
}

async function leases(port: number): Promise<readonly Lease[]> {
  return (await send(port, "GET", "/api/leases", { headers: RIGHT })).json<{ leases: readonly Lease[] }>().leases;
}

t.test("two sessions in one working tree cannot overwrite each other", async (t) => {
  const { port } = await startKoor(t, { args: GUARDED });
  t.match((await hook(port, input("SessionStart", "s-1"))).text, /you are claude-[0-9a-f]{4} in the workspace shop/);
  t.equal((await hook(port, edit("s-1", `${ROOT}/a.ts`))).text.trim(), "{}");
  const [ana] = await instances(port);
  t.match(ana, { client: "claude", status: "active", parent: null, checkout: { id: "c-1", root: ROOT } });
  t.match(await leases(port), [
    { holder: { id: ana?.id }, resources: ["path:a.ts"], scope: "checkout", checkout: "c-1", automatic: true },
  ]);
  const denied = await hook(port, edit("s-2", "a.ts"));
  t.equal(denied.status, 200);
  const { hookSpecificOutput } = denied.json<{
    readonly hookSpecificOutput: { readonly permissionDecision: string; readonly permissionDecisionReason: string };
  }>();
  t.equal(hookSpecificOutput.permissionDecision, "deny");
  t.match(
    hookSpecificOutput.permissionDecisionReason,
    new RegExp(`leased by ${ana?.name}.*koor wait --free 'path:a.ts'`),
  );

  const free = await send(port, "GET", "/api/wait?free=path:a.ts&workspace=shop", { headers: RIGHT });
  t.equal(free.json<{ matched: unknown }>().matched, null);
  t.equal((await hook(port, input("SessionEnd", "s-1"))).text.trim(), "{}");
  t.same(await leases(port), [], "the end of a session releases its leases");
  t.match((await hook(port, edit("s-2", "a.ts"))).text, /"additionalContext":"Koor: you are claude-/);
  t.match(await leases(port), [{ resources: ["path:a.ts"] }], "the path is free now");
});

t.test("parallel hooks of one session are one instance, and one lease", async (t) => {
  const { port } = await startKoor(t, { args: GUARDED });
  const body = edit("s-1", "a.ts");
  const answers = await Promise.all(Array.from({ length: 8 }, () => hook(port, body)));
  t.equal(
    answers.every(({ status }) => status === 200),
    true,
  );
  t.equal((await instances(port)).length, 1);
  t.equal((await leases(port)).length, 1);
  const own = { resources: ["path:own.ts"], workspace: "shop" };
  const holder = { ...RIGHT, "X-Koor-Instance": (await instances(port))[0]?.id ?? "" };
  const asked = await sendJson(port, "POST", "/api/leases", own, holder);
  t.notOk("automatic" in asked.json<Lease>(), "an agent's own request is not automatic, and does not show the member");
});

t.test("statuses: only the client and the token are refused", async (t) => {
  const { port } = await startKoor(t, { args: GUARDED });
  const status = async (path: string, body: string | Uint8Array, headers: OutgoingHttpHeaders): Promise<number> =>
    (await send(port, "POST", path, { body, headers })).status;
  const claude = "/api/hooks/claude";
  t.equal(await status("/api/hooks/emacs", "{}", RIGHT), 404);
  t.equal(await status(claude, "{}", {}), 401);
  t.equal(await status(claude, "{}", { Authorization: "Bearer wrong" }), 401);
  t.equal(await status(claude, "{}", { ...RIGHT, Origin: "https://example.org" }), 403);
  for (const type of ["text/plain", "application/json", "application/x-www-form-urlencoded", "image/png", ""])
    t.equal(await status(claude, "garbage", { ...RIGHT, "Content-Type": type }), 200, type);
  t.equal(await status(`${claude}?unknown=1`, "{}", RIGHT), 200);
  t.equal(await status(claude, Buffer.from([0xff, 0, 0xfe]), RIGHT), 200);
  t.equal(await status(claude, "", RIGHT), 200);
  t.equal(await status(`${claude}/No-such-event`, '{"session_id":"s"}', RIGHT), 200);
  t.equal(await status(claude, "[".repeat(100_000), RIGHT), 200);
  t.equal(await status(claude, input("Stop", "x".repeat(129)), RIGHT), 200);
  t.equal(await status(claude, input("Stop", "s", { pad: "x".repeat(2 ** 20) }), RIGHT), 200, "it is not read");
  t.equal(await status(claude, Buffer.alloc(BODY_BYTES_MAX + 1), RIGHT), 413);
  t.equal(await status(claude, "garbage", { ...RIGHT, "X-Koor-Instance": "none", "X-Koor-Session": "none" }), 200);
  t.same(await instances(port), [], "and nothing was made");
  const kimi = await send(port, "POST", "/api/hooks/kimi/UserPromptSubmit", { body: "garbage", headers: RIGHT });
  t.same([kimi.status, kimi.text], [200, ""]);
});

t.test("a session belongs to the token that made it", async (t) => {
  const { port } = await startKoor(t, { args: GUARDED });
  const register = async (name: string): Promise<OutgoingHttpHeaders> => {
    const { token } = (await sendJson(port, "POST", "/api/instances/register", { name }, RIGHT)).json<Instance>();
    return { ...PROJECT, Authorization: `Bearer ${token}` };
  };
  const [ana, ben] = [await register("ana"), await register("ben")];
  t.equal((await hook(port, edit("s-1", "a.ts"), ana)).status, 200);
  const refused = await hook(port, edit("s-1", "b.ts"), ben);
  t.same([refused.status, refused.json<{ error: string }>().error], [403, "not yours"]);
  t.equal((await hook(port, input("SessionEnd", "s-1"), ben)).status, 403);
  t.equal((await leases(port)).length, 1);
  t.equal((await hook(port, edit("s-1", "b.ts"), PROJECT)).status, 200, "the server's token may name any");
});

t.test("headers are lists, however often they are sent", async (t) => {
  const { port } = await startKoor(t);
  const body = edit("s-1", "/link/a.ts");
  const lines = [
    "POST /api/hooks/claude HTTP/1.1",
    `Host: localhost:${port}`,
    "X-Koor-Root: /work/shop",
    "X-Koor-Root: /link",
    "X-Koor-Workspace: caf%C3%A9",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  t.match(await sendRaw(port, `${lines.join("\r\n")}\r\n\r\n${body}`), /^HTTP\/1\.1 200 /);
  t.match(await leases(port), [{ workspace: "café", resources: ["path:a.ts"], scope: "repo" }]);
});

t.test("a restart keeps sessions and their automatic leases", { skip: singleServerOnly("it restarts") }, async (t) => {
  const directory = makeDirectory(t);
  const first = await startKoor(t, { args: GUARDED, data_dir: directory });
  await hook(first.port, input("SessionStart", "s-1"));
  await hook(first.port, edit("s-1", "a.ts"));
  const [before] = await instances(first.port);
  await first.stop();
  const { port } = await startKoor(t, { args: GUARDED, data_dir: directory });
  t.equal((await hook(port, edit("s-1", "a.ts"))).text.trim(), "{}", "the agent was introduced before");
  t.equal((await instances(port))[0]?.id, before?.id);
  const kept = (await leases(port)).filter(({ holder }) => holder.id === before?.id);
  t.match(kept, [{ resources: ["path:a.ts"], automatic: true, touched_at: /Z$/ }], "it was touched");
  t.equal(kept.length, 1);
  await hook(port, edit("s-2", "b.ts"));
  const waiter = (await instances(port)).find(({ id }) => id !== before?.id);
  const wanted = { resources: ["path:a.ts"], scope: "checkout", workspace: "shop", queue: true };
  const asked = await sendJson(port, "POST", "/api/leases", wanted, { ...RIGHT, "X-Koor-Instance": waiter?.id ?? "" });
  t.equal(asked.status, 202);
  await hook(port, input("Stop", "s-1"));
  t.match((await leases(port)).find(({ resources }) => resources[0] === "path:a.ts")?.holder, { id: waiter?.id });
});

t.test("a read after a hook shows what the hook has changed", async (t) => {
  const { port } = await startKoor(t);
  const register = { name: "ben", workspace: "shop" };
  const { id: ben } = (await sendJson(port, "POST", "/api/instances/register", register)).json<Instance>();
  for (let at = 0; at < 5; at++) {
    const path = `${at}.ts`;
    const isEven = at % 2 === 0;
    const find = async (): Promise<Lease | undefined> =>
      (await leases(port)).find(({ resources }) => resources[0] === `path:${path}`);
    await hook(port, edit("s-1", path));
    const lease = await find();
    await hook(port, edit("s-1", path));
    const again = isEven ? await find() : (await send(port, "GET", `/api/leases/${lease?.id}`)).json<Lease>();
    t.match(again, { id: lease?.id, touched_at: /Z$/ }, "the second edit has touched the lease");

    const message = { to: lease?.holder.id, subject: `${at}` };
    await sendJson(port, "POST", "/api/messages", message, { "X-Koor-Instance": ben });
    await hook(port, input("UserPromptSubmit", "s-1"));
    const seen = `/api/messages${isEven ? "?box=out&limit=500" : "/all"}`;
    const { messages } = (await send(port, "GET", seen, { headers: { "X-Koor-Instance": ben } })).json<MessageList>();
    t.same(
      messages.map(({ to }) => to[0]?.delivered_at === null),
      messages.map(() => false),
      "the prompt has delivered the message",
    );
  }
});

t.test("the list shows who is denied again and again, and events say so", async (t) => {
  const { port } = await startKoor(t, { args: GUARDED });
  await hook(port, input("SessionStart", "s-1"));
  await hook(port, edit("s-1", "a.ts"));
  for (let at = 0; at < 3; at++) await hook(port, edit("s-2", "a.ts"));
  const [ben, ana] = await instances(port);
  const [lease] = await leases(port);
  const { denials } = (await send(port, "GET", "/api/hooks", { headers: RIGHT })).json<HookList>();
  const denial = { client: "claude", workspace: "shop", path: "a.ts", lease_id: lease?.id, count: 3 };
  t.match(denials, [{ ...denial, instance: { name: ben?.name }, holder: { id: ana?.id, name: ana?.name } }]);
  const events = await send(port, "GET", "/api/events/history?topic=agent.denied&after=0&wait=20", { headers: RIGHT });
  t.match(events.json(), [{ topic: "agent.denied", source: "koor", data: denial }]);
});

t.test("the list shows which hooks were seen", async (t) => {
  const { port } = await startKoor(t, { args: GUARDED });
  await hook(port, input("SessionStart", "s-1"));
  await hook(port, input("Stop", "s-1"));
  const { clients } = (await send(port, "GET", "/api/hooks", { headers: RIGHT })).json<HookList>();
  t.same(
    clients.map(({ client }) => client),
    HOOK_CLIENTS,
  );
  t.match(clients[0], { form: "claude", seen: [{ workspace: "shop", checkout: "c-1", event: "Stop", at: /Z$/ }] });
  t.equal(clients[0]?.seen.length, 1);
  t.ok(clients[0]?.events.includes("PreToolUse"));
  const { text } = await send(port, "GET", "/metrics", { headers: RIGHT });
  t.match(text, 'koor_hook_calls_total{client="claude",event="SessionStart",decision="context"} 1');
  t.match(text, "koor_hook_seconds_count 2");
});
