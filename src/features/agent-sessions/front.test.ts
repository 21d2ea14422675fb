/**
 * Tests how the sessions of agents' clients begin, continue and end. The front runs with the writer's methods on a
 * simulated clock. The test counts the calls to the writer, because an event that changes nothing must not make one.
 */
import t, { type Test } from "tap";
import { endSession, beginSession } from "./commands.js";
import { AgentSessions, type SessionEvent, type SessionInstances } from "./front.js";
import { CLAIMS_ENDED_TOGETHER } from "../../../schemas/limits/claims.js";
import {
  AGENT_SESSIONS_MAX,
  INSTANCES_MAX,
  INSTANCE_LABEL_BYTES_MAX,
  SESSION_END_ROWS,
  SUBAGENTS_MAX,
} from "../../../schemas/limits/instances.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import { SimulatedServer, type PublishedEvent } from "../../../test/support/simulated-server.js";
import { NEW_TASK } from "../../../test/support/new-task.js";
import { must } from "../../base/assert.js";
import { Failure } from "../../base/result.js";
import type { Caller } from "../../platform/front/caller.js";
import type { ReplyOf, RequestOf } from "../../platform/rpc/method.js";
import { NO_CALLER } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import type { WriterMethod } from "../../platform/threads/writer-method.js";
import { deregisterInstance, registerInstance, setBranch, setCheckout, storeLastSeen } from "../instances/commands.js";
import type { Entry } from "../instances/entry.js";
import { InstanceReader } from "../instances/table.js";
import { acquireLease } from "../leases/commands.js";
import { claimTask, createTasks, reportProgress } from "../tasks/commands.js";

const METHODS = [
  beginSession,
  endSession,
  registerInstance,
  deregisterInstance,
  setBranch,
  setCheckout,
  storeLastSeen,
  acquireLease,
  createTasks,
  claimTask,
  reportProgress,
];
const SERVER: Caller = { role: "server", actor: "" };
const CHECKOUT = { id: "c-1", branch: "main", root: "/work/trucks" };
const FIRST: SessionEvent = {
  session: "s-1",
  client: "claude",
  agent: null,
  workspace: "trucks",
  checkout: CHECKOUT,
  restarts: false,
};

interface House {
  readonly server: SimulatedServer;
  readonly heard: PublishedEvent[];
  /** The names of the methods that the front has called. */
  readonly called: string[];
  sessions: AgentSessions;
  restart(): void;
  begin(event?: Partial<SessionEvent>, caller?: Caller): Promise<SessionInstances | null | Failure>;
  begun(event?: Partial<SessionEvent>, caller?: Caller): Promise<SessionInstances>;
  end(session?: string, agent?: string | null, caller?: Caller): Promise<readonly string[] | Failure>;
  /** Registers an instance, and returns a caller that has the instance's token. */
  tokenOf(id: string): Caller;
}

function openHouse(t: Test, guarded = true): House {
  const heard: PublishedEvent[] = [];
  const called: string[] = [];
  const server = new SimulatedServer({ methods: METHODS, hear: (event) => heard.push(event) });
  t.teardown(() => server.close());
  const writer = {
    request: async <Row extends WriterMethod>(
      method: Row,
      request: RequestOf<Row>,
    ): Promise<ReplyOf<Row> | Failure> => {
      called.push(method.name);
      return Promise.resolve(server.reply(method, request, ""));
    },
  } as unknown as Writer;
  const open = (): AgentSessions =>
    new AgentSessions({
      guarded,
      directory: server.directory,
      writer,
      rows: new InstanceReader(server.db),
      clock: server.clock,
      log: quietLog(),
    });
  const house: House = {
    server,
    heard,
    called,
    sessions: open(),
    restart: () => {
      server.restart();
      house.sessions = open();
    },
    begin: async (event = {}, caller = SERVER) =>
      await house.sessions.begin({ ...FIRST, ...event }, { caller, context: NO_CALLER }),
    begun: async (event, caller) => {
      const begun = await house.begin(event, caller);
      if (begun === null || begun instanceof Failure) throw new Error(begun?.message ?? "nothing was begun");
      return begun;
    },
    end: (session = "s-1", agent = null, caller = SERVER) =>
      house.sessions.end(session, agent, { caller, context: NO_CALLER }),
    tokenOf: (id) => {
      const rest = {
        workspace: "",
        intent: "",
        stack: "",
        capabilities: [],
        checkout: null,
        account: null,
        registered_by: "",
      };
      const reply = server.reply(registerInstance, { id, name: id, token_hash: "00", ...rest }, "");
      if (reply instanceof Failure) throw reply;
      server.directory.applyStored(id, new InstanceReader(server.db).byId(id));
      return { role: "instance", actor: id };
    },
  };
  return house;
}

