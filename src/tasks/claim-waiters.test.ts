/** Who waits for tasks, in a line before a writer that is played: who is asked, in which order, and who never is. */
import t from "tap";
import { must } from "../base/assert.js";
import { LeaseProjection } from "../claims/lease-projection.js";
import type { LeaseRecord } from "../../schemas/leases.js";
import { TASK_STATES, type ReadyRecord, type TasksPush, type TaskState } from "../../schemas/tasks.js";
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
  return {
    row,
    state: "held",
    fence: row,
    holder,
    holder_name: holder,
    workspace: "w",
    resources: [resource],
    shared: false,
    reason: "",
    note: null,
    task: null,
    ttl_s: 60,
    max_s: 60,
    offered: false,
    queued: false,
    requested_at: 0,
    granted_at: 0,
    ended_at: null,
    ...more,
  };
}

/** The front, and a writer that answers when it is told to. */
class Played {
  now_ms = 0;
  stored: ReadyRecord[] = [];
  readonly leases = new LeaseProjection();
  readonly mirror = new TaskProjection({ ready: () => this.stored, counts: () => COUNTS }, this.leases, 0);
  readonly claimers = new ClaimWaiters(this.mirror, () => this.now_ms);
  /** Who asks the writer now, in the order of asking. */
  readonly asking: { readonly who: string; readonly answer: (found: string | null) => void }[] = [];
  /** What each has got. */
  readonly got: [who: string, found: string | null][] = [];
  asked = 0;

  wait(who: string, more: Partial<Claimant> & { id?: string; request_id?: string; wait_ms?: number } = {}): () => void {
    const { id = null, request_id = null, wait_ms = LONG_MS, ...others } = more;
    const claimant = { id: who, name: who, capabilities: [], workspace: "w", labels: [], ...others };
    let leave: () => void = () => undefined;
    const attempt = (): Promise<string | null> =>
      new Promise((answer) => {
        this.asked += 1;
        this.asking.push({ who, answer });
      });
    void this.claimers
      .wait({ claimant, id, request_id }, wait_ms, attempt, (listener) => (leave = listener))
      .then((found) => this.got.push([who, found]));
    return leave;
  }

  tell(...changed: readonly (readonly [ready: ReadyRecord, state?: TaskState])[]): void {
    const notice: TasksPush = {
      changed: changed.map(([record, state = "ready"]) => ({
        row: record.row,
        id: record.id,
        state,
        ready: state === "ready" ? record : null,
        waited_ms: null,
      })),
      counts: COUNTS,
    };
    this.mirror.accept(notice, this.now_ms);
  }

