/**
 * Tests the queue of calls that wait for tasks, with a fake writer. Tests which calls ask the writer, in which order,
 * and which calls never ask.
 */
import t from "tap";
import { leaseRecord } from "../../../test/support/lease-record.js";
import { must } from "../../base/assert.js";
import { LeaseProjection } from "../claims/lease-projection.js";
import type { LeaseRecord } from "../../../schemas/leases.js";
import { TASK_STATES, type ReadyRecord, type TasksPush, type TaskState } from "../../../schemas/tasks.js";
import { ClaimWaiters } from "./claim-waiters.js";
import { TaskProjection } from "./task-projection.js";
import type { Claimant } from "./ready-queue.js";

const MANY = 1_000;
const LONG_MS = 60_000;
const COUNTS = TASK_STATES.map(() => 0);

function ready(row: number, more: Partial<ReadyRecord> = {}): ReadyRecord {
  return {
    row,
    id: `task-${row}`,
    workspace: "w",
    labels: [],
    requires: [],
    resources: [],
    priority: 5,
    ready_at: 0,
    not_before: null,
    assignee: null,
    reserved: null,
    reserved_until: 0,
    updated_at: 0,
    ...more,
  };
}

function lease(row: number, holder: string, resource: string, more: Partial<LeaseRecord> = {}): LeaseRecord {
  return leaseRecord(row, { holder, holder_name: holder, resources: [resource], ...more });
}

/** How a call waits. */
interface Waits {
  readonly id?: string;
  readonly request_id?: string;
  readonly mayEndByHold?: () => boolean;
  readonly waitMs?: number;
}

/** A front whose writer answers only when the test calls `answer`. */
class Fixture {
  nowMs = 0;
  stored: ReadyRecord[] = [];
  readonly leases = new LeaseProjection();
  readonly tasks = new TaskProjection({ ready: () => this.stored, counts: () => COUNTS }, this.leases, 0);
  /** Whether the time slice of the current tick is used up. */
  isOver = false;
  /** The functions that later ticks run. */
  readonly later: (() => void)[] = [];
  readonly waiters = new ClaimWaiters(this.tasks, () => this.nowMs, {
    slice: Object.defineProperty({ isOver: false }, "isOver", { get: () => this.isOver }),
    turns: { add: (task) => void this.later.push(task) },
  });
  /** The callers whose calls wait for an answer of the writer, in the order in which they asked. */
  readonly asking: { readonly who: string; readonly answer: (found: string | null) => void }[] = [];
  /** The result of each caller. */
  readonly got: [who: string, found: string | null][] = [];
  asked = 0;

  wait(who: string, more: Partial<Claimant> & Waits = {}): () => void {
    const { id = null, request_id = null, mayEndByHold = null, waitMs = LONG_MS, ...others } = more;
    const claimant = { id: who, name: who, parent: null, capabilities: [], workspace: "w", labels: [], ...others };
    let abort: () => void = () => undefined;
    const attempt = (): Promise<string | null> =>
      new Promise((answer) => {
        this.asked += 1;
        this.asking.push({ who, answer });
      });
    void this.waiters
      .wait({ claimant, id, request_id, mayEndByHold }, waitMs, attempt, (listener) => (abort = listener))
      .then((found) => this.got.push([who, found]));
    return abort;
  }

  publish(...changed: readonly (readonly [ready: ReadyRecord, state?: TaskState])[]): void {
    const push: TasksPush = {
      changed: changed.map(([record, state = "ready"]) => ({
        row: record.row,
        id: record.id,
        state,
        ready: state === "ready" ? record : null,
        waited_ms: null,
      })),
      counts: COUNTS,
    };
    this.tasks.accept(push, this.nowMs);
  }

