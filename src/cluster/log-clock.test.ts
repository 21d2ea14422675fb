/** Tests the log's time when the nodes' clocks differ: which clocks count, and how a wrong time recovers. */
import t from "tap";
import { MonotonicClock } from "../base/clock.js";
import { CLOCK_TOLERANCE_MS, LOG_CLOCK_SLOW_RATE, NODE_SILENCE_MS } from "../../schemas/limits/cluster.js";
import { FrontClock } from "./front-clock.js";
import { LogClock } from "./log-clock.js";
import { initialMembership, type Membership, type Node } from "./membership.js";

const START_MS = 1_770_595_200_000;
const DAY_MS = 86_400_000;

/** A cluster of node a and live peers. `walls` has the error of each machine's clock, a's first. */
class Scene {
  passedMs = 0;
  membership: Membership;
  readonly clock: LogClock;

  constructor(
    readonly walls: number[],
    startMs = START_MS,
  ) {
    const nodes = walls.map((_, at): Node => {
      const node = "abc"[at] ?? "z";
      return { node, store: "", run: "", version: "", incarnation: 1, number: 0, heard_at: startMs, position: 0 };
    });
    this.membership = { ...initialMembership(startMs, 1, ""), nodes: new Map(nodes.map((node) => [node.node, node])) };
    this.clock = new LogClock({
      node: "a",
      wall: () => START_MS + this.passedMs + (this.walls[0] ?? 0),
      elapsed: () => this.passedMs,
      membership: () => this.membership,
    });
  }

  hearAll(): void {
    for (const [at, wrongMs] of this.walls.entries())
      if (at > 0) this.clock.record("abc"[at] ?? "z", START_MS + this.passedMs + wrongMs);
  }
}

t.test("the log's time jumps only to a time that a strict majority of the clocks has reached", (t) => {
  for (const [what, walls, leapsMs] of [
    ["one node has nobody else to ask", [DAY_MS], DAY_MS],
    ["two, of which one is ahead", [DAY_MS, 0], 0],
    ["two, of which the other is ahead", [0, DAY_MS], 0],
    ["two that agree", [DAY_MS, DAY_MS], DAY_MS],
    ["one of three is ahead", [DAY_MS, 0, 0], 0],
    ["one of three is behind", [0, -DAY_MS, 0], 0],
    ["two of three are ahead", [0, DAY_MS, 2 * DAY_MS], DAY_MS],
  ] as [string, number[], number][]) {
    const scene = new Scene(walls);
    scene.hearAll();
    scene.passedMs += 100;
    t.equal(scene.clock.now(), START_MS + 100 + leapsMs, what);
  }
  t.end();
});

t.test("a clock that agrees with the others is as exact as it is", (t) => {
  const scene = new Scene([0, -CLOCK_TOLERANCE_MS, -5]);
  scene.hearAll();
  scene.passedMs += 7;
  t.equal(scene.clock.now(), START_MS + 7);
  t.end();
});

t.test("a node that does not know the others' clocks moves nothing until they are silent", (t) => {
  const scene = new Scene([DAY_MS, 0, 0]);
  t.equal(scene.clock.now(), START_MS);
  t.equal(scene.clock.now(false), START_MS);
  t.equal(scene.clock.aheadMs, 0, "nor is it known to be wrong");
  scene.hearAll();
  t.equal(scene.clock.aheadMs, DAY_MS);
  t.strictSame(scene.clock.warnings, [
    "the clock of node b is about 24 hours behind that of a: set both right (NTP)",
    "the clock of node c is about 24 hours behind that of a: set both right (NTP)",
  ]);
  scene.passedMs += NODE_SILENCE_MS;
  scene.membership = { ...scene.membership, nowMs: scene.clock.now() };
  t.equal(scene.clock.now(), START_MS + NODE_SILENCE_MS, "what they said stays true when they are silent");
  const alone = new Scene([DAY_MS, 0, 0]);
  alone.passedMs += NODE_SILENCE_MS;
  alone.membership = { ...alone.membership, nowMs: alone.clock.now() };
  t.equal(alone.clock.now(), START_MS + NODE_SILENCE_MS + DAY_MS, "who never heard them goes by its own");
  t.end();
});

t.test("a time ahead of most clocks advances more slowly, and never goes back", (t) => {
  const scene = new Scene([0, 0, DAY_MS], START_MS + DAY_MS);
  scene.hearAll();
  const first = scene.clock.now();
  scene.passedMs += 1_000;
  t.equal(scene.clock.now(), first + 1_000 * LOG_CLOCK_SLOW_RATE);
  scene.passedMs += DAY_MS / (1 - LOG_CLOCK_SLOW_RATE);
  scene.hearAll();
  scene.clock.now();
  scene.passedMs += 1_000;
  t.equal(scene.clock.now(), START_MS + scene.passedMs, "it has come back");
  t.end();
});

t.test("the front follows the log's time, and goes back only if it was clearly ahead", (t) => {
  let [wallMs, passedMs] = [START_MS + DAY_MS, 0];
  const clock = new FrontClock(new MonotonicClock({ now: () => wallMs }), () => passedMs);
  t.equal(clock.now(), START_MS + DAY_MS, "its own, before it knows better");
  clock.follow(START_MS, 1);
  t.equal(clock.now(), START_MS);
  [wallMs, passedMs] = [START_MS + 2 * DAY_MS, 500];
  t.equal(clock.now(), START_MS + 500, "the machine's counts no more");
  clock.follow(START_MS + 490, 1);
  t.equal(clock.now(), START_MS + 500, "what was told late");
  clock.follow(START_MS + 600, 1);
  t.equal(clock.now(), START_MS + 600);
  clock.follow(START_MS - 5_000, 1);
  t.equal(clock.now(), START_MS - 5_000);
  t.end();
});

t.test("the front's clock is as slow as the log's time, so that it is neither ahead for long nor goes back", (t) => {
  const scene = new Scene([0, 0, 0], START_MS + 600_000);
  scene.hearAll();
  const front = new FrontClock(new MonotonicClock({ now: () => START_MS }), () => scene.passedMs);
  // The front still assumes the usual rate when the log's time slows down.
  front.follow(scene.clock.now(), 1);
  let beforeMs = front.now();
  for (; scene.passedMs < 60_000; scene.passedMs += 100) {
    const logMs = scene.clock.now();
    // The published time is the time of an entry that was appended a moment ago.
    if (scene.passedMs % 2_000 === 1_900) front.follow(logMs - 50, scene.clock.rate);
    const frontMs = front.now();
    if (frontMs < beforeMs) t.fail(`it goes back at ${scene.passedMs} ms`);
    const aheadMs = scene.passedMs < 4_000 ? 0 : frontMs - logMs;
    if (aheadMs > 0 || aheadMs < -100) t.fail(`it is ${aheadMs} ms ahead of the log at ${scene.passedMs} ms`);
    beforeMs = frontMs;
  }
  t.equal(scene.clock.rate, LOG_CLOCK_SLOW_RATE);
  scene.walls[0] = scene.walls[1] = 600_000;
  scene.hearAll();
  scene.clock.now();
  t.equal(scene.clock.rate, 1);
  t.end();
});
