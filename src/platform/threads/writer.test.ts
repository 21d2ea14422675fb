/**
 * Tests when the front's caches are notified of a call: before it is sent, and before its answer is delivered. The
 * writer thread is a fake.
 */
import { SharedCounter } from "../../base/shared-counter.js";
import t from "tap";
import * as Type from "typebox";
import { MAILBOX_BYTES_MAX, OUTCOME_GRACE_MS } from "../../../schemas/limits/rpc.js";
import {
  LARGE_WRITE_BYTES_MIN,
  LARGE_WRITE_ROWS_MIN,
  LARGE_WRITES_WAITING_OF_CALLER_MAX,
  WRITER_DEADLINE_MS,
} from "../../../schemas/limits/writer.js";
import { framesOf, messageOf } from "../../../test/support/frames.js";
import { Failure } from "../../base/result.js";
import { RpcClient } from "../rpc/client.js";
import { FRAME } from "../rpc/frames.js";
import { MethodTable } from "../rpc/method.js";
import { changes, inReply, inRequest, reportAny, type ChangeListener } from "./changes.js";
import { Writer } from "./writer.js";
import { writerMethod } from "./writer-method.js";

const CONTEXT = { actor: "me", trace: "" };
const base = { weight: () => 0, audit: null, models: {} };

const put = writerMethod({
  ...base,
  name: "test.put",
  request: Type.Object({ keys: Type.Array(Type.String()) }),
  reply: Type.Null(),
  changes: [
    changes(
      "state",
      reportAny,
      inRequest(({ keys }: { readonly keys: readonly string[] }) => keys),
    ),
    changes("audit", reportAny),
  ],
  run: () => null,
});
const apply = writerMethod({
  ...base,
  name: "test.apply",
  request: Type.Object({ project: Type.String() }),
  reply: Type.Object({ specs: Type.Array(Type.String()) }),
  changes: [
    changes(
      "spec",
      reportAny,
      inReply(({ specs }: { readonly specs: readonly string[] }) => specs),
    ),
    changes(
      "rule",
      reportAny,
      inRequest(({ project }: { readonly project: string }) => [project]),
    ),
  ],
  run: () => ({ specs: [] }),
});
const store = writerMethod({
  ...base,
  name: "test.store",
  request: Type.Object({ name: Type.String(), bytes: Type.Integer(), rows: Type.Integer() }),
  reply: Type.Null(),
  weight: ({ bytes }) => bytes,
  rows: ({ rows }) => rows,
  changes: [],
  run: () => null,
});
const look = writerMethod({
  ...base,
  name: "test.look",
  request: Type.Object({}),
  reply: Type.Null(),
  changes: [],
  run: () => null,
});

interface Notification {
  readonly listener: string;
  readonly at: "begin" | "end";
  readonly requestKeys: readonly string[] | null;
  readonly changedKeys?: readonly string[] | null | Failure;
}

/** A writer with a fake thread. Records the notifications and the calls, in order. */
class World {
  readonly notifications: (Notification | string)[] = [];
  readonly sent: number[] = [];
  nowMs = 0;
  readonly #client = new RpcClient({
    methods: new MethodTable([put, apply, look, store]),
    clock: { now: () => this.nowMs },
    callsMax: 3,
  });
  readonly writer = new Writer(this.#client, new SharedCounter());
  take: (message: unknown) => void = () => undefined;

  constructor() {
    this.#client.attach({
      postMessage: (message) => {
        for (const frame of framesOf(message)) {
          if (frame[0] !== FRAME.CALL) continue;
          this.sent.push(frame[1]);
          this.notifications.push("sent");
        }
      },
      on: (_event, listener) => {
        this.take = listener;
      },
      off: () => undefined,
    });
  }

  listener(listener: string): ChangeListener {
    return {
      begin: (requestKeys) => void this.notifications.push({ listener, at: "begin", requestKeys }),
      end: (requestKeys, changedKeys) =>
        void this.notifications.push({ listener, at: "end", requestKeys, changedKeys }),
    };
  }

  done = (reply: unknown): void =>
    void this.notifications.push(reply instanceof Failure ? `done ${reply.status}` : "done");

  /** The notifications since the previous call of this method. */
  takeNotifications(): readonly (Notification | string)[] {
    return this.notifications.splice(0);
  }

  /** Ends the fake thread. `committedId` is the id of the last call that the thread has reported as committed. */
  lose(committedId: number): void {
    this.#client.detach(new Failure("UNAVAILABLE", "restarting"), committedId);
  }
}

