/**
 * Tests the checkouts of instances, and the sessions of agents' clients as the actors of calls, against a real server.
 * No call of a client begins a session, so the sessions are put into the database while the server is stopped.
 */
import type { OutgoingHttpHeaders } from "node:http";
import t from "tap";
import { CHECKOUT_TEXT_BYTES_MAX } from "../schemas/limits/instances.js";
import { databasePath } from "../src/platform/store/open.js";
import { openDatabase } from "../src/platform/store/sqlite/choice.js";
import { send, sendJson, sendRaw, type Answer } from "./support/http-client.js";
import { callTool, resultOf } from "./support/mcp-messages.js";
import { makeDirectory, startKoor, type Koor } from "./support/server-process.js";
import { openSocket } from "./support/subscriber.js";
import { CLUSTER } from "./support/variant.js";

interface Checkout {
  readonly id: string;
  readonly branch: string | null;
  readonly root: string | null;
  readonly machine: string | null;
}
interface Instance {
  readonly id: string;
  readonly name: string;
  readonly token: string;
  readonly checkout: Checkout | null;
  readonly parent: string | null;
}

const TOKEN = "the-server's-own-token";
const RIGHT = { Authorization: `Bearer ${TOKEN}` };
const GUARDED = ["--auth-token", TOKEN];
const bearer = ({ token }: { readonly token: string }): OutgoingHttpHeaders => ({ Authorization: `Bearer ${token}` });
const refusal = (answer: Answer): unknown => [answer.status, answer.json<{ readonly error: string }>().error];

async function register(port: number, body: object, headers: OutgoingHttpHeaders = RIGHT): Promise<Instance> {
  const answer = await sendJson(port, "POST", "/api/instances/register", body, headers);
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.json<Instance>();
}

async function checkoutOf(port: number, { id }: { readonly id: string }): Promise<Checkout | null> {
  return (await send(port, "GET", `/api/instances/${id}`, { headers: RIGHT })).json<Instance>().checkout;
}

t.test("an instance says in which checkout it works", async (t) => {
  const { port } = await startKoor(t, { args: GUARDED });
  const full = { id: "0123456789abcdef", branch: "main", root: "/work/trucks", machine: "m" };
  const ana = await register(port, { name: "ana", checkout: full });
  t.same(ana.checkout, full);
  t.equal(ana.parent, null);
  const ben = await register(port, { name: "ben", checkout: { id: "b-2", branch: null } });
  const none = { branch: null, root: null, machine: null };
  t.same(ben.checkout, { id: "b-2", ...none }, "what is left out is null");
  const cy = await register(port, { name: "cy", checkout: null });
  t.same((await register(port, { name: "dee" })).checkout, null);
  const patch = (of: Instance, body: unknown, headers: OutgoingHttpHeaders = RIGHT): Promise<Answer> =>
    sendJson(port, "PATCH", `/api/instances/${of.id}`, body as object, headers);

  const listed = async (query: string): Promise<readonly string[]> => {
    const answer = await send(port, "GET", `/api/instances?${query}`, { headers: RIGHT });
    return answer.json<readonly Instance[]>().map(({ name }) => name);
  };
  t.same(await listed("checkout=b-2"), ["ben"]);
  t.same(await listed("checkout=none"), []);
  t.same(await listed("checkout=b-2&name=ana"), [], "filters combine");

  const patched = await patch(ana, { checkout: { id: full.id, branch: "fix" } }, bearer(ana));
  t.match([patched.status, patched.json()], [200, { id: ana.id, name: "ana", checkout: { ...full, branch: "fix" } }]);
  t.notOk("token" in patched.json<object>());
  t.same(await checkoutOf(port, ana), { ...full, branch: "fix" }, "what is left out stays");
  t.same((await patch(ana, {}, bearer(ana))).json<Instance>().checkout, { ...full, branch: "fix" });
  t.same((await patch(ana, { checkout: { id: full.id, root: null } })).json<Instance>().checkout, {
    ...full,
    branch: "fix",
    root: null,
  });
  t.same((await patch(cy, { checkout: { id: "b-2" } })).json<Instance>().checkout, { id: "b-2", ...none });
  t.same((await listed("checkout=b-2")).toSorted(), ["ben", "cy"]);
  t.same((await patch(cy, { checkout: null })).json<Instance>().checkout, null);
  t.same(await listed("checkout=b-2"), ["ben"]);

  t.same(refusal(await patch(ana, { checkout: null }, bearer(ben))), [
    403,
    "this needs the server token, or the token of that instance",
  ]);
  t.same(refusal(await patch(ana, { checkout: null }, {})), [401, "invalid or missing bearer token"]);
  t.same(refusal(await patch({ ...ana, id: "none" }, {})), [404, "instance not found: none"]);
  t.same(refusal(await patch({ ...ana, id: "none" }, { checkout: null })), [404, "instance not found: none"]);

  const beat = (of: Instance, branch: unknown): Promise<Answer> =>
    sendJson(port, "POST", `/api/instances/${of.id}/heartbeat`, { branch }, bearer(of));
  t.same((await beat(ana, "heard")).json(), { id: ana.id, status: "ok" });
  t.match(await checkoutOf(port, ana), { branch: "heard", machine: "m" });
  t.equal((await beat(ana, null)).status, 200);
  t.match(await checkoutOf(port, ana), { branch: null, machine: "m" });
  t.equal((await beat(cy, "ignored")).status, 200);
  t.equal(await checkoutOf(port, cy), null, "a branch without a checkout is ignored");
  t.same(refusal(await beat(ana, "a\nb")), [400, "branch must not contain control characters"]);

  const rows = (await send(port, "GET", "/api/audit?action=instance.checkout", { headers: RIGHT })).json<
    readonly { readonly actor: string; readonly resource: string; readonly detail: string; readonly outcome: string }[]
  >();
  t.match(
    rows.filter(({ outcome }) => outcome === "success").map(({ resource, detail }) => [resource, JSON.parse(detail)]),
    [
      [cy.id, { checkout: null }],
      [cy.id, { checkout: { id: "b-2" } }],
      [ana.id, { checkout: { root: null } }],
      [ana.id, { checkout: { branch: "fix" } }],
    ],
    "each change has a row, and a heartbeat has none",
  );
  t.ok(rows.some(({ actor, outcome }) => actor === ben.id && outcome === "error"));
});

