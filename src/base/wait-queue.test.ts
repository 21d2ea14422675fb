/**
 * Tests a queue of waits with an injected clock and timer: order, deadlines, aborts, limits and the end of all waits.
 */
import * as fc from "fast-check";
import t from "tap";
import { WAITS_ENDED_PER_TICK } from "../../schemas/limits/process.js";
import { must } from "./assert.js";
import { WaitQueue, Waiting, type WaitEnd, type WaitQueueOptions } from "./wait-queue.js";

class Call extends Waiting {
  readonly ends: WaitEnd[] = [];
  abort: () => void = () => undefined;

  constructor(
    readonly name: string,
    readonly onEnd: (call: Call, reason: WaitEnd) => void = () => undefined,
  ) {
    super();
  }

  end(reason: WaitEnd): void {
    this.ends.push(reason);
    this.onEnd(this, reason);
  }
}

/** A queue with a clock that the test moves, and at most one timer. */
class World {
  nowMs = 1_000;
  timer: { readonly atMs: number; readonly run: () => void } | null = null;
  /** The number of timers that were set. */
  timers = 0;
  readonly queue: WaitQueue<Call>;

  constructor(options: WaitQueueOptions = {}) {
    this.queue = new WaitQueue<Call>({
      ...options,
      now: () => this.nowMs,
      timers: {
        set: (run, ms) => {
          if (this.timer !== null) throw new Error("there is a timer already");
          this.timer = { atMs: this.nowMs + ms, run };
          this.timers += 1;
          return this.timer;
        },
        clear: (timer) => {
          if (timer !== this.timer) throw new Error("another timer is set");
          this.timer = null;
        },
      },
    });
  }

  add(name: string, waitMs: number, more: { readonly caller?: string; readonly weight?: number } = {}): Call {
    const call = new Call(name);
    this.join(call, waitMs, more);
    return call;
  }

  join(call: Call, waitMs: number, more: { readonly caller?: string; readonly weight?: number } = {}): boolean {
    return this.queue.add(call, { waitMs, onAbort: (listener) => (call.abort = listener), ...more });
  }

  /** Lets time pass, and runs the timer when it is due. */
  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (let { timer } = this; timer !== null && timer.atMs <= untilMs; { timer } = this) {
      this.nowMs = timer.atMs;
      this.timer = null;
      timer.run();
    }
    this.nowMs = untilMs;
  }

  names(): string[] {
    return [...this.queue].map(({ name }) => name);
  }
}

t.test("requests are in the order in which they came, until they are removed", (t) => {
  const world = new World();
  const [a, b, c] = [world.add("a", 500), world.add("b", 100), world.add("c", 500)];
  t.same(world.names(), ["a", "b", "c"]);
  t.equal(world.queue.size, 3);
  t.ok(world.queue.remove(a));
  t.notOk(world.queue.remove(a), "it does not wait any more");
  t.equal(a.waits, false);
  t.same(world.names(), ["b", "c"]);
  t.ok(world.join(a, 100), "it may wait again");
  t.same(world.names(), ["b", "c", "a"]);
  t.same(
    [a, b, c].map(({ ends }) => ends),
    [[], [], []],
    "the owner ends the wait of a request that it removes",
  );
  t.end();
});

t.test("a wait ends at its deadline, with one timer for all", (t) => {
  const world = new World();
  const [long, short, other] = [world.add("long", 500), world.add("short", 100), world.add("other", 500)];
  t.equal(world.timers, 2, "the second deadline is earlier than the first, and the third is not");
  world.pass(99);
  t.same(short.ends, []);
  world.pass(1);
  t.same(short.ends, ["deadline"]);
  t.equal(short.waits, false);
  t.same(world.names(), ["long", "other"]);
  world.pass(400);
  t.same([long.ends, other.ends], [["deadline"], ["deadline"]]);
  t.equal(world.timer, null, "no timer without requests");
  t.equal(world.timers, 3);
  t.end();
});

t.test("waits that began together end a few at a time", (t) => {
  const world = new World();
  const calls = Array.from({ length: 3 * WAITS_ENDED_PER_TICK }, (_, at) =>
    world.add(String(at), at % 2 ? 1_000 : 999),
  );
  const ended = (): number => calls.filter(({ ends }) => ends.length > 0).length;
  world.nowMs += 1_000;
  for (const expected of [1, 2, 3]) {
    const { timer } = world;
    world.timer = null;
    timer?.run();
    t.equal(ended(), expected * WAITS_ENDED_PER_TICK);
  }
  t.equal(world.timer, null);
  t.end();
});

t.test("a request that leaves takes its deadline with it", (t) => {
  const world = new World();
  const [first, second] = [world.add("first", 100), world.add("second", 100)];
  world.pass(50);
  const third = world.add("third", 100);
  world.queue.remove(first);
  world.queue.remove(second);
  world.pass(99);
  t.same(third.ends, []);
  world.pass(1);
  t.same([first.ends, second.ends, third.ends], [[], [], ["deadline"]]);
  const alone = world.add("alone", 100);
  world.queue.remove(alone);
  t.equal(world.timer, null, "the timer of the last request is cancelled");
  t.end();
});

