/**
 * Tests the deletion of an instance that has registered many others. Tests the transactions of the writer and the calls
 * of the front.
 */
import t, { type Test } from "tap";
import { instanceRow } from "../../../test/support/instance-row.js";
import type { DeregisterReply } from "../../../schemas/instances.js";
import { CLAIMS_ENDED_TOGETHER } from "../../../schemas/limits/claims.js";
import { INSTANCE_DELETE_LEVELS, INSTANCE_DELETE_ROWS } from "../../../schemas/limits/instances.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import { SimulatedServer } from "../../../test/support/simulated-server.js";
import { FakeWriter, settle } from "../../../test/threads/fake-writer.js";
import { Failure } from "../../base/result.js";
import { acquireLease } from "../leases/commands.js";
import { NO_CALLER } from "../../platform/rpc/frames.js";
import { InstanceActors } from "./actors.js";
import { deregisterInstance, registerInstance } from "./commands.js";
import { Directory } from "./directory.js";
import type { InstanceRow } from "./entry.js";
import { Instances } from "./front.js";

interface Writer {
  readonly server: SimulatedServer;
  readonly register: (id: string, registeredBy: string) => void;
  readonly remove: (id: string, at: string | null) => DeregisterReply | Failure;
  readonly left: () => readonly string[];
}

function openWriter(t: Test): Writer {
  const server = new SimulatedServer({
    methods: [registerInstance, deregisterInstance, acquireLease],
    hear: () => undefined,
  });
  t.teardown(() => server.close());
  const rest = { workspace: "", intent: "", stack: "", capabilities: [], checkout: null, account: null };
  let tokens = 0;
  return {
    server,
    register: (id, registeredBy) => {
      const tokenHash = (++tokens).toString(16).padStart(64, "0");
      const reply = server.reply(
        registerInstance,
        { id, name: id, token_hash: tokenHash, registered_by: registeredBy, ...rest },
        "",
      );
      if (reply instanceof Failure) throw reply;
    },
    remove: (id, at) => server.reply(deregisterInstance, { id, at }, "me"),
    left: () => server.db.prepare<[], string>("SELECT id FROM instance ORDER BY row").pluck().all(),
  };
}

/** Deletes an instance as the front does. Returns the ids that each transaction has deleted. */
function removeAll({ remove }: Writer, id: string, between: (part: number) => void = () => undefined): string[][] {
  const parts: string[][] = [];
  for (let at: string | null = null; ; ) {
    const reply = remove(id, at);
    if (reply instanceof Failure) throw reply;
    parts.push(reply.ids);
    at = reply.more;
    if (at === null) return parts;
    between(parts.length);
  }
}

t.test("one transaction deletes a bounded number, those that were registered first of all", (t) => {
  const writer = openWriter(t);
  writer.register("root", "");
  writer.register("other", "");
  const parents = new Map<string, string>();
  for (let at = 0; at < 2 * INSTANCE_DELETE_ROWS + 10; at++) {
    const parent = at < 10 ? "root" : `c${at % 10}`;
    parents.set(`c${at}`, parent);
    writer.register(`c${at}`, parent);
  }
  const parts = removeAll(writer, "root");
  t.same(
    parts.map(({ length }) => length),
    [INSTANCE_DELETE_ROWS, INSTANCE_DELETE_ROWS, 11],
  );
  const order = new Map(parts.flat().map((id, at) => [id, at]));
  t.equal(order.size, parents.size + 1, "each once");
  for (const [id, parent] of parents)
    if ((order.get(id) ?? Infinity) > (order.get(parent) ?? -1)) t.fail(`${id} comes after ${parent}`);
  t.same(writer.left(), ["other"]);
  const audited = writer.server.db
    .prepare<[], { resource: string; detail: string; actor: string }>(
      "SELECT resource, detail, actor FROM audit WHERE action = 'instance.deregister'",
    )
    .all();
  t.equal(audited.length, order.size, "each has one row, the instance that was named too");
  for (const { resource, detail, actor } of audited) {
    const parent = parents.get(resource);
    t.same([JSON.parse(detail), actor], [parent === undefined ? {} : { registered_by: parent }, "me"]);
  }
  t.end();
});

t.test("an instance that is registered between two transactions is deleted too", (t) => {
  const writer = openWriter(t);
  writer.register("root", "");
  for (let at = 0; at < INSTANCE_DELETE_ROWS + 10; at++) writer.register(`c${at}`, "root");
  const parts = removeAll(writer, "root", () => {
    writer.register("late", "root");
    writer.register("later", "c1");
  });
  t.equal(parts.length, 2);
  t.ok(parts[1]?.includes("late") && parts[1].includes("later"));
  t.same(writer.left(), []);
  t.end();
});

t.test("a transaction descends a bounded number of levels", (t) => {
  const writer = openWriter(t);
  const count = INSTANCE_DELETE_LEVELS + 10;
  for (let at = 0; at <= count; at++) writer.register(`c${at}`, at === 0 ? "" : `c${at - 1}`);
  const first = writer.remove("c0", null);
  t.same(first, { ids: [], more: `c${INSTANCE_DELETE_LEVELS}` }, "it deletes none before it has found the last one");
  const parts = removeAll(writer, "c0");
  t.ok(parts.every(({ length }) => length <= INSTANCE_DELETE_ROWS));
  t.equal(parts.flat().length, count + 1);
  t.same(writer.left(), []);
  t.end();
});