t.test("a wrong checkout is refused, and nothing changes", async (t) => {
  const { port } = await startKoor(t, { args: GUARDED });
  const ana = await register(port, { name: "ana", checkout: { id: "right" } });
  const long = "\u00e9".repeat(CHECKOUT_TEXT_BYTES_MAX / 2);
  const characters = "checkout.id may have only the characters a-z, 0-9 and -";
  for (const [checkout, says] of [
    [{}, "checkout.id is required"],
    [{ id: "" }, "checkout.id is required"],
    [{ id: null }, "checkout.id must be a string"],
    [{ id: 1 }, "checkout.id must be a string"],
    [{ branch: "main" }, "checkout.id is required"],
    ["right", /^checkout must be /],
    [[], /^checkout must be /],
    [7, /^checkout must be /],
    [{ id: "Right" }, characters],
    [{ id: "../.." }, characters],
    [{ id: "a b" }, characters],
    [{ id: "a\n" }, characters],
    [{ id: "a\u0000b" }, characters],
    [{ id: "\u001b[2J" }, characters],
    [{ id: "x".repeat(65) }, "checkout.id is longer than 64 characters"],
    [{ id: "x".repeat(1_048_576) }, "checkout.id is longer than 64 characters"],
    [{ id: "c", branch: 1 }, "checkout.branch must be a string"],
    [{ id: "c", branch: "\u001b[31mred" }, "checkout.branch must not contain control characters"],
    [{ id: "c", root: "/a\u0000b" }, "checkout.root must not contain control characters"],
    [{ id: "c", root: "/a\nb" }, "checkout.root must not contain control characters"],
    [{ id: "c", machine: `${long}x` }, `checkout.machine is longer than ${CHECKOUT_TEXT_BYTES_MAX} bytes`],
    [{ id: "c", root: "x".repeat(1_048_576) }, `checkout.root is longer than ${CHECKOUT_TEXT_BYTES_MAX} characters`],
  ] as const)
    for (const [method, path, body] of [
      ["POST", "/api/instances/register", { name: "new", checkout }],
      ["PATCH", `/api/instances/${ana.id}`, { checkout }],
    ] as const) {
      const answer = await sendJson(port, method, path, body, RIGHT);
      t.match(refusal(answer), [400, says], `${method} ${JSON.stringify(checkout).slice(0, 60)}`);
    }
  t.match(await checkoutOf(port, ana), { id: "right", branch: null });
  t.equal((await send(port, "GET", "/api/instances", { headers: RIGHT })).json<readonly unknown[]>().length, 1);
  const most = await register(port, {
    name: "most",
    checkout: { id: "-".repeat(64), branch: "..", root: "/", machine: long },
  });
  t.equal(most.checkout?.machine, long, "the longest that is allowed");
  t.equal(most.checkout?.root, "/");
});

