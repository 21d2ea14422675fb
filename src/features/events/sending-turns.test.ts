/**
 * Tests how the sending of events is spread over ticks: how much one tick sends, in which order, and how often events
 * are encoded and read. The clock advances with each write, so nothing depends on the machine.
 */
import t from "tap";
import { REPLAY_PAGE_EVENTS, EVENT_PIECE_CHARACTERS } from "../../../schemas/limits/events.js";
import { TIME_SLICE_MS } from "../../../schemas/limits/process.js";
import type { CommittedEvent } from "../../../schemas/events.js";
import { FakeBroadcaster } from "../../../test/support/fake-broadcaster.js";
import { FakeLibrary } from "../../../test/support/fake-library.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import { Failure } from "../../base/result.js";
import { migrate } from "../../platform/store/migrate.js";
import { openDatabase } from "../../platform/store/sqlite/choice.js";
import { WriteBuffer } from "../../platform/store/write-buffer.js";
import { compilePattern, type Pattern } from "../../platform/topics/pattern.js";
import type { Sink } from "../../platform/transport/reply.js";
import type { Broadcaster, SocketOpener } from "../../platform/transport/transport.js";
import { UwsSockets } from "../../platform/transport/uws/sockets.js";
import { EventCounters } from "./counters.js";
import { Hub } from "./hub.js";
import { ReplayPages } from "./replay-pages.js";
import { SendingTurns } from "./sending-turns.js";
import { Streams } from "./stream.js";
import { EventAppender, EventReader } from "./table.js";
import { subscriberOf } from "./websocket.js";

/** The maximum number of steps of 1 ms in one tick. The last step may begin just before the slice is over. */
const STEPS_MAX = TIME_SLICE_MS + 1;

function patternOf(text: string): Pattern {
  const pattern = compilePattern(text);
  if (pattern instanceof Failure) throw new Error(pattern.message);
  return pattern;
}

function idsIn(text: string): number[] {
  return [...text.matchAll(/"id":(\d+)/g)].map(([, id]) => Number(id));
}

/** A stream's client. */
class Client implements Sink {
  readonly pieces: (string | Uint8Array)[] = [];
  takes = true;
  #drained: () => void = () => undefined;
  readonly #onWrite: () => void;

  constructor(onWrite: () => void) {
    this.#onWrite = onWrite;
  }

  get ids(): number[] {
    return this.pieces.flatMap((piece) => idsIn(Buffer.from(piece as string).toString()));
  }

  write(piece: string | Uint8Array): boolean {
    if (typeof piece === "string" && piece.startsWith(":")) return true;
    this.#onWrite();
    this.pieces.push(piece);
    return this.takes;
  }

  drain(): void {
    this.takes = true;
    this.#drained();
  }

  end(): void {
    // Do nothing: the test has no connection that could be closed.
  }

  onDrain(listener: () => void): void {
    this.#drained = listener;
  }

  onClose(): void {
    // These clients stay.
  }
}

class World {
  nowMs = 0;
  /** The functions that the next tick runs. */
  readonly #due: (() => void)[] = [];
  readonly #db = openDatabase(":memory:");
  readonly #rows: WriteBuffer;
  readonly #appender: EventAppender;
  readonly hub: Hub;
  readonly pages: ReplayPages;
  readonly streams: Streams;
  /** The number of writes in the current tick. */
  #writes = 0;