/** Returns the instances in the database. Fails if the instances in the front's memory differ. */
function stored(t: Test, { server }: House) {
  const rows = new InstanceReader(server.db).all();
  for (const { id, name, workspace, checkout, parent, session, status, registered_by } of rows)
    t.match(
      server.directory.get(id),
      { id, name, workspace, checkout, parent, session, status, registered_by },
      "the front has the same",
    );
  t.equal(server.directory.size, rows.length);
  return rows;
}

t.test("the first event of a session makes its instance", async (t) => {
  const house = openHouse(t);
  const { session, subagent } = await house.begun();
  t.equal(subagent, null);
  t.match(session, {
    name: /^claude-[0-9a-f]{4}$/,
    workspace: "trucks",
    checkout: { ...CHECKOUT, machine: null },
    parent: null,
    status: "active",
    registered_by: "",
    session: { session: "s-1", agent: "", owner: "", client: "claude", ended_at: null },
  });
  t.same(house.called, ["agent_session.begin"]);
  t.equal(stored(t, house).length, 1);

  house.server.nowMs += 5000;
  t.equal((await house.begun()).session, session, "the next event finds it");
  t.equal((await house.begun({ checkout: null })).session, session, "without a checkout, too");
  t.equal((await house.begun({ checkout: { id: "c-1" } })).session, session);
  t.equal(session.last_seen, house.server.nowMs, "each event is a sign of life");
  t.same(house.called, ["agent_session.begin"], "and costs the writer nothing");
  t.equal((await house.begun({ session: "s-2" })).session === session, false, "another session is another instance");

  house.restart();
  t.equal((await house.begun()).session.id, session.id, "after a restart it is the same");
  t.equal(stored(t, house).length, 2);
});

t.test("concurrent first events make one instance", async (t) => {
  const house = openHouse(t);
  const agent = { id: "a-1", label: "Explore" };
  const begun = await Promise.all(Array.from({ length: 20 }, (_, at) => house.begun(at % 2 === 0 ? {} : { agent })));
  t.equal(new Set(begun.map(({ session }) => session)).size, 1);
  t.equal(new Set(begun.flatMap(({ subagent }) => subagent ?? [])).size, 1);
  t.equal(stored(t, house).length, 2);
  const rows = house.server.db.prepare("SELECT action, resource FROM audit ORDER BY id").all();
  t.same(
    rows,
    stored(t, house).map(({ id }) => ({ action: "instance.register", resource: id })),
    "each has one audit row",
  );
});

t.test("the branch follows the session, and its subagents follow it", async (t) => {
  const house = openHouse(t);
  const agent = { id: "a-1", label: "Explore" };
  const { session, subagent } = await house.begun({ agent });
  const child = must(subagent, "it is made");
  t.match(child, {
    name: `${session.name}/Explore`,
    parent: session.id,
    registered_by: session.id,
    workspace: "trucks",
    checkout: { ...CHECKOUT, machine: null },
    status: "active",
    session: { session: "s-1", agent: "a-1" },
  });
  const twin = must((await house.begun({ agent: { id: "a-2", label: "Explore" } })).subagent, "it is made");
  t.equal(twin.name, `${session.name}/a-2`, "a name that is taken is replaced by the id");
  const odd = must((await house.begun({ agent: { id: "a-3", label: "\u001b[31m" } })).subagent, "it is made");
  t.equal(odd.name, `${session.name}/a-3`, "and so is one that cannot be one");
  const long = must((await house.begun({ agent: { id: "a-4", label: "x".repeat(256) } })).subagent, "it is made");
  t.equal(long.name.length, INSTANCE_LABEL_BYTES_MAX, "a long one is cut");

  await house.begun({ checkout: { ...CHECKOUT, branch: "fix" } });
  for (const each of [session, child, twin]) t.equal(each.checkout?.branch, "fix");
  stored(t, house);
  const { called } = house;
  called.length = 0;
  await house.begun({ agent, checkout: { ...CHECKOUT, branch: "fix" } });
  t.same(called, [], "the same branch changes nothing");
  await house.begun({ checkout: { id: "c-2" } });
  for (const each of [session, child])
    t.same(each.checkout, { id: "c-2", branch: null, root: null, machine: null }, "another checkout has no old branch");
  await house.begun({ checkout: { id: "c-2", branch: null } });
  t.equal(called.length, 1);
  stored(t, house);
});