t.test("a checkout is there after a restart", async (t) => {
  const dataDir = makeDirectory(t);
  const first = await startKoor(t, { args: GUARDED, data_dir: dataDir });
  const ana = await register(first.port, { name: "ana", checkout: { id: "c", root: "/r" } });
  await sendJson(first.port, "POST", `/api/instances/${ana.id}/heartbeat`, { branch: "b" }, RIGHT);
  await first.stop();
  const second = await startKoor(t, { args: GUARDED, data_dir: dataDir });
  t.same(await checkoutOf(second.port, ana), { id: "c", branch: "b", root: "/r", machine: null });
});

/** A server with sessions that were begun with the server's token, and with those of Ana and Ben. */
interface Sessions {
  readonly koor: Koor;
  readonly ana: Instance;
  readonly ben: Instance;
  /** The instances of the sessions `of-server`, `of-ana` and `of-ben`, and of a subagent of the second. */
  readonly of: Readonly<Record<"server" | "ana" | "ben" | "child", Instance>>;
}

async function startWithSessions(t: Parameters<typeof startKoor>[0], guarded: boolean): Promise<Sessions> {
  const dataDir = makeDirectory(t);
  const args = [...(guarded ? GUARDED : []), "--dashboard-bind", "127.0.0.1:0"];
  const first = await startKoor(t, { args, data_dir: dataDir });
  const { port } = first;
  const [ana, ben] = [await register(port, { name: "ana" }), await register(port, { name: "ben" })];
  const of = {
    server: await register(port, { name: "claude-0000", workspace: "w" }),
    ana: await register(port, { name: "claude-aaaa", workspace: "w" }, guarded ? bearer(ana) : RIGHT),
    ben: await register(port, { name: "codex-bbbb", workspace: "w" }, guarded ? bearer(ben) : RIGHT),
    child: await register(port, { name: "claude-aaaa/Explore" }),
  };
  await first.stop();
  const db = openDatabase(databasePath(dataDir));
  const insert = db.prepare("INSERT INTO agent_session VALUES (?, ?, ?, ?, 'claude', ?)");
  insert.run("of-server", "", of.server.id, "", null);
  insert.run("of-ana", "", of.ana.id, ana.id, null);
  insert.run("of-ana", "child", of.child.id, ana.id, null);
  insert.run("of-ben", "", of.ben.id, ben.id, 1);
  db.prepare("UPDATE instance SET parent = ?, registered_by = ? WHERE id = ?").run(of.ana.id, of.ana.id, of.child.id);
  db.close();
  return { koor: await startKoor(t, { args, data_dir: dataDir }), ana, ben, of };
}

// The nodes of a cluster have the same rows only if the rows come from the log.
const skip = CLUSTER === "" ? false : "rows are put into the database of a single server";
const as = (session: string, more: OutgoingHttpHeaders = RIGHT): OutgoingHttpHeaders => ({
  ...more,
  "X-Koor-Session": session,
});