function tick(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

t.test("each listener is notified of the keys before a call is sent and before its reply is delivered", async (t) => {
  const world = new World();
  const { writer } = world;
  writer.changes.listen("state", world.listener("first"));
  writer.changes.listen("state", world.listener("second"));
  writer.changes.listen("spec", world.listener("specs"));
  const keys = ["a", "b"];
  writer.call(put, { keys }, CONTEXT, world.done);
  t.equal(writer.depth, 1);
  await tick();
  t.same(world.takeNotifications(), [
    { listener: "first", at: "begin", requestKeys: keys },
    { listener: "second", at: "begin", requestKeys: keys },
    "sent",
  ]);
  world.take(messageOf([FRAME.REPLY, world.sent[0] ?? 0, null]));
  t.same(world.takeNotifications(), [
    { listener: "first", at: "end", requestKeys: keys, changedKeys: keys },
    { listener: "second", at: "end", requestKeys: keys, changedKeys: keys },
    "done",
  ]);
  t.equal(writer.depth, 0);
});

t.test("keys from the reply, several kinds in one call, and calls without listeners", async (t) => {
  const world = new World();
  const { writer } = world;
  for (const kind of ["spec", "rule", "audit"] as const) writer.changes.listen(kind, world.listener(kind));
  const applied = writer.request(apply, { project: "p" }, CONTEXT);
  const written = writer.request(put, { keys: ["k"] }, CONTEXT);
  const looked = writer.request(look, {}, CONTEXT);
  await tick();
  t.same(world.takeNotifications(), [
    { listener: "spec", at: "begin", requestKeys: null },
    { listener: "rule", at: "begin", requestKeys: ["p"] },
    { listener: "audit", at: "begin", requestKeys: null },
    "sent",
    "sent",
    "sent",
  ]);
  const [first = 0, second = 0, third = 0] = world.sent;
  world.take(messageOf([FRAME.REPLY, first, ["p/a", "p/b"]], [FRAME.REPLY, second, null], [FRAME.REPLY, third, null]));
  t.same(world.takeNotifications(), [
    { listener: "spec", at: "end", requestKeys: null, changedKeys: ["p/a", "p/b"] },
    { listener: "rule", at: "end", requestKeys: ["p"], changedKeys: ["p"] },
    { listener: "audit", at: "end", requestKeys: null, changedKeys: null },
  ]);
  t.same(await applied, { specs: ["p/a", "p/b"] });
  t.equal(await written, null);
  t.equal(await looked, null);
});

t.test("listeners get the failure of a call, whatever its reason", async (t) => {
  const world = new World();
  const { writer } = world;
  writer.changes.listen("state", world.listener("state"));
  const failed = (): unknown =>
    world.takeNotifications().map((notification) => {
      if (typeof notification === "string") return notification;
      const { at, changedKeys } = notification;
      return changedKeys instanceof Failure ? [at, changedKeys.status, changedKeys.outcomeUnknown] : [at, changedKeys];
    });
  const call = (): void => writer.call(put, { keys: ["k"] }, CONTEXT, world.done);
  call();
  await tick();
  world.take(messageOf([FRAME.FAILURE, world.sent[0] ?? 0, "FAILED_PRECONDITION", "no", null]));
  t.same(failed(), [["begin", undefined], "sent", ["end", "FAILED_PRECONDITION", false], "done FAILED_PRECONDITION"]);

  for (let at = 0; at < 4; at++) call();
  t.same(
    failed(),
    [
      ["begin", undefined],
      ["begin", undefined],
      ["begin", undefined],
      ["begin", undefined],
      ["end", "RESOURCE_EXHAUSTED", false],
      "done RESOURCE_EXHAUSTED",
    ],
    "a call that finds the mailbox full is reported at its start and its end",
  );
  await tick();
  t.same(failed(), ["sent", "sent", "sent"]);
  world.lose(world.sent[1] ?? 0);
  t.notOk(writer.attached);
  t.same(failed(), [
    ["end", "UNAVAILABLE", true],
    "done UNAVAILABLE",
    ["end", "UNAVAILABLE", false],
    "done UNAVAILABLE",
    ["end", "UNAVAILABLE", false],
    "done UNAVAILABLE",
  ]);
  call();
  t.same(failed(), [["begin", undefined], ["end", "UNAVAILABLE", false], "done UNAVAILABLE"], "no thread is attached");

  const slow = new World();
  slow.writer.changes.listen("state", slow.listener("state"));
  slow.writer.call(put, { keys: ["k"] }, CONTEXT, slow.done);
  await tick();
  slow.takeNotifications();
  slow.writer.tick(WRITER_DEADLINE_MS);
  t.same(slow.takeNotifications(), [], "the writer may still report the outcome");
  slow.nowMs = WRITER_DEADLINE_MS + OUTCOME_GRACE_MS;
  slow.writer.tick(slow.nowMs);
  t.same(slow.takeNotifications(), ["done DEADLINE_EXCEEDED"], "it may still be executed, so its end is not reported");
  slow.writer.call(look, {}, CONTEXT, slow.done);
  slow.writer.call(put, { keys: ["l"] }, CONTEXT, slow.done);
  await tick();
  slow.takeNotifications();
  slow.take(messageOf([FRAME.REPLY, slow.sent[1] ?? 0, null]));
  t.match(
    slow.takeNotifications(),
    [{ at: "end", requestKeys: ["k"], changedKeys: { status: "DEADLINE_EXCEEDED", outcomeUnknown: true } }, "done"],
    "a later call was answered, so this one can no longer be executed",
  );
  slow.take(messageOf([FRAME.REPLY, slow.sent[2] ?? 0, null]));
  t.match(slow.takeNotifications(), [{ at: "end", requestKeys: ["l"], changedKeys: ["l"] }, "done"], "reported once");
});

/** Creates a World in which clients send large writes. */
function largeWorld() {
  const world = new World();
  const answered: string[] = [];
  return {
    world,
    answered,
    send: (actor: string, name: string, bytes = LARGE_WRITE_BYTES_MIN + 1, rows = 1, isCostly = false) =>
      world.writer.call(
        store,
        { name, bytes, rows },
        { actor, trace: "" },
        (reply) => answered.push(reply instanceof Failure ? `${name} ${reply.status}` : name),
        isCostly,
      ),
    /** Answers the calls that the writer thread has received. */
    answer: async (): Promise<number> => {
      await tick();
      const calls = world.sent.splice(0);
      for (const id of calls) world.take(messageOf([FRAME.REPLY, id, null]));
      await tick();
      return calls.length;
    },
  };
}

t.test("the writer gets one large write at a time, of alternating callers, and small ones at once", async (t) => {
  const { world, answered, send, answer } = largeWorld();
  for (const name of ["a1", "a2", "a3"]) send("ana", name);
  send("ben", "b1", 0, LARGE_WRITE_ROWS_MIN + 1);
  send("cid", "c1", 0, 1, true);
  send("ana", "small", LARGE_WRITE_BYTES_MIN, LARGE_WRITE_ROWS_MIN);
  await tick();
  t.equal(world.writer.depth, 6, "those that wait are in flight, too");
  t.equal(await answer(), 2);
  t.same(answered.splice(0).toSorted(), ["a1", "small"]);
  for (const name of ["a2", "b1", "c1", "a3"]) {
    t.equal(await answer(), 1);
    t.same(answered.splice(0), [name]);
  }
  t.equal(world.writer.depth, 0);
});

t.test("a read can wait for the calls whose callers do not wait", async (t) => {
  const world = new World();
  const { writer } = world;
  t.equal(writer.settled(), null);
  writer.callUnawaited(look, {}, CONTEXT);
  writer.callUnawaited(look, {}, CONTEXT);
  await tick();
  let settled = false;
  void writer.settled()?.then(() => (settled = true));
  writer.call(look, {}, CONTEXT, world.done);
  await tick();
  const [first = 0, second = 0, third = 0] = world.sent;
  world.take(messageOf([FRAME.REPLY, first, null]));
  await tick();
  t.equal(settled, false);
  world.take(messageOf([FRAME.REPLY, second, null]));
  await tick();
  t.equal(settled, true, "the call of another caller is still in flight");
  t.equal(writer.settled(), null);
  world.take(messageOf([FRAME.REPLY, third, null]));

  writer.hold(new Failure("UNAVAILABLE", "the disk is gone"));
  writer.callUnawaited(look, {}, CONTEXT);
  t.equal(writer.settled(), null, "a refused call is answered");
});

t.test("calls fail while the front refuses them", async (t) => {
  const { world, answered, send, answer } = largeWorld();
  world.writer.refuseBy(() => new Failure("RESOURCE_EXHAUSTED", "no room"));
  send("ana", "refused");
  await tick();
  t.same(answered.splice(0), ["refused RESOURCE_EXHAUSTED"]);
  world.writer.refuseBy(() => null);
  send("ana", "first");
  await tick();
  t.equal(await answer(), 1);
  t.same(answered, ["first"]);
});

t.test("large writes beyond their bounds are refused, and those that wait when the writer is gone", async (t) => {
  const { world, answered, send, answer } = largeWorld();
  send("ana", "first");
  await tick();
  for (let at = 0; at < LARGE_WRITES_WAITING_OF_CALLER_MAX; at++) send("ana", "waits");
  send("ana", "one more");
  send("ben", "other");
  send("ben", "huge", MAILBOX_BYTES_MAX);
  await tick();
  t.same(answered.splice(0), ["huge RESOURCE_EXHAUSTED", "one more RESOURCE_EXHAUSTED"]);
  for (let at = 0; at < 3; at++) t.equal(await answer(), 1);
  t.same(answered.splice(0), ["first", "waits", "other"], "another caller still finds room, and is second");
  world.writer.hold(new Failure("UNAVAILABLE", "the disk is gone"));
  await answer();
  await tick();
  t.same(new Set(answered.splice(1)), new Set(["waits UNAVAILABLE"]));
  t.equal(world.writer.depth, 0);
});