t.test("a session that ends gives back what it holds, and may begin again", async (t) => {
  const house = openHouse(t);
  const { server } = house;
  const agent = { id: "a-1", label: "Explore" };
  const { session, subagent } = await house.begun({ agent });
  const child = must(subagent, "it is made");
  const lease = (holder: Entry, path: string, waits = false) =>
    server.reply(
      acquireLease,
      {
        resources: [path],
        shared: false,
        workspace: "trucks",
        ttl_s: 600,
        max_s: 3600,
        reason: "",
        waits,
        queued: waits,
        request_id: null,
      },
      holder.id,
    );
  const { session: rival } = await house.begun({ session: "s-2" });
  t.match(lease(session, "path:a"), { made: true });
  t.match(lease(child, "path:b"), { made: true });
  t.match(lease(rival, "path:a", true), { made: true }, "it waits");
  t.match(lease((await house.begun({ session: "s-3" })).session, "path:c"), { made: true });
  t.match(lease(session, "path:c", true), { made: true }, "so does this one");
  server.reply(createTasks, { tasks: [{ ...NEW_TASK, id: "task", max_attempts: 1 }] }, "");
  const claim = { workspace: "", labels: [], id: "task", ttl_s: null, request_id: null };
  t.match(server.reply(claimTask, claim, session.id), { made: true });
  const { fence } = server.db
    .prepare<[], { readonly fence: number }>("SELECT fence FROM lease WHERE task = 'task'")
    .get() ?? { fence: 0 };
  const progress = { id: "task", fence, percent: 50, note: "half of it", checkpoint: null };
  t.notOk(server.reply(reportProgress, progress, session.id) instanceof Failure);

  house.heard.length = 0;
  server.nowMs += 1000;
  t.same(await house.end("s-1", "a-1"), [child.id]);
  t.match(child, { status: "stale", session: { ended_at: server.nowMs } });
  t.match(session, { status: "active", session: { ended_at: null } }, "the session goes on");
  t.same(
    house.heard.map(({ topic }) => topic),
    ["lease.released", "agent.stale"],
  );
  t.same(await house.end("s-1", "a-1"), [], "a late event of a subagent does nothing");
  t.same(await house.end("s-1", "none"), [], "nor does one of an unknown subagent");
  t.same(await house.end("none"), [], "nor one of an unknown session");
  t.equal(await house.begin({ agent }), null, "neither does this");
  t.equal(child.status, "stale");

  house.heard.length = 0;
  t.same(await house.end(), [session.id]);
  t.match(session, { status: "stale", busy_until: 0, session: { ended_at: server.nowMs } });
  t.same(
    house.heard.map(({ topic }) => topic).toSorted(),
    ["agent.stale", "lease.granted", "lease.released", "lease.released", "task.ready"],
    "the rival gets what it waited for",
  );
  t.match(
    server.db.prepare("SELECT state, attempts, note FROM task_life LEFT JOIN task_text USING (row)").get(),
    { state: "ready", attempts: 0 },
    "the task is ready again, and no attempt is counted",
  );
  t.same(server.db.prepare("SELECT state, holder FROM lease WHERE ended_at IS NULL ORDER BY row").all(), [
    { state: "held", holder: rival.id },
    { state: "held", holder: server.directory.ofSession("s-3")?.id },
  ]);
  t.same(
    server.db
      .prepare("SELECT actor, action FROM audit WHERE action LIKE '%.release' ORDER BY id")
      .all()
      .map((row) => Object.values(row as Readonly<Record<string, string>>)),
    [
      [child.id, "lease.release"],
      [session.id, "lease.release"],
      [session.id, "lease.release"],
      [session.id, "task.release"],
    ],
  );
  stored(t, house);
  t.same(await house.end(), [], "a late end does nothing");
  t.equal(await house.begin(), null, "a late event, too");
  t.equal(await house.begin({ agent: { id: "new", label: "" } }), null, "also one of a new subagent");
  t.equal(session.status, "stale");

  house.restart();
  t.equal(await house.begin(), null, "also after a restart");
  const again = await house.begun({ restarts: true, checkout: { ...CHECKOUT, branch: "again" } });
  t.equal(again.session.id, session.id, "it begins again as the same instance");
  t.match(again.session, { status: "active", checkout: { branch: "again" }, session: { ended_at: null } });
  t.match(server.directory.get(child.id), { status: "stale" }, "without its subagent");
  const both = await house.begun({ agent, checkout: null, restarts: true });
  t.match(both.subagent, { id: child.id, status: "active", checkout: { branch: "again" } });
  stored(t, house);

  t.same(await house.end(), [child.id, session.id], "a subagent ends with its session");
  const back = await house.begun({ agent, restarts: true });
  t.same([back.session.id, back.subagent?.id], [session.id, child.id], "and begins again together with it");
  stored(t, house);
});