t.test("a session acts as its instance, on every entry point", { skip }, async (t) => {
  const { koor, ana, ben, of } = await startWithSessions(t, true);
  const { port, dashboardPort } = koor;
  const actorOf = async (headers: OutgoingHttpHeaders, at = port): Promise<unknown> => {
    const answer = await sendJson(at, "POST", "/api/events/publish", { topic: "a" }, headers);
    return answer.status === 200 ? answer.json<{ readonly source: string }>().source : refusal(answer);
  };
  t.equal(await actorOf(as("of-server")), of.server.id, "the server's token");
  t.equal(await actorOf(as("of-ana")), of.ana.id, "the server's token may name any");
  t.equal(await actorOf(as("of-ben")), of.ben.id, "one that has ended, too");
  t.equal(await actorOf(as("of-ana", bearer(ana))), of.ana.id, "the token that began it");
  t.equal(await actorOf(as("of-ana", bearer(ana)), dashboardPort), of.ana.id, "at the dashboard's port");
  t.equal(await actorOf({ ...as("of-ana"), "X-Koor-Instance": ben.id }), ben.id, "X-Koor-Instance wins");
  t.equal(
    await actorOf({ ...as("of-ben", bearer(ana)), "X-Koor-Instance": of.ana.id }),
    ana.id,
    "with an instance's token, the token",
  );
  for (const [token, session] of [
    [ben, "of-ana"],
    [ben, "of-server"],
    [ana, "of-ben"],
  ] as const) {
    t.same(await actorOf(as(session, bearer(token))), [403, "not yours"], session);
    t.same(refusal(await send(port, "GET", "/api/state", { headers: as(session, bearer(token)) })), [403, "not yours"]);
  }
  t.same(await actorOf(as("of-ana", { Authorization: "Bearer wrong" })), [401, "invalid or missing bearer token"]);
  t.same(await actorOf(as("of-ana", {})), [401, "invalid or missing bearer token"]);

  // Leases, messages, waits.
  const body = { resources: ["path:a"] };
  const lease = await sendJson(port, "POST", "/api/leases", body, as("of-ana", bearer(ana)));
  t.match(lease.json(), { holder: { id: of.ana.id, name: "claude-aaaa" } });
  t.equal((await send(port, "GET", "/api/messages", { headers: as("of-ana", bearer(ana)) })).status, 200);
  t.equal((await send(port, "GET", "/api/wait?message=1", { headers: as("of-ana", bearer(ana)) })).status, 200);
  const own = { checkout: { id: "c" } };
  for (const [of_, status] of [
    [of.ana, 200],
    [ana, 200],
    [of.child, 403],
    [of.server, 403],
  ] as const)
    t.equal(
      (await sendJson(port, "PATCH", `/api/instances/${of_.id}`, own, as("of-ana", bearer(ana)))).status,
      status,
      "it is the session's instance, with the token's rights",
    );
  t.match(await checkoutOf(port, of.child), { id: "c" }, "a subagent works in its parent's checkout");
  const children = (await send(port, "GET", "/api/instances?checkout=c", { headers: RIGHT })).json<
    readonly Instance[]
  >();
  t.same(
    children.map(({ id, parent }) => [id, parent]).toSorted(),
    [
      [of.ana.id, null],
      [ana.id, null],
      [of.child.id, of.ana.id],
    ].toSorted(),
  );

  // WebSocket and MCP.
  const socket = await openSocket(t, port, "pattern=x", as("of-ana", bearer(ana)));
  t.ok(socket, "an upgrade takes it");
  const refused = await openSocket(t, port, "pattern=x", as("of-ana", bearer(ben))).catch((error: unknown) => error);
  t.match(refused, { status: 403 });
  const rule = { project: "p", rule_id: "r", pattern: "x", message: "m" };
  for (const revision of ["2025-11-25", "2026-07-28"] as const) {
    resultOf(await callTool(port, "propose_rule", { ...rule, rule_id: revision }, revision, as("of-ana", bearer(ana))));
    const { rules } = (await send(port, "GET", "/api/rules?project=p", { headers: RIGHT })).json<{
      readonly rules: readonly { readonly rule_id: string; readonly proposed_by: string }[];
    }>();
    t.equal(rules.find(({ rule_id }) => rule_id === revision)?.proposed_by, of.ana.id, revision);
  }
  await t.rejects(callTool(port, "propose_rule", rule, "2025-11-25", as("of-ana", bearer(ben))), /403/);

  // Its instance ends with the one whose token began it.
  await send(port, "DELETE", `/api/instances/${ana.id}`, { headers: bearer(ana) });
  t.same(await actorOf(as("of-ana", bearer(ana))), [401, "invalid or missing bearer token"], "its token has ended");
  t.equal(await actorOf(as("of-ana")), "", "and so has the session");
});