t.test("a transaction ends a bounded number of claims, the last of which goes with the instance", (t) => {
  const writer = openWriter(t);
  const { server } = writer;
  writer.register("root", "");
  writer.register("other", "");
  const acquire = (actor: string, name: string): void => {
    const rest = { shared: false, workspace: "", ttl_s: 60, max_s: 600, reason: "", waits: true, queued: true };
    const reply = server.reply(acquireLease, { resources: [name], request_id: null, ...rest }, actor);
    if (reply instanceof Failure) throw reply;
  };
  const count = (holder: string, state: string): number =>
    server.mirror.list().filter((lease) => lease.holder === holder && lease.state === state).length;
  const held = 2 * CLAIMS_ENDED_TOGETHER + 1;
  for (let at = 0; at < held; at++) for (const holder of ["root", "other"]) acquire(holder, `name:${at}`);
  t.same([count("root", "held"), count("other", "waiting")], [held, held]);
  const heldBetween: number[] = [];
  const parts = removeAll(writer, "root", () => heldBetween.push(count("root", "held")));
  t.same(parts, [[], [], ["root"]]);
  t.same(heldBetween, [held - CLAIMS_ENDED_TOGETHER, held - 2 * CLAIMS_ENDED_TOGETHER]);
  t.same([count("root", "held"), count("other", "held")], [0, held], "what they blocked is granted");
  t.end();
});

t.test("two calls that delete the same instance do not disturb each other", (t) => {
  const writer = openWriter(t);
  writer.register("root", "");
  for (let at = 0; at < 2 * INSTANCE_DELETE_ROWS; at++) writer.register(`c${at}`, at < 5 ? "root" : `c${at % 5}`);
  const first = writer.remove("root", null) as DeregisterReply;
  t.equal(removeAll(writer, "root").flat().length, INSTANCE_DELETE_ROWS + 1);
  t.match(writer.remove("root", first.more), { status: "NOT_FOUND" });
  writer.register("again", "");
  writer.register("child", "again");
  t.same(writer.remove("again", "a deleted one"), { ids: ["child", "again"], more: null }, "it starts again");
  t.end();
});

function rowOf(row: number, id: string, registeredBy = ""): InstanceRow {
  return instanceRow(row, { id, token_hash: `hash of ${id}`, name: id, registered_by: registeredBy });
}

function openFront() {
  const revoked: string[] = [];
  const clock = { now: () => 1_000 };
  const directory: Directory = new Directory({ onRevoked: (id) => revoked.push(id) });
  directory.load([
    rowOf(1, "root"),
    rowOf(2, "child", "root"),
    rowOf(3, "grandchild", "child"),
    rowOf(4, "other"),
    rowOf(5, "sister", "root"),
  ]);
  const played = new FakeWriter();
  const { writer, calls } = played;
  const instances = new Instances({ directory, writer, clock, log: quietLog(), flushLastSeen: null });
  const actors = new InstanceActors(directory, clock);
  const accepted = (): string[] =>
    ["root", "child", "grandchild", "other", "sister"].filter((id) => actors.touchToken(`hash of ${id}`) === id);
  return { revoked, directory, played, calls, instances, actors, accepted };
}

t.test("the front repeats the call until all are deleted, and accepts none of the tokens meanwhile", async (t) => {
  const { revoked, directory, calls, instances, actors, accepted } = openFront();
  let isAnswered = false;
  const answer = instances.deregister("root", NO_CALLER).finally(() => {
    isAnswered = true;
  });
  await settle();
  t.equal(accepted().length, 5, "most deletions take one transaction, which ends all tokens together");
  calls[0]?.answer({ ids: ["sister"], more: "grandchild" });
  await settle();
  t.same(calls[1]?.request, { id: "root", at: "grandchild" });
  t.same(accepted(), ["other"]);
  t.same(revoked, ["sister", "root"], "the connections of the instance itself are closed");
  t.ok(actors.hadToken("hash of child"), "the token is no guess");
  t.notOk(actors.has("root"), "no listener waits for an end that has come");
  t.equal(isAnswered, false);

  for (const by of ["root", "grandchild"])
    t.match(await instances.register({ name: "late" }, by, NO_CALLER), { status: "NOT_FOUND" });
  t.equal(calls.length, 2, "it was not asked of the writer");
  directory.add(rowOf(6, "from another node", "grandchild"));
  t.equal(actors.touchToken("hash of from another node"), undefined);

  calls[1]?.answer({ ids: ["from another node", "grandchild", "child", "root"], more: null });
  t.match(await answer, { id: "root" });
  t.same(
    directory.list().map(({ id }) => id),
    ["other"],
  );
  t.equal(calls.length, 2);
});

t.test("if a transaction fails, the instances that are left are there again", async (t) => {
  const { directory, played, calls, instances, accepted } = openFront();
  const answer = instances.deregister("root", NO_CALLER);
  await settle();
  calls[0]?.answer({ ids: ["sister"], more: "grandchild" });
  await settle();
  directory.load(directory.list().map((entry) => ({ ...entry })));
  t.same(accepted(), ["other"], "a load does not end the deletion");
  played.leave();
  t.match(await answer, { status: "UNAVAILABLE" });
  t.same(accepted(), ["root", "child", "grandchild", "other"]);
});