t.test("activity that is stored late does not make an ended session active", async (t) => {
  const house = openHouse(t);
  const { server } = house;
  const { session } = await house.begun();
  server.nowMs += 1000;
  await house.begun();
  const [unsaved] = server.directory.takeUnsaved(10);
  t.equal(unsaved, session);
  const { row, last_seen, busy_until } = session;
  await house.end();
  server.reply(storeLastSeen, { rows: [row], last_seen: [last_seen], busy_until: [busy_until] }, "");
  t.equal(stored(t, house)[0]?.status, "stale");
});

t.test("many subagents end in several transactions", async (t) => {
  const house = openHouse(t);
  const count = 2 * SESSION_END_ROWS;
  for (let at = 0; at < count; at++) await house.begun({ agent: { id: `a-${at}`, label: "" } });
  house.called.length = 0;
  const ended = await house.end();
  t.equal((ended as readonly string[]).length, count + 1);
  t.equal((ended as readonly string[]).at(-1), house.server.directory.ofSession("s-1")?.id, "the session ends last");
  t.same(house.called, ["agent_session.end", "agent_session.end", "agent_session.end"]);
  t.ok(stored(t, house).every(({ status }) => status === "stale"));
});

t.test("many claims end in several transactions, the last of which ends the session", async (t) => {
  const house = openHouse(t);
  const { server } = house;
  const { session } = await house.begun();
  const rest = { shared: false, workspace: "", ttl_s: 60, max_s: 600, reason: "", waits: false, queued: false };
  const count = 2 * CLAIMS_ENDED_TOGETHER + 1;
  for (let at = 0; at < count; at++)
    server.reply(acquireLease, { resources: [`name:${at}`], request_id: null, ...rest }, session.id);
  t.equal(server.mirror.list().length, count);
  house.called.length = 0;
  t.same(await house.end(), [session.id]);
  t.same(house.called, ["agent_session.end", "agent_session.end", "agent_session.end"]);
  t.same(server.mirror.list(), []);
  t.equal(stored(t, house)[0]?.status, "stale");
});