t.test("an unknown session is as if it were not sent, unless the call needs an instance", { skip }, async (t) => {
  for (const guarded of [true, false]) {
    const { koor, ana, of } = await startWithSessions(t, guarded);
    const { port, dashboardPort } = koor;
    const ports = [port, dashboardPort];
    for (const at of ports) {
      t.equal((await send(at, "GET", "/api/state", { headers: as("none") })).status, 200, "a read");
      t.equal((await send(at, "PUT", "/api/state/k", { body: "1", headers: as("none") })).status, 200, "a write");
    }
    const notFound = [404, "session not found: none"];
    for (const [method, path, body] of [
      ["POST", "/api/leases", { resources: ["path:a"] }],
      ["POST", "/api/leases/lease-1/renew", { fence: 1 }],
      ["DELETE", "/api/leases/lease-1?fence=1", undefined],
      ["POST", "/api/tasks/claim", {}],
      ["GET", "/api/messages", undefined],
      ["POST", "/api/messages", { to: ana.id, subject: "s" }],
      ["GET", "/api/wait?message=1", undefined],
      ["GET", "/api/wait?task=1", undefined],
    ] as const) {
      const options = { headers: { ...as("none"), "Content-Type": "application/json" } };
      const answer = await send(
        port,
        method,
        path,
        body === undefined ? options : { ...options, body: JSON.stringify(body) },
      );
      t.same(refusal(answer), notFound, `${method} ${path}`);
      const known = await send(port, method, path, {
        headers: { ...as("of-server"), "Content-Type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      t.notMatch(known.text, "session not found", `${method} ${path}`);
    }
    const lease = await sendJson(port, "POST", "/api/leases", { resources: ["path:b"] }, as("none", bearer(ana)));
    t.match(lease.json(), { holder: { id: ana.id } }, "the token has an instance");
    const both = { ...as("none"), "X-Koor-Instance": of.server.id };
    t.match((await sendJson(port, "POST", "/api/leases", { resources: ["path:c"] }, both)).json(), {
      holder: { id: of.server.id },
    });
    t.same(
      refusal(
        await sendJson(port, "POST", "/api/leases", { resources: ["path:d"] }, { ...both, "X-Koor-Instance": "x" }),
      ),
      [404, "instance not found: x"],
    );
    if (guarded) continue;
    // An open server asks for no token, and one that is sent limits nothing.
    const open = await sendJson(port, "POST", "/api/events/publish", { topic: "a" }, as("of-ana", {}));
    t.match(open.json(), { source: of.ana.id });
    const others = await sendJson(port, "POST", "/api/events/publish", { topic: "a" }, as("of-ben", bearer(ana)));
    t.match(others.json(), { source: of.ben.id });
  }
});

t.test("a session that cannot be one is refused", async (t) => {
  const { port, dashboardPort } = await startKoor(t, { args: [...GUARDED, "--dashboard-bind", "127.0.0.1:0"] });
  const rule = "X-Koor-Session must have 1 to 128 printable ASCII characters";
  const raw = async (lines: readonly string[], at = port): Promise<string> => {
    const head = ["GET /api/state HTTP/1.1", "Host: localhost", `Authorization: Bearer ${TOKEN}`, "Connection: close"];
    return await sendRaw(at, `${[...head, ...lines].join("\r\n")}\r\n\r\n`);
  };
  for (const at of [port, dashboardPort]) {
    for (const value of ["x".repeat(129), "x".repeat(3000), "\u00fc", "a\u0080b", "a\tb"]) {
      const answer = await raw([`X-Koor-Session: ${value}`], at);
      t.match(answer, new RegExp(`^HTTP/1.1 400 [^]*${rule}`), JSON.stringify(value.slice(0, 9)));
    }
    t.match(await raw(["X-Koor-Session: "], at), new RegExp(`^HTTP/1.1 400 [^]*X-Koor-Session`));
    t.match(
      await raw(["X-Koor-Session: a", "X-Koor-Session: b"], at),
      /^HTTP\/1.1 400 [^]*more than one x-koor-session/,
    );
    for (const value of ["..", "../../etc", "x".repeat(128), "a b", "%00", "' OR 1=1 --"])
      t.match(await raw([`X-Koor-Session: ${value}`], at), /^HTTP\/1.1 200 /, value);
  }
});