  /** The writer answers who has asked it first: with a task, which is nobody else's then, or with none. */
  async answer(found: ReadyRecord | null): Promise<void> {
    const { answer } = must(this.asking.shift(), "somebody asks");
    if (found !== null) this.tell([found, "claimed"]);
    answer(found?.id ?? null);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  who(): string[] {
    return this.asking.map(({ who }) => who);
  }

  end(): void {
    this.claimers.end();
  }
}

t.test("one task wakes one of a thousand, the one who has waited longest", async (t) => {
  const played = new Played();
  for (let at = 0; at < MANY; at++) played.wait(`i${at}`);
  t.equal(played.claimers.waiting, MANY);
  t.equal(played.asked, 0, "nobody asks while there is nothing");
  played.tell([ready(1)]);
  t.same(played.who(), ["i0"]);
  await played.answer(ready(1));
  t.same(played.got, [["i0", "task-1"]]);
  t.equal(played.asked, 1);
  played.tell([ready(2)], [ready(3)], [ready(4)]);
  t.same(played.who(), ["i1", "i2", "i3"], "as many as there are");
  await played.answer(ready(2));
  await played.answer(ready(3));
  await played.answer(ready(4));
  t.equal(played.asked, 4);
  t.equal(played.claimers.waiting, MANY - 4);
  played.tell([ready(5), "claimed"]);
  played.tell([ready(6)], [ready(6), "claimed"]);
  t.equal(played.asked, 4, "what is gone again within its commit is nobody's");
  played.end();
  t.equal(played.claimers.waiting, 0);
});

t.test("who may not have it is passed over, and who asked in vain is not asked again", async (t) => {
  const played = new Played();
  played.wait("other workspace", { workspace: "v" });
  played.wait("other label", { labels: ["y"] });
  played.wait("another's name");
  played.wait("ana", { labels: ["x"], capabilities: ["go"] });
  played.wait("bob", { capabilities: ["go"] });
  const task = ready(1, { labels: ["x"], requires: ["go"] });
  played.tell([task]);
  t.same(played.who(), ["ana"]);
  await played.answer(null);
  t.same(played.who(), ["bob"], "then it is the next one's turn");
  await played.answer(null);
  t.equal(played.asked, 2, "and nobody asks a second time");
  played.tell([ready(2, { assignee: "another's name" })]);
  t.same(played.who(), ["another's name"]);
  await played.answer(ready(2, { assignee: "another's name" }));
  played.tell([task]);
  t.same(played.who(), ["ana"], "told of again, it is new");
  const late = ready(3);
  played.tell([late]);
  t.same(played.who(), ["ana", "bob"]);
  await played.answer(null);
  await played.answer(late);
  t.same(played.who(), [], "bob has got the other one; of the first nobody is left");
  played.end();
});

t.test("what one is asking for, who comes meanwhile does not ask for", async (t) => {
  const played = new Played();
  played.tell([ready(1)]);
  played.wait("ana");
  played.wait("bob");
  t.same(played.who(), ["ana"]);
  await played.answer(ready(9));
  t.same(played.who(), ["bob"], "she has got a better one: then it is his");
  await played.answer(ready(1));
  t.same(played.got, [
    ["ana", "task-9"],
    ["bob", "task-1"],
  ]);
  played.end();
});

t.test("a lease that ends, a time that comes, a reservation that passes", async (t) => {
  const played = new Played();
  const busy = ready(1, { resources: ["path:a"] });
  played.leases.accept([lease(1, "eve", "path:*")]);
  played.wait("ana");
  played.tell([busy]);
  t.equal(played.asked, 0, "its resources are somebody's");
  played.wait("eve");
  t.same(played.who(), ["eve"], "who holds them herself may have it");
  await played.answer(null);
  played.leases.accept([lease(1, "eve", "path:*", { state: "released", ended_at: 1 })]);
  t.same(played.who(), ["ana"]);
  await played.answer(busy);

  const kept = ready(2, { reserved: "eve", reserved_until: 500 });
  played.wait("bob");
  played.tell([kept]);
  t.same(played.who(), ["eve"], "first for whom it is kept");
  await played.answer(null);
  played.now_ms = 499;
  played.mirror.tick(499);
  t.equal(played.asking.length, 0);
  played.now_ms = 500;
  played.mirror.tick(500);
  t.same(played.who(), ["eve"], "then in line");
  await played.answer(null);
  t.same(played.who(), ["bob"]);
  await played.answer(kept);

  const later = ready(3, { not_before: 900 });
  played.tell([later]);
  t.equal(played.asking.length, 0);
  played.now_ms = 900;
  played.wait("cid", { labels: ["none"] });
  t.same(played.who(), ["eve"], "who comes just then takes nobody's turn");
  await played.answer(null);
  played.mirror.tick(901);
  t.same(played.who(), ["eve"], "the writer's clock was behind: it is asked once more");
  await played.answer(null);
  played.mirror.tick(1_000);
  t.equal(played.asking.length, 0);
  played.end();
});

t.test("who waits for one task by its id", async (t) => {
  const played = new Played();
  played.wait("ana", { id: "task-2" });
  played.wait("bob", { id: "task-3" });
  played.tell([ready(1)], [ready(2)]);
  t.same(played.who(), ["ana"]);
  await played.answer(ready(2));
  played.tell([ready(3), "claimed"]);
  t.equal(played.asking.length, 0);
  played.tell([ready(3), "done"]);
  t.same(played.who(), ["bob"], "it has ended: he is to hear why he gets nothing");
  played.asking.shift()?.answer("refused");
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  t.same(played.got.at(-1), ["bob", "refused"]);
});

t.test("the same call, made twice, gets the same thing", async (t) => {
  const played = new Played();
  played.wait("ana", { request_id: "r" });
  played.wait("bob", { request_id: "r" });
  played.wait("ana", { request_id: "r" });
  played.wait("ana", { request_id: "other" });
  played.tell([ready(1)]);
  t.same(played.who(), ["ana"]);
  await played.answer(ready(1));
  t.same(played.who(), ["ana"], "the second, which may be the only one whose client is still there");
  await played.answer(ready(1));
  t.same(played.got, [
    ["ana", "task-1"],
    ["ana", "task-1"],
  ]);
  t.equal(played.claimers.waiting, 2);
  played.end();
});

t.test("after a crash everybody looks, and each task is asked for once", async (t) => {
  const played = new Played();
  for (let at = 0; at < MANY; at++) played.wait(`i${at}`);
  played.stored = [ready(1), ready(2)];
  played.mirror.catchUp(played.now_ms);
  t.same(played.who(), ["i0", "i1"]);
  await played.answer(null);
  t.equal(played.asking.at(-1)?.who, "i2", "in vain: the next one's turn");
  played.stored = [];
  played.mirror.catchUp(played.now_ms);
  for (let left = played.asking.length; left > 0; left--) await played.answer(null);
  t.equal(played.asking.length, 0, "what is not there any more is asked for by nobody");
  played.end();
});

t.test("who leaves is not asked, and whose time is up has nothing", async (t) => {
  const played = new Played();
  const leave = played.wait("gone");
  played.wait("short", { wait_ms: 1 });
  played.wait("ana");
  leave();
  while (played.claimers.waiting > 1)
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  t.same(played.got, [
    ["gone", null],
    ["short", null],
  ]);
  played.tell([ready(1)]);
  t.same(played.who(), ["ana"]);
  const leaves = played.wait("bob");
  played.tell([ready(2)]);
  leaves();
  t.equal(played.got.length, 2, "who is asking the writer is told what it says");
  await played.answer(ready(1));
  await played.answer(ready(2));
  t.same(played.got.slice(2), [
    ["ana", "task-1"],
    ["bob", "task-2"],
  ]);
  played.end();
  played.wait("late");
  await Promise.resolve();
  t.same(played.got.at(-1), ["late", null], "at the end nobody waits");
});

t.test("who can do more than before looks again", async (t) => {
  const played = new Played();
  const can: string[] = [];
  played.wait("ana", { capabilities: can });
  played.wait("ana", { capabilities: can, id: "task-1" });
  played.wait("bob");
  const task = ready(1, { requires: ["go"] });
  played.tell([task]);
  t.equal(played.asked, 0);
  can.push("go");
  played.claimers.look("bob");
  t.equal(played.asked, 0, "nobody else");
  played.claimers.look("ana");
  t.same(played.who(), ["ana"], "each task is asked for once");
  await played.answer(null);
  t.same(played.who(), ["ana"], "then by her other call");
  await played.answer(null);
  t.equal(played.asking.length, 0);
  played.claimers.look("ana");
  t.same(played.who(), ["ana"], "what she could not have then, she may now");
  await played.answer(task);
  played.end();
});

t.test("who waits for one task hears how it is when the time is up", async (t) => {
  const played = new Played();
  played.wait("ana", { id: "task-1", wait_ms: 1 });
  played.wait("any", { wait_ms: 1 });
  const leave = played.wait("gone", { id: "task-1", wait_ms: 1 });
  leave();
  while (played.claimers.waiting > 0)
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  t.same(played.who(), ["ana"], "not who has gone, nor who has no task in mind");
  played.tell([ready(1)]);
  t.equal(played.asked, 1, "for the rest it waits no more");
  await played.answer(null);
  t.same(played.got, [
    ["gone", null],
    ["any", null],
    ["ana", null],
  ]);
  played.end();
});