t.test("a session belongs to the token that began it", async (t) => {
  const house = openHouse(t);
  const [ana, ben] = [house.tokenOf("ana"), house.tokenOf("ben")];
  const { session } = await house.begun({}, ana);
  t.match(session, { registered_by: "ana", session: { owner: "ana" } });
  const refused = { status: "PERMISSION_DENIED", message: "not yours" };
  t.match(await house.begin({}, ben), refused);
  t.match(await house.end("s-1", null, ben), refused);
  t.equal((await house.begun({}, SERVER)).session, session, "the server's token may name any");
  const asSession: Caller = { role: "instance", actor: session.id, tokenOwner: "ana" };
  t.equal((await house.begun({}, asSession)).session, session, "the token counts, whoever acts");
  const { session: ours } = await house.begun({ session: "s-2" }, SERVER);
  t.match(await house.begin({ session: "s-2" }, ana), refused, "and the server's sessions are its own");
  t.match(
    house.server.reply(endSession, { session: "s-2", agent: "", owner: "ana", any: false, last_seen: 0 }, ""),
    refused,
    "the writer checks it again",
  );
  t.equal(ours.status, "active");

  const { subagent } = await house.begun({ agent: { id: "a", label: "a" } }, ana);
  const reply = house.server.reply(deregisterInstance, { id: "ana", at: null }, "");
  t.same(reply, { ids: [subagent?.id, session.id, "ana"], more: null }, "they are deleted with it");
  for (const id of (reply as { readonly ids: readonly string[] }).ids) house.server.directory.remove(id);
  t.equal(house.server.directory.ofSession("s-1"), undefined);
  t.equal(stored(t, house).length, 2);
  t.same(house.server.db.prepare("SELECT session FROM agent_session").all(), [{ session: "s-2" }]);
  t.match(await house.begin({}, ana), { status: "NOT_FOUND" }, "whose token is gone makes none");
  t.ok((await house.begun({}, ben)).session, "now the id is free");

  const open = openHouse(t, false);
  const cy = open.tokenOf("cy");
  const { session: shared } = await open.begun({}, cy);
  t.equal((await open.begun({}, { role: "nobody", actor: "" })).session, shared, "an open server asks for no token");
});

t.test("hostile ids, names and checkouts make nothing", async (t) => {
  const house = openHouse(t);
  const mega = "x".repeat(1_048_576);
  const ids = ["", "a\u0000b", "\u001b[2J", "a\nb", "\u00fc", "x".repeat(129), mega];
  for (const id of ids) {
    t.match(await house.begin({ session: id }), { status: "INVALID_ARGUMENT" });
    t.match(await house.begin({ agent: { id, label: "" } }), { status: "INVALID_ARGUMENT" });
    t.same(await house.end(id), []);
  }
  for (const workspace of ["a\u0000b", "\u001b[2J", mega])
    t.match(await house.begin({ workspace }), { status: "INVALID_ARGUMENT" });
  for (const checkout of [
    { id: "" },
    { id: "../.." },
    { id: mega },
    { id: "c", branch: "\u001b[2J" },
    { id: "c", root: mega },
  ])
    t.match(await house.begin({ checkout }), { status: "INVALID_ARGUMENT" });
  t.same(house.called, []);
  t.same(stored(t, house), []);
  const { session } = await house.begun({ session: "..", agent: { id: "../..", label: "../../etc" } });
  t.equal(session.session?.session, "..", "an id is only a name");
});

t.test("sessions and subagents are bounded", async (t) => {
  const house = openHouse(t);
  const { server } = house;
  await house.begun();
  const fill = server.db.prepare("INSERT INTO agent_session VALUES (?, ?, ?, '', 'x', NULL)");
  server.db.transaction(() => {
    for (let at = 0; at < SUBAGENTS_MAX; at++) fill.run("s-1", `f-${at}`, `i-${at}`);
  })();
  house.restart();
  t.match(await house.begin({ agent: { id: "more", label: "" } }), {
    status: "RESOURCE_EXHAUSTED",
    message: /^1000 subagents/,
  });
  t.ok(await house.begun({ session: "s-2", agent: { id: "more", label: "" } }), "those of others are not counted");
  server.db.transaction(() => {
    for (let at = SUBAGENTS_MAX + 3; at < AGENT_SESSIONS_MAX - 1; at++) fill.run(`t-${at}`, "", `i-${at}`);
  })();
  house.restart();
  const message = /^20000 sessions of agents are kept/;
  t.match(await house.begin({ session: "s-3", agent: { id: "a", label: "" } }), { message }, "there is place for one");
  const { session: last } = await house.begun({ session: "s-3" });
  t.match(await house.begin({ session: "s-4" }), { status: "RESOURCE_EXHAUSTED", message });
  t.match(await house.begin({ session: "s-3", agent: { id: "a", label: "" } }), { message });
  t.ok(await house.begun(), "known ones go on");
  server.reply(deregisterInstance, { id: last.id, at: null }, "");
  server.directory.remove(last.id);
  t.ok(await house.begun({ session: "s-4" }), "one that is deleted makes place");

  const release = must(server.directory.reserve(INSTANCES_MAX - server.directory.size), "there are places");
  const called = house.called.length;
  t.match(await house.begin({ session: "s-5" }), { message: /^50000 instances are registered/ });
  t.equal(house.called.length, called, "without a call");
  release();
});
