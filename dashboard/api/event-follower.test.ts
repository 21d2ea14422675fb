/** Tests the event follower with a simulated server and clock. */
import t from "tap";
import { ApiError } from "./client.js";
import {
  EventFollower,
  type EventFeedOptions,
  type EventHost,
  type HistoryParameters,
  type Subscriber,
} from "./event-follower.js";
import type { Event } from "./types.js";

interface Subscription {
  readonly pattern: string;
  readonly since: number;
  readonly subscriber: Subscriber;
  ended: boolean;
}

/** A simulated server that holds events, with a clock that the test advances. */
class World implements EventHost {
  events: Event[] = [];
  readonly subscriptions: Subscription[] = [];
  refusal: Error | null = null;
  /** While this is set, requests for history wait for it. */
  held: Promise<void> | null = null;
  #nowMs = 1_700_000_000_000;
  #timers: { readonly dueMs: number; readonly work: () => void }[] = [];
  #onVisibility: ((visible: boolean) => void) | null = null;

  publish(count: number, topic = "api.change"): Event[] {
    const first = (this.events.at(-1)?.id ?? 0) + 1;
    return this.restore(first, count, topic);
  }

  /** Publishes events like `publish`, but starts at a given id. */
  restore(first: number, count: number, topic = "api.change"): Event[] {
    const made = Array.from({ length: count }, (_, at) => ({
      id: first + at,
      topic,
      data: null,
      source: "",
      created_at: new Date(this.#nowMs + at).toISOString(),
    }));
    this.events.push(...made);
    return made;
  }

  async history({ last, after, topic = "" }: HistoryParameters): Promise<readonly Event[]> {
    await this.held;
    if (this.refusal !== null) throw this.refusal;
    const matching = this.events.filter((event) => topic === "" || event.topic === topic);
    if (after === undefined) return matching.slice(-last).toReversed();
    return matching.filter(({ id }) => id > after).slice(0, last);
  }

  subscribe(pattern: string, since: number, subscriber: Subscriber): () => void {
    const subscription = { pattern, since, subscriber, ended: false };
    this.subscriptions.push(subscription);
    return () => {
      subscription.ended = true;
    };
  }

  later(delayMs: number, work: () => void): () => void {
    const timer = { dueMs: this.#nowMs + delayMs, work };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  nowMs(): number {
    return this.#nowMs;
  }

  listenForVisibility(listener: (visible: boolean) => void): () => void {
    this.#onVisibility = listener;
    return () => {
      this.#onVisibility = null;
    };
  }

  look(visible: boolean): void {
    this.#onVisibility?.(visible);
  }

  async pass(ms: number): Promise<void> {
    this.#nowMs += ms;
    const due = this.#timers.filter(({ dueMs }) => dueMs <= this.#nowMs);
    this.#timers = this.#timers.filter((timer) => !due.includes(timer));
    for (const { work } of due) work();
    await settled();
  }

  get newest(): Subscription {
    const newest = this.subscriptions.at(-1);
    if (newest === undefined) throw new Error("there is no subscription");
    return newest;
  }

  /** Opens the newest subscription, and sends the events of the history that come after its cursor. */
  async accept(): Promise<void> {
    const { pattern, since, subscriber } = this.newest;
    subscriber.opened();
    this.send(this.events.filter(({ id, topic }) => id > since && (pattern === "" || topic === pattern)));
    await this.pass(SHOWN_MS);
  }

  send(messages: readonly object[]): void {
    const { subscriber } = this.newest;
    for (const message of messages) if (!this.newest.ended) subscriber.message(JSON.stringify(message));
  }
}

/**
 * Received events are shown after at most this time, in ms. That is the case if other events were shown just before.
 */
const SHOWN_MS = 250;

/** Resolves after all pending promise callbacks have run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const OPTIONS: EventFeedOptions = { pattern: "", since: null, first: 50, keep: 100 };

async function follow(world: World, options: Partial<EventFeedOptions> = {}): Promise<EventFollower> {
  const follower = new EventFollower({ ...OPTIONS, ...options }, world);
  await settled();
  return follower;
}

const ids = (follower: EventFollower): number[] => follower.list.value.events.map(({ id }) => id);

t.test("it starts with the newest events, and continues live", async (t) => {
  const world = new World();
  world.publish(60);
  const follower = await follow(world);
  t.same([ids(follower)[0], ids(follower).at(-1), ids(follower).length], [11, 60, 50]);
  t.equal(follower.state.value, "connecting");
  t.equal(world.newest.since, 60);
  await world.accept();
  t.equal(follower.state.value, "live");
  world.send(world.publish(2));
  t.equal(ids(follower).length, 50, "they are shown together");
  await world.pass(SHOWN_MS);
  t.same(ids(follower).slice(-2), [61, 62]);
  t.equal(follower.received.value, 52);
});

t.test("the list changes at most four times a second, and soon after a pause", async (t) => {
  const world = new World();
  // This limit (`keep`) is larger than the number of events that arrive between two updates of the list.
  const follower = await follow(world, { keep: 200 });
  await world.accept();
  await world.pass(1_000);
  world.send(world.publish(1));
  await world.pass(50);
  t.same(ids(follower), [1], "soon after a pause");
  let changes = 0;
  let shown = follower.list.value;
  for (let step = 0; step < 100; step++) {
    world.send(world.publish(5));
    await world.pass(10);
    if (follower.list.value !== shown) changes += 1;
    shown = follower.list.value;
  }
  t.equal(changes, 4, "in a second of steady events");
  await world.pass(SHOWN_MS);
  t.equal(follower.received.value, 501, "none is lost");
});

t.test("it stops after the last wanted event", async (t) => {
  const world = new World();
  world.publish(60);
  const follower = await follow(world, { since: 10, until: 14 });
  await world.accept();
  t.same(ids(follower), [11, 12, 13, 14]);
  t.ok(follower.full.value);
  t.ok(world.newest.ended, "and needs no connection any more");
  const newest = await follow(world, { since: 58, until: 60 });
  await world.accept();
  t.same(ids(newest), [59, 60]);
  t.notOk(newest.full.value, "nothing came after it yet");
  world.send(world.publish(1));
  await world.pass(SHOWN_MS);
  t.same(ids(newest), [59, 60]);
  t.ok(newest.full.value);
});

t.test("on an empty server it is live without events", async (t) => {
  const world = new World();
  const follower = await follow(world);
  await world.accept();
  t.equal(follower.state.value, "live");
  t.same(ids(follower), []);
});

t.test("a cursor starts after its event, and reports its lag", async (t) => {
  const world = new World();
  world.publish(40);
  const follower = await follow(world, { since: 10 });
  t.equal(world.newest.since, 10);
  world.newest.subscriber.opened();
  t.equal(follower.state.value, "catching up");
  t.equal(follower.lag.value, 30);
  world.send(world.events.slice(10, 20));
  await world.pass(SHOWN_MS);
  t.equal(follower.lag.value, 20);
  world.send(world.events.slice(20));
  await world.pass(SHOWN_MS);
  t.equal(follower.state.value, "live");
  t.same([ids(follower)[0], ids(follower).length], [11, 30]);
});

t.test("events after a cursor are held, and loading stops when the list is full", async (t) => {
  const world = new World();
  world.publish(1_000);
  const follower = await follow(world, { since: 10 });
  await world.accept();
  t.equal(follower.full.value, true);
  t.same([ids(follower)[0], ids(follower).at(-1)], [11, 110]);
  t.equal(follower.state.value, "catching up");
  t.equal(follower.lag.value, 890);
  t.equal(world.newest.ended, true);
  world.look(false);
  world.look(true);
  await world.pass(60_000);
  t.equal(world.subscriptions.length, 1, "it is idle");
});

t.test("a cursor that has caught up makes room for new events", async (t) => {
  const world = new World();
  world.publish(90);
  const follower = await follow(world, { since: 10 });
  await world.accept();
  world.send(world.publish(50));
  await world.pass(SHOWN_MS);
  t.equal(follower.full.value, false);
  t.same([ids(follower)[0], ids(follower).at(-1)], [41, 140]);
  const exact = await follow(world, { since: 40 });
  await world.accept();
  t.equal(exact.full.value, false, "a list that the newest event has filled does not lag");
  t.equal(exact.state.value, "live");
});

t.test("a cursor before the start of history begins with a gap; zero begins with the oldest event", async (t) => {
  const world = new World();
  world.restore(500, 10);
  const follower = await follow(world, { since: 42 });
  await world.accept();
  t.same(follower.list.value.gaps, [{ after_id: 42, count: 457, why: "pruned", exact: true }]);
  const all = await follow(world, { since: 0 });
  await world.accept();
  t.same(all.list.value.gaps, []);
  t.equal(ids(all).length, 10);
});

t.test("a cursor beyond the newest event waits for the next one", async (t) => {
  const world = new World();
  world.publish(5);
  const follower = await follow(world, { since: 999 });
  t.equal(world.newest.since, 5);
  await world.accept();
  t.equal(follower.state.value, "live");
  world.send(world.publish(1));
  await world.pass(SHOWN_MS);
  t.same(ids(follower), [6]);
});

t.test("it resumes after the last event, any number of times, and loses none", async (t) => {
  const world = new World();
  world.publish(3);
  const follower = await follow(world);
  await world.accept();
  world.send(world.publish(1));
  // An event that was received but is not shown yet counts as received.
  world.newest.subscriber.closed();
  t.equal(follower.state.value, "reconnecting");
  t.equal(follower.lostMs.value, world.nowMs());
  world.refusal = new ApiError(0, "the server cannot be reached");
  const lostMs = world.nowMs();
  await world.pass(250);
  await world.pass(500);
  t.equal(world.subscriptions.length, 1, "it fetches before it subscribes");
  t.equal(follower.lostMs.value, lostMs, "the start time stays");
  world.refusal = new ApiError(503, "starting");
  await world.pass(1_000);
  t.equal(follower.failure.value, null);
  world.refusal = null;
  world.publish(340);
  await world.pass(2_000);
  t.equal(world.newest.since, 4);
  world.newest.subscriber.opened();
  t.equal(follower.state.value, "catching up");
  t.equal(follower.lag.value, 340);
  t.equal(follower.lostMs.value, null);
  world.send(world.events.slice(4));
  await world.pass(SHOWN_MS);
  t.equal(follower.state.value, "live");
  t.same([ids(follower)[0], ids(follower).at(-1)], [245, 344], "the newest hundred");
  t.same(follower.list.value.gaps, []);
  t.equal(follower.list.value.evicted, 244);
});

t.test("events pruned meanwhile are a gap", async (t) => {
  const world = new World();
  world.publish(3);
  const follower = await follow(world);
  await world.accept();
  world.newest.subscriber.closed();
  world.events = [];
  world.restore(104, 2);
  await world.pass(250);
  await world.accept();
  t.same(ids(follower), [1, 2, 3, 104, 105]);
  t.same(follower.list.value.gaps, [{ after_id: 3, count: 100, why: "pruned", exact: true }]);
});

t.test("with a pattern, earlier events of other topics are no gap", async (t) => {
  const world = new World();
  world.publish(2, "rare");
  world.publish(100, "often");
  const follower = await follow(world, { pattern: "rare" });
  await world.accept();
  world.newest.subscriber.closed();
  await world.pass(250);
  await world.accept();
  t.equal(follower.state.value, "live");
  world.events = world.events.slice(50);
  world.newest.subscriber.closed();
  await world.pass(250);
  await world.accept();
  t.same(follower.list.value.gaps, [], "all of those were fetched");
  world.newest.subscriber.closed();
  world.events = [];
  world.restore(150, 1, "often");
  await world.pass(250);
  await world.accept();
  t.same(follower.list.value.gaps, [{ after_id: 2, count: 47, why: "pruned", exact: false }]);
});

t.test("another database at the same address is another list", async (t) => {
  const world = new World();
  world.publish(30);
  const follower = await follow(world);
  await world.accept();
  world.newest.subscriber.closed();
  world.events = [];
  world.publish(2);
  await world.pass(250);
  t.equal(world.newest.since, 2);
  await world.accept();
  t.same(ids(follower), [1, 2]);
  t.same(follower.list.value.gaps, []);
  t.equal(follower.state.value, "live");

  world.newest.subscriber.closed();
  world.events = [];
  await world.pass(10_000);
  world.publish(40);
  await world.pass(250);
  await world.accept();
  t.equal(ids(follower).length, 40, "even if its ids have passed ours: event 2 is another one");
});

t.test("dropped events are fetched, and reported as a gap if they cannot be", async (t) => {
  const world = new World();
  world.publish(1);
  const follower = await follow(world);
  await world.accept();
  world.publish(10);
  world.send([{ type: "dropped", count: 8, after_id: 1 }, ...world.events.slice(9)]);
  await world.pass(SHOWN_MS);
  t.same(ids(follower), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  t.same(follower.list.value.gaps, []);

  world.publish(10);
  world.events = world.events.filter(({ id }) => id <= 11 || id > 15);
  world.send([{ type: "dropped", count: 9, after_id: 11 }, ...world.events.slice(-1)]);
  await world.pass(SHOWN_MS);
  t.same(ids(follower).slice(10), [11, 16, 17, 18, 19, 20, 21]);
  t.match(follower.list.value.gaps, [{ count: 4, why: "dropped" }], "four were pruned");

  world.publish(5);
  world.refusal = new ApiError(503, "busy");
  world.send([{ type: "dropped", count: 4, after_id: 21 }, ...world.events.slice(-1)]);
  await world.pass(SHOWN_MS);
  t.match(follower.list.value.gaps.at(-1), { after_id: 21, count: 4, why: "dropped", exact: true });
  t.equal(ids(follower).at(-1), 26);
});

t.test("a page that cannot keep up does not fetch one gap after another", async (t) => {
  const world = new World();
  world.publish(1);
  const follower = await follow(world);
  await world.accept();
  let release = (): void => undefined;
  world.held = new Promise((resolve) => {
    release = resolve;
  });
  world.publish(40);
  for (let id = 1; id < 41; id += 2)
    world.send([{ type: "dropped", count: 1, after_id: id }, ...world.events.slice(id + 1, id + 2)]);
  await world.pass(SHOWN_MS);
  t.equal(follower.list.value.gaps.length, 12, "the first eight are awaited");
  release();
  await settled();
  t.equal(follower.list.value.gaps.length, 12);
  t.equal(ids(follower).length, 1 + 20 + 8);
});

t.test("a malformed pattern is reported and not retried", async (t) => {
  const world = new World();
  world.refusal = new ApiError(400, "pattern is malformed");
  const follower = await follow(world, { pattern: "a.[", since: 0 });
  t.match(follower.failure.value, { message: "pattern is malformed" });
  await world.pass(60_000);
  t.equal(world.subscriptions.length, 0);
});

t.test("an unreachable server is awaited at the start", async (t) => {
  const world = new World();
  world.refusal = new ApiError(0, "the server cannot be reached");
  const follower = await follow(world);
  t.equal(follower.state.value, "reconnecting");
  world.refusal = null;
  world.publish(2);
  await world.pass(250);
  await world.accept();
  t.same(ids(follower), [1, 2]);
  t.equal(follower.state.value, "live");
});

t.test("a hidden page has no connection, and catches up when it is visible", async (t) => {
  const world = new World();
  world.publish(1);
  const follower = await follow(world);
  await world.accept();
  world.look(false);
  t.equal(world.newest.ended, true);
  await world.pass(60_000);
  t.equal(world.subscriptions.length, 1);
  world.publish(3);
  world.look(true);
  await settled();
  await world.accept();
  t.same(ids(follower), [1, 2, 3, 4]);
});

t.test("a page hidden while it connects does not connect", async (t) => {
  const world = new World();
  let release = (): void => undefined;
  world.held = new Promise((resolve) => {
    release = resolve;
  });
  const follower = await follow(world);
  world.look(false);
  world.look(true);
  world.look(false);
  release();
  await settled();
  t.equal(world.subscriptions.length, 0);
  world.look(true);
  await settled();
  t.equal(world.subscriptions.length, 1);
  follower.close();
  t.equal(world.newest.ended, true);
});

t.test("pending events have the same bound as held ones", async (t) => {
  const world = new World();
  const follower = await follow(world);
  await world.accept();
  world.send(world.publish(250));
  t.equal(ids(follower).length, 100, "they are shown without the timer");
  await world.pass(SHOWN_MS);
  t.same([ids(follower)[0], ids(follower).at(-1)], [151, 250]);
});

t.test("a closed follower stays closed", async (t) => {
  const world = new World();
  const follower = await follow(world);
  await world.accept();
  world.newest.subscriber.closed();
  follower.close();
  await world.pass(60_000);
  world.look(true);
  await settled();
  t.equal(world.subscriptions.length, 1);
});

t.test("live events are counted when they come, others when they were published", async (t) => {
  const world = new World();
  world.publish(3);
  await world.pass(10_000);
  const follower = await follow(world);
  await world.accept();
  world.send(world.publish(2));
  const minute = follower.lastMinute(world.nowMs());
  t.equal(minute.at(-1), 2);
  t.equal(minute.at(-11), 3);
});