  constructor(broadcaster: Broadcaster = new FakeBroadcaster()) {
    migrate(this.#db);
    this.#rows = new WriteBuffer(this.#db);
    this.#appender = new EventAppender(this.#db, this.#rows);
    const turns = new SendingTurns({ now: () => this.nowMs, later: (run) => void this.#due.push(run) });
    const counters = new EventCounters();
    this.hub = new Hub(broadcaster, counters, 0, turns);
    const history = new EventReader(this.#db);
    this.pages = new ReplayPages(history, turns);
    const sources = { hub: this.hub, counters, history, pages: this.pages, log: quietLog(), readBarrier: null };
    this.streams = new Streams(sources, { now: () => 0 });
  }

  /** Spends 1 ms. */
  readonly onWrite = (): void => {
    this.nowMs += 1;
    this.#writes += 1;
  };

  connect(pattern = "a.*", since: number | null = null): Client {
    const client = new Client(this.onWrite);
    this.streams.open(client, { pattern: patternOf(pattern), since, notices: true });
    return client;
  }

  store(count: number, data = "1"): CommittedEvent[] {
    const events = Array.from({ length: count }, () => this.#appender.append("a.b", data, "", 0));
    this.#rows.write();
    return events;
  }

  publish(count: number, data?: string): void {
    this.hub.accept(this.store(count, data));
  }

  /** Runs a tick. Returns the number of its writes; undefined if nothing is left to do. */
  tick(): number | undefined {
    const due = this.#due.splice(0);
    if (due.length === 0) return undefined;
    this.#writes = 0;
    for (const run of due) run();
    return this.#writes;
  }

  /** Runs ticks until nothing is left to do. Returns the number of writes of each. */
  ticks(): number[] {
    const writes: number[] = [];
    for (let one = this.tick(); one !== undefined; one = this.tick()) writes.push(one);
    return writes;
  }
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at + 1);
}

t.test("a publish to many streams is sent in slices, and encoded once", (t) => {
  const world = new World();
  const clients = Array.from({ length: 100 }, () => world.connect());
  world.publish(100);
  const writes = world.ticks();
  t.ok(Math.max(...writes) <= STEPS_MAX, `${Math.max(...writes)} writes in one tick`);
  t.equal(
    writes.reduce((sum, one) => sum + one),
    clients.length,
    "one write for each stream",
  );
  const [first] = clients;
  for (const client of clients) {
    t.same(client.ids, upTo(100));
    t.equal(client.pieces[0], first?.pieces[0], "all streams get the same bytes");
  }
  t.end();
});

t.test("streams of different patterns share the bytes of an event", (t) => {
  const world = new World();
  const clients = ["a.*", "a.*", "a.b", "a.b"].map((pattern) => world.connect(pattern));
  world.publish(1);
  world.ticks();
  t.equal(new Set(clients.flatMap(({ pieces }) => pieces)).size, 1);
  t.end();
});

t.test("a stream gets long runs in pieces of a bounded size, and what a slow one holds is one piece", (t) => {
  const world = new World();
  const client = world.connect();
  const slow = world.connect();
  slow.takes = false;
  world.publish(1_000, JSON.stringify("x".repeat(200)));
  world.ticks();
  t.same(client.ids, upTo(1_000));
  const longest = Math.max(...client.pieces.map(({ length }) => length));
  t.ok(longest <= 1.2 * EVENT_PIECE_CHARACTERS, `${longest} bytes`);
  t.equal(slow.pieces.length, 1);
  slow.drain();
  world.ticks();
  t.match(Buffer.from(slow.pieces.at(-1) as string).toString(), /^event: dropped/, "the others were dropped");
  t.end();
});

t.test("events that are published meanwhile follow in order", (t) => {
  const world = new World();
  const clients = Array.from({ length: 20 }, () => world.connect());
  for (let at = 0; at < 5; at++) {
    world.publish(2);
    t.ok((world.tick() ?? 0) <= STEPS_MAX);
  }
  world.ticks();
  for (const client of clients) t.same(client.ids, upTo(10));
  t.end();
});

t.test("a stream that connects while events are being sent gets neither a gap nor a duplicate", (t) => {
  const world = new World();
  const clients = Array.from({ length: 20 }, () => world.connect());
  world.publish(3);
  world.tick();
  t.ok(
    clients.some(({ ids }) => ids.length === 0),
    "the events are being sent",
  );
  const replays = world.connect("a.*", 0);
  const follows = world.connect();
  world.publish(2);
  world.ticks();
  t.same(replays.ids, upTo(5));
  t.same(follows.ids, [4, 5], "those that were published after it");
  for (const client of clients) t.same(client.ids, upTo(5));
  t.end();
});

t.test("replays share one slice, take turns, and read each page once for all of them", (t) => {
  const world = new World();
  const count = 4 * REPLAY_PAGE_EVENTS - 1;
  world.hub.skipTo(world.store(count).at(-1)?.id ?? 0);
  const clients = Array.from({ length: 50 }, () => world.connect("a.*", 0));
  let ahead = 0;
  for (let writes = world.tick(); writes !== undefined; writes = world.tick()) {
    t.ok(writes <= STEPS_MAX, `${writes} writes in one tick`);
    const pieces = clients.map((client) => client.pieces.length);
    ahead = Math.max(ahead, Math.max(...pieces) - Math.min(...pieces));
  }
  t.equal(ahead, 1, "no replay is more than one page ahead");
  for (const client of clients) t.same(client.ids, upTo(count));
  t.equal(world.pages.reads, 4);
  t.end();
});

t.test("a page of a replay has a bounded number of bytes", (t) => {
  const world = new World();
  const count = 20;
  world.hub.skipTo(world.store(count, JSON.stringify("x".repeat(50_000))).at(-1)?.id ?? 0);
  const clients = [world.connect("a.*", 0), world.connect("a.*", 0)];
  world.tick();
  t.same(
    clients.map(({ pieces }) => pieces.length),
    [3, 3],
    "three events of 50 KB in a turn",
  );
  world.ticks();
  for (const client of clients) t.same(client.ids, upTo(count));
  t.end();
});

t.test("live events and replays alternate", (t) => {
  const world = new World();
  world.hub.skipTo(world.store(50 * REPLAY_PAGE_EVENTS).at(-1)?.id ?? 0);
  const follows = Array.from({ length: 50 }, () => world.connect());
  const replays = Array.from({ length: 50 }, () => world.connect("a.*", 0));
  world.publish(1);
  const written = (clients: readonly Client[]): number => clients.reduce((sum, { pieces }) => sum + pieces.length, 0);
  for (let tick = 0; tick < 10; tick++) t.ok((world.tick() ?? 0) <= STEPS_MAX);
  t.ok(written(follows) >= 4 * TIME_SLICE_MS, `${written(follows)} writes of live events`);
  t.ok(written(replays) >= 4 * TIME_SLICE_MS, `${written(replays)} writes of replays`);
  t.end();
});

t.test("the buffers of slow streams that drain at once are sent in slices, and joined", (t) => {
  const world = new World();
  const clients = Array.from({ length: 50 }, () => world.connect());
  for (const client of clients) client.takes = false;
  world.publish(1);
  world.ticks();
  world.publish(40);
  world.ticks();
  for (const client of clients) client.drain();
  const writes = world.ticks();
  t.ok(Math.max(...writes) <= STEPS_MAX, `${Math.max(...writes)} writes in one tick`);
  for (const client of clients) {
    t.same(client.ids, upTo(41));
    t.equal(client.pieces.length, 2);
  }
  t.end();
});

t.test(
  "uws: a publish to many WebSockets is sent in slices, and the library's topic only to as many as one has",
  (t) => {
    const library = new FakeLibrary<unknown>();
    const sockets = new UwsSockets(library.asApp());
    const world = new World(sockets);
    let opener: SocketOpener | undefined;
    sockets.listen("/", () => opener);
    const connect = (since: number | null = null): ReturnType<typeof library.connect> => {
      opener = subscriberOf({ pattern: patternOf("a.*"), since, notices: false }, world.streams.sources);
      return library.connect(Number.POSITIVE_INFINITY);
    };
    const clients = Array.from({ length: 100 }, () => connect());
    for (const client of clients) {
      const send = client.send.bind(client);
      client.send = (message) => {
        world.nowMs += 0.1;
        return send(message);
      };
    }
    let published = 0;
    const publish = library.publish.bind(library);
    library.publish = (topic, text) => {
      published += 1;
      publish(topic, text);
    };
    world.publish(1);
    world.tick();
    library.flush();
    t.equal(published, 1, "few events to few sockets: by the library's topic");
    for (const client of clients) t.equal(client.taken.length, 1);
    world.publish(40);
    let ticks = 0;
    let late: ReturnType<typeof connect> | undefined;
    for (let before = clients.length; world.tick() !== undefined; ticks++) {
      library.flush();
      const left = clients.filter(({ taken }) => taken.length === 1).length;
      t.ok(before - left <= 2 + STEPS_MAX / 4, `${before - left} sockets in one tick`);
      before = left;
      if (ticks === 0) late = connect(0);
    }
    t.ok(ticks > 50, `${ticks} ticks`);
    for (const client of clients) t.same(client.taken.flatMap(idsIn), upTo(41));
    t.same(late?.taken.flatMap(idsIn), upTo(41), "one that connects meanwhile gets each event once");
    const more = Array.from({ length: 2_000 }, () => connect());
    published = 0;
    world.publish(1);
    while (world.tick() !== undefined) library.flush();
    t.equal(published, 0, "one event to many sockets: to each socket");
    for (const client of [...clients, ...more]) t.equal(client.taken.flatMap(idsIn).at(-1), 42);
    t.end();
  },
);

t.test("publishes are refused while many events wait to be sent, and all writes while there are more", (t) => {
  const world = new World();
  world.connect();
  const { hub } = world;
  const large = JSON.stringify("x".repeat(1024 * 1024));
  t.same([hub.refusePublish(), hub.refuseWrite()], [null, null]);
  for (let at = 0; at < 17; at++) world.publish(1, large);
  t.match(hub.refusePublish(), { status: "RESOURCE_EXHAUSTED" });
  t.equal(hub.refuseWrite(), null);
  for (let at = 0; at < 17; at++) world.publish(1, large);
  t.match(hub.refuseWrite(), { status: "RESOURCE_EXHAUSTED" });
  world.ticks();
  t.same([hub.refusePublish(), hub.refuseWrite()], [null, null]);
  for (let at = 0; at < 70; at++) world.publish(1_000);
  t.match(hub.refuseWrite(), { status: "RESOURCE_EXHAUSTED" }, "small ones count, too");
  t.end();
});