t.test("every wait ends exactly once and not before its deadline", (t) => {
  const step = fc.record({
    waitMs: fc.constantFrom(10, 20, 50),
    passMs: fc.nat(30),
    leaves: fc.option(fc.nat(50), { freq: 2 }),
    how: fc.constantFrom("remove" as const, "abort" as const),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const world = new World();
      const calls: { readonly call: Call; readonly deadlineMs: number; left: WaitEnd | "remove" | null }[] = [];
      for (const { waitMs, passMs, leaves, how } of steps) {
        calls.push({ call: world.add("", waitMs), deadlineMs: world.nowMs + waitMs, left: null });
        const leaving = leaves === null ? undefined : calls[leaves % calls.length];
        if (leaving !== undefined && leaving.left === null) {
          leaving.left = how;
          if (how === "remove") world.queue.remove(leaving.call);
          else leaving.call.abort();
        }
        world.pass(passMs);
        for (const one of calls) if (one.left === null && one.deadlineMs <= world.nowMs) one.left = "deadline";
        for (const { call, left } of calls) {
          const ends = left === null || left === "remove" ? [] : [left];
          if (JSON.stringify(call.ends) !== JSON.stringify(ends)) return false;
          if (call.waits !== (left === null)) return false;
        }
        if (world.queue.size !== calls.filter(({ left }) => left === null).length) return false;
      }
      return true;
    }),
  );
  t.end();
});

t.test("a client that goes ends its wait", (t) => {
  const world = new World();
  const [gone, stays, done] = [world.add("gone", 100), world.add("stays", 100), world.add("done", 100)];
  gone.abort();
  gone.abort();
  t.same(gone.ends, ["abort"]);
  world.queue.remove(done);
  done.abort();
  t.same(done.ends, [], "a request that was served does not end twice");
  const abortFirst = done.abort;
  world.join(done, 100);
  abortFirst();
  t.ok(done.waits, "the client of an earlier wait ends only that wait");
  t.same(world.names(), ["stays", "done"]);
  t.same(stays.ends, []);
  const early = new Call("early");
  t.ok(world.queue.add(early, { waitMs: 100, onAbort: (listener) => listener() }));
  t.same(early.ends, ["abort"], "the client was gone already");
  t.same(world.names(), ["stays", "done"]);
  t.end();
});

t.test("a full queue accepts nothing, in all and for each caller", (t) => {
  const world = new World({ weightMax: 4, weightOfCallerMax: 3 });
  const first = world.add("a1", 100, { caller: "a" });
  world.add("a2", 100, { caller: "a", weight: 2 });
  const refused = new Call("a3");
  t.notOk(world.queue.hasRoom(1, "a"));
  t.notOk(world.join(refused, 100, { caller: "a" }));
  t.same([refused.waits, refused.ends], [false, []]);
  t.ok(world.queue.hasRoom(1, "b"), "there is room for another caller");
  t.notOk(world.queue.hasRoom(2, "b"), "but not for that much");
  const other = world.add("b1", 100, { caller: "b" });
  t.ok(other.waits);
  t.notOk(world.join(refused, 100, { caller: "c" }), "four in all");
  world.queue.remove(first);
  t.ok(world.join(refused, 100, { caller: "a" }), "a request that leaves makes room");
  world.pass(100);
  t.equal(world.queue.size, 0);
  t.ok(world.queue.hasRoom(3, "a"), "and so do those that end");
  t.end();
});

t.test("closing ends all waits, and no request waits afterwards", (t) => {
  const world = new World();
  const ended: string[] = [];
  const calls = ["a", "b", "c"].map(
    (name) =>
      new Call(name, (call) => {
        ended.push(call.name);
        // The handler of an ended wait may remove another wait from the queue, because it has served that request.
        if (name === "a") world.queue.remove(must(calls[1], "b was added"));
      }),
  );
  for (const call of calls) world.join(call, 100);
  world.queue.close();
  t.same(ended, ["a", "c"]);
  t.same(
    calls.map(({ ends }) => ends),
    [["close"], [], ["close"]],
  );
  t.equal(world.queue.size, 0);
  t.equal(world.timer, null);
  const late = new Call("late");
  t.notOk(world.join(late, 100));
  t.same(late.ends, []);
  t.end();
});

t.test("a request may wait again when its wait has ended", (t) => {
  const world = new World();
  let rounds = 0;
  const again = new Call("again", (call) => {
    if (++rounds < 3) world.join(call, 100);
  });
  world.join(again, 100);
  world.pass(250);
  t.same(again.ends, ["deadline", "deadline"]);
  t.ok(again.waits);
  world.pass(50);
  t.equal(again.ends.length, 3);
  t.equal(world.queue.size, 0);
  t.end();
});

t.test("the default timer ends a wait", async (t) => {
  const queue = new WaitQueue();
  const beganMs = performance.now();
  const reason = await new Promise<WaitEnd>((resolve) => {
    const call = new Call("", (_call, why) => resolve(why));
    queue.add(call, { waitMs: 20 });
  });
  t.equal(reason, "deadline");
  t.ok(performance.now() - beganMs >= 20);
});