  /** Answers the call that asked first, with a task or with null. After that, no other caller can have the task. */
  async answer(found: ReadyRecord | null): Promise<void> {
    const { answer } = must(this.asking.shift(), "a call asks");
    if (found !== null) this.publish([found, "claimed"]);
    answer(found?.id ?? null);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  who(): string[] {
    return this.asking.map(({ who }) => who);
  }

  end(): void {
    this.waiters.end();
  }
}

t.test("one task wakes one of a thousand calls, the one that has waited longest", async (t) => {
  const fixture = new Fixture();
  for (let at = 0; at < MANY; at++) fixture.wait(`i${at}`);
  t.equal(fixture.waiters.waiting, MANY);
  t.equal(fixture.asked, 0, "no call asks while there is no task");
  fixture.publish([ready(1)]);
  t.same(fixture.who(), ["i0"]);
  await fixture.answer(ready(1));
  t.same(fixture.got, [["i0", "task-1"]]);
  t.equal(fixture.asked, 1);
  fixture.publish([ready(2)], [ready(3)], [ready(4)]);
  t.same(fixture.who(), ["i1", "i2", "i3"], "as many as there are");
  await fixture.answer(ready(2));
  await fixture.answer(ready(3));
  await fixture.answer(ready(4));
  t.equal(fixture.asked, 4);
  t.equal(fixture.waiters.waiting, MANY - 4);
  fixture.publish([ready(5), "claimed"]);
  fixture.publish([ready(6)], [ready(6), "claimed"]);
  t.equal(fixture.asked, 4, "a task that is claimed within its commit wakes no call");
  fixture.end();
  t.equal(fixture.waiters.waiting, 0);
});

t.test("a call that may not have a task is skipped, and one that asked in vain does not ask again", async (t) => {
  const fixture = new Fixture();
  fixture.wait("other workspace", { workspace: "v" });
  fixture.wait("other label", { labels: ["y"] });
  fixture.wait("another's name");
  fixture.wait("ana", { labels: ["x"], capabilities: ["go"] });
  fixture.wait("bob", { capabilities: ["go"] });
  const task = ready(1, { labels: ["x"], requires: ["go"] });
  fixture.publish([task]);
  t.same(fixture.who(), ["ana"]);
  await fixture.answer(null);
  t.same(fixture.who(), ["bob"], "then the next one asks");
  await fixture.answer(null);
  t.equal(fixture.asked, 2, "and no call asks twice");
  fixture.publish([ready(2, { assignee: "another's name" })]);
  t.same(fixture.who(), ["another's name"]);
  await fixture.answer(ready(2, { assignee: "another's name" }));
  fixture.publish([task]);
  t.same(fixture.who(), ["ana"], "reported again, it counts as new");
  const late = ready(3);
  fixture.publish([late]);
  t.same(fixture.who(), ["ana", "bob"]);
  await fixture.answer(null);
  await fixture.answer(late);
  t.same(fixture.who(), [], "bob has the other one, and no call is left for the first");
  fixture.end();
});

t.test("tasks that take too long to assign in one tick are assigned in later ones, in order", async (t) => {
  const fixture = new Fixture();
  for (const who of ["ana", "bob", "eve", "dan"]) fixture.wait(who);
  fixture.publish([ready(1)]);
  fixture.isOver = true;
  fixture.publish([ready(2)], [ready(3)]);
  t.same(fixture.who(), ["ana"]);
  fixture.isOver = false;
  fixture.publish([ready(4)]);
  t.same(fixture.who(), ["ana"], "a later task waits behind them");
  t.equal(fixture.later.length, 3, "one step for each task");
  fixture.publish([ready(3), "claimed"]);
  for (const run of fixture.later.splice(0)) run();
  t.same(fixture.who(), ["ana", "bob", "eve"], "the task that has gone wakes no call");
  fixture.publish([ready(5)]);
  t.same(fixture.who(), ["ana", "bob", "eve", "dan"]);
  await Promise.resolve();
  fixture.end();
});

t.test("the end of a task wakes the calls that wait for it, and no others", async (t) => {
  const fixture = new Fixture();
  for (const who of ["ana", "bob"]) fixture.wait(who, { id: "task-1" });
  fixture.wait("eve", { id: "task-2" });
  fixture.wait("dan");
  fixture.publish([ready(1), "done"]);
  t.same(fixture.who(), ["ana", "bob"]);
  await fixture.answer(ready(1));
  await fixture.answer(ready(1));
  fixture.publish([ready(1), "done"]);
  t.same(fixture.who(), [], "calls that were answered are forgotten");
  fixture.end();
});

t.test("a new call does not ask for a task that another is asking for", async (t) => {
  const fixture = new Fixture();
  fixture.publish([ready(1)]);
  fixture.wait("ana");
  fixture.wait("bob");
  t.same(fixture.who(), ["ana"]);
  await fixture.answer(ready(9));
  t.same(fixture.who(), ["bob"], "she got a better one, so he asks for this one");
  await fixture.answer(ready(1));
  t.same(fixture.got, [
    ["ana", "task-9"],
    ["bob", "task-1"],
  ]);
  fixture.end();
});

t.test("a lease that ends, a time that comes, a reservation that passes", async (t) => {
  const fixture = new Fixture();
  const busy = ready(1, { resources: ["path:a"] });
  fixture.leases.accept([lease(1, "eve", "path:*")]);
  fixture.wait("ana");
  fixture.publish([busy]);
  t.equal(fixture.asked, 0, "its resources are held");
  fixture.wait("eve");
  t.same(fixture.who(), ["eve"], "their own holder may have it");
  await fixture.answer(null);
  fixture.leases.accept([lease(1, "eve", "path:*", { state: "released", ended_at: 1 })]);
  t.same(fixture.who(), ["ana"]);
  await fixture.answer(busy);

  const kept = ready(2, { reserved: "eve", reserved_until: 500 });
  fixture.wait("bob");
  fixture.publish([kept]);
  t.same(fixture.who(), ["eve"], "first the one with the reservation");
  await fixture.answer(null);
  fixture.nowMs = 499;
  fixture.tasks.tick(499);
  t.equal(fixture.asking.length, 0);
  fixture.nowMs = 500;
  fixture.tasks.tick(500);
  t.same(fixture.who(), ["eve"], "then in the order of the queue");
  await fixture.answer(null);
  t.same(fixture.who(), ["bob"]);
  await fixture.answer(kept);

  const later = ready(3, { not_before: 900 });
  fixture.publish([later]);
  t.equal(fixture.asking.length, 0);
  fixture.nowMs = 900;
  fixture.wait("cid", { labels: ["none"] });
  t.same(fixture.who(), ["eve"], "a call that joins at that time takes no other call's task");
  await fixture.answer(null);
  fixture.tasks.tick(901);
  t.same(fixture.who(), ["eve"], "the writer's clock was late, so it is asked once more");
  await fixture.answer(null);
  fixture.tasks.tick(1_000);
  t.equal(fixture.asking.length, 0);
  fixture.end();
});

t.test("a call that waits for one task by its id", async (t) => {
  const fixture = new Fixture();
  fixture.wait("ana", { id: "task-2" });
  fixture.wait("bob", { id: "task-3" });
  fixture.publish([ready(1)], [ready(2)]);
  t.same(fixture.who(), ["ana"]);
  await fixture.answer(ready(2));
  fixture.publish([ready(3), "claimed"]);
  t.equal(fixture.asking.length, 0);
  fixture.publish([ready(3), "done"]);
  t.same(fixture.who(), ["bob"], "it has ended, so he asks for the refusal");
  fixture.asking.shift()?.answer("refused");
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  t.same(fixture.got.at(-1), ["bob", "refused"]);
});

t.test("the same call, made twice, gets the same task", async (t) => {
  const fixture = new Fixture();
  fixture.wait("ana", { request_id: "r" });
  fixture.wait("bob", { request_id: "r" });
  fixture.wait("ana", { request_id: "r" });
  fixture.wait("ana", { request_id: "other" });
  fixture.publish([ready(1)]);
  t.same(fixture.who(), ["ana"]);
  await fixture.answer(ready(1));
  t.same(fixture.who(), ["ana"], "the second, which may be the only one whose client is still there");
  await fixture.answer(ready(1));
  t.same(fixture.got, [
    ["ana", "task-1"],
    ["ana", "task-1"],
  ]);
  t.equal(fixture.waiters.waiting, 2);
  fixture.end();
});

t.test("after a crash all calls look, and each task is asked for once", async (t) => {
  const fixture = new Fixture();
  for (let at = 0; at < MANY; at++) fixture.wait(`i${at}`);
  fixture.stored = [ready(1), ready(2)];
  fixture.tasks.catchUp(fixture.nowMs);
  t.same(fixture.who(), ["i0", "i1"]);
  await fixture.answer(null);
  t.equal(fixture.asking.at(-1)?.who, "i2", "in vain, so the next one asks");
  fixture.stored = [];
  fixture.tasks.catchUp(fixture.nowMs);
  for (let left = fixture.asking.length; left > 0; left--) await fixture.answer(null);
  t.equal(fixture.asking.length, 0, "no call asks for a task that is gone");
  fixture.end();
});

t.test("a call whose client is gone does not ask, and one that times out gets nothing", async (t) => {
  const fixture = new Fixture();
  const abort = fixture.wait("gone");
  fixture.wait("short", { waitMs: 1 });
  fixture.wait("ana");
  abort();
  while (fixture.waiters.waiting > 1)
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  t.same(fixture.got, [
    ["gone", null],
    ["short", null],
  ]);
  fixture.publish([ready(1)]);
  t.same(fixture.who(), ["ana"]);
  const abortBob = fixture.wait("bob");
  fixture.publish([ready(2)]);
  abortBob();
  t.equal(fixture.got.length, 2, "a call that is asking the writer gets its reply");
  await fixture.answer(ready(1));
  await fixture.answer(ready(2));
  t.same(fixture.got.slice(2), [
    ["ana", "task-1"],
    ["bob", "task-2"],
  ]);
  fixture.end();
  fixture.wait("late");
  await Promise.resolve();
  t.same(fixture.got.at(-1), ["late", null], "after the end no call waits");
});

t.test("an instance with a new capability looks again", async (t) => {
  const fixture = new Fixture();
  const can: string[] = [];
  fixture.wait("ana", { capabilities: can });
  fixture.wait("ana", { capabilities: can, id: "task-1" });
  fixture.wait("bob");
  const task = ready(1, { requires: ["go"] });
  fixture.publish([task]);
  t.equal(fixture.asked, 0);
  can.push("go");
  fixture.waiters.look("bob");
  t.equal(fixture.asked, 0, "no other instance");
  fixture.waiters.look("ana");
  t.same(fixture.who(), ["ana"], "each task is asked for once");
  await fixture.answer(null);
  t.same(fixture.who(), ["ana"], "then by her other call");
  await fixture.answer(null);
  t.equal(fixture.asking.length, 0);
  fixture.waiters.look("ana");
  t.same(fixture.who(), ["ana"], "she may have the task now");
  await fixture.answer(task);
  fixture.end();
});

t.test("a call for one task reports the task's state on timeout", async (t) => {
  const fixture = new Fixture();
  fixture.wait("ana", { id: "task-1", waitMs: 1 });
  fixture.wait("any", { waitMs: 1 });
  const abort = fixture.wait("gone", { id: "task-1", waitMs: 1 });
  abort();
  while (fixture.waiters.waiting > 0)
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  t.same(fixture.who(), ["ana"], "not the one that is gone, nor the one for any task");
  fixture.publish([ready(1)]);
  t.equal(fixture.asked, 1, "it does not wait any longer");
  await fixture.answer(null);
  t.same(fixture.got, [
    ["gone", null],
    ["any", null],
    ["ana", null],
  ]);
  fixture.end();
});

t.test("a call asks at most once for each change of what may keep it from tasks", async (t) => {
  const fixture = new Fixture();
  let checks = 0;
  fixture.wait("told", {
    mayEndByHold: () => {
      checks += 1;
      return checks > 1;
    },
  });
  fixture.wait("patient", { mayEndByHold: () => false });
  fixture.wait("other");
  t.equal(checks, 1, "a change before the wait is not missed");
  t.same(fixture.who(), []);
  fixture.waiters.lookAll();
  t.same(fixture.who(), ["told"]);
  await fixture.answer(null);
  t.same(fixture.who(), [], "the writer says that nothing has changed");
  fixture.waiters.lookAll();
  fixture.waiters.lookAll();
  t.same(fixture.who(), ["told"]);
  await fixture.answer(null);
  t.same(fixture.who(), ["told"], "the change came while it asked");
  await fixture.answer(null);
  t.same(fixture.who(), []);
  t.equal(fixture.waiters.waiting, 3);
  fixture.end();
});
