/**
 * Tests fan-out, replay and the 64-event buffer against a naive model. Slow and fast subscribers over WebSocket and
 * over streams connect, fall behind, catch up and disconnect. Meanwhile, events are published and pruned, and some are
 * committed before they are sent out. Each subscriber must receive exactly the events and gaps of its model.
 */
import { setImmediate as loopTick } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import t from "tap";
import {
  REPLAY_PAGE_CHARACTERS_MAX,
  REPLAY_PAGE_EVENTS,
  SUBSCRIBER_BUFFER_EVENTS_MAX,
} from "../../../schemas/limits/events.js";
import { TIME_SLICE_MS } from "../../../schemas/limits/process.js";
import type { CommittedEvent } from "../../../schemas/events.js";
import { FakeLibrary, FakeSink, LARGE_CHARACTERS, type FakeSocket } from "../../../test/support/fake-library.js";
import { Failure } from "../../base/result.js";
import { WriteBuffer } from "../../platform/store/write-buffer.js";
import { migrate } from "../../platform/store/migrate.js";
import { compilePattern, type Pattern } from "../../platform/topics/pattern.js";
import type { SocketOpener } from "../../platform/transport/transport.js";
import { UwsSockets } from "../../platform/transport/uws/sockets.js";
import { EventCounters } from "./counters.js";
import { streamPieces } from "./event-batch.js";
import type { FeedSources } from "./feed.js";
import { Hub } from "./hub.js";
import { ReplayPages } from "./replay-pages.js";
import { SendingTurns } from "./sending-turns.js";
import { Streams } from "./stream.js";
import type { Subscription } from "./subscription.js";
import { EventAppender, EventReader } from "./table.js";
import { subscriberOf } from "./websocket.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import { openDatabase } from "../../platform/store/sqlite/choice.js";
import { countRounds } from "../../../test/support/test-size.js";

const TOPICS = ["a.1", "a.2", "b.1"] as const;
/**
 * The patterns of subscribers. One pattern is frequent, so that some groups have several members, and only some of them
 * are slow.
 */
const PATTERNS = ["*", "*", "*", "a.*", "b.*", "a.1", "**", "c"] as const;
const SUBSCRIBERS_MAX = 5;
const LARGE = JSON.stringify("x".repeat(LARGE_CHARACTERS));
/**
 * After this many ticks without a sent event, nothing changes any more. The hub drops its list of a run's events after
 * two such ticks.
 */
const SETTLING_TICKS = 4;

/** The size of the events of one tick. In a mixed tick, every third event is large. */
type Size = "small" | "large" | "mixed";

type Operation =
  | {
      readonly op: "connect";
      readonly kind: "socket" | "stream";
      readonly pattern: string;
      readonly back: number | null;
      readonly notices: boolean;
      readonly room: number;
    }
  | {
      readonly op: "publish";
      readonly topics: readonly string[];
      readonly size: Size;
      readonly flush: "at the end" | "late";
    }
  | { readonly op: "commit"; readonly topics: readonly string[] }
  | { readonly op: "drain"; readonly subscriber: number; readonly room: number }
  | { readonly op: "leave"; readonly subscriber: number }
  | { readonly op: "prune"; readonly keep: number };

interface Gap {
  readonly count: number;
  readonly after_id: number;
}

function dataCharacters({ text }: CommittedEvent): number {
  return JSON.stringify((JSON.parse(text) as { readonly data: unknown }).data).length;
}

/** Divides the history into the pages in which replays read it. */
function pagesOf(events: readonly CommittedEvent[]): CommittedEvent[][] {
  const pages: CommittedEvent[][] = [];
  let characters = 0;
  let isFull = true;
  for (const event of events) {
    if (isFull) {
      pages.push([]);
      characters = 0;
    }
    const page = pages.at(-1) ?? [];
    page.push(event);
    characters += dataCharacters(event);
    isFull = page.length === REPLAY_PAGE_EVENTS || characters >= REPLAY_PAGE_CHARACTERS_MAX;
  }
  return pages;
}

/**
 * Models a subscriber as the documents describe it. The caller passes only matching events to the model. A stream takes
 * several events in one write. A socket accepts a limited number of writes.
 */
class Model {
  /** The ids and gaps that the subscriber must have received. */
  readonly taken: (number | Gap)[] = [];
  /** The subscriber's queue: at most 64 events, and gaps between them. */
  readonly #held: (CommittedEvent | { count: number; after_id: number })[] = [];
  readonly #kind: "socket" | "stream";
  #room: number;
  #behind = false;
  #last = 0;
  /** The id up to which replay has examined the events; null when replay is over. */
  cursor: number | null;
  #lastReplayed: number;
  #replayedSome = false;
  dropped = 0;

  constructor(
    kind: "socket" | "stream",
    readonly notices: boolean,
    room: number,
    since: number | null,
  ) {
    this.#kind = kind;
    this.#room = room;
    this.cursor = since;
    this.#lastReplayed = since ?? 0;
  }

  get events(): number {
    return this.taken.filter((item) => typeof item === "number").length;
  }

  live(events: readonly CommittedEvent[]): void {
    const keepsUp = this.#held.length === 0;
    for (const piece of this.#pieces(events)) {
      if (keepsUp && !this.#behind) this.#takeEvents(piece);
      else for (const event of piece) this.#hold(event);
    }
  }

  #hold(event: CommittedEvent): void {
    const { id } = event;
    const held = this.#held.filter((item) => "id" in item).length;
    if (held < SUBSCRIBER_BUFFER_EVENTS_MAX) {
      this.#held.push(event);
      this.#last = id;
    } else {
      this.dropped += 1;
      const tail = this.#held.at(-1);
      if (tail !== undefined && !("id" in tail)) tail.count += 1;
      else this.#held.push({ count: 1, after_id: this.#last });
    }
  }

  drain(room: number): void {
    this.#room = room;
    this.#behind = false;
    while (!this.#behind) {
      const item = this.#held[0];
      if (item === undefined) return;
      if (!("id" in item)) {
        this.#held.shift();
        this.#takeGap(item);
        continue;
      }
      const gapAt = this.#held.findIndex((other) => !("id" in other));
      const events = this.#held.slice(0, gapAt < 0 ? this.#held.length : gapAt) as CommittedEvent[];
      const [piece = []] = this.#pieces(events);
      this.#held.splice(0, piece.length);
      this.#takeEvents(piece);
    }
  }

  /** Replays until the socket accepts no more data. `history` has the events that were sent out and not pruned. */
  replay(history: readonly CommittedEvent[], matches: (topic: string) => boolean): void {
    for (const page of pagesOf(history.filter(({ id }) => id > (this.cursor ?? 0)))) {
      const first = page[0]?.id ?? 0;
      if (this.#behind || this.cursor === null) return;
      if (this.#replayedSome && first > this.cursor + 1) {
        this.#takeGap({ count: first - this.cursor - 1, after_id: this.#lastReplayed });
        this.cursor = first - 1;
        if (this.#behind) return;
      }
      for (const piece of this.#pieces(page.filter(({ topic }) => matches(topic)))) {
        this.#takeEvents(piece);
        this.#lastReplayed = this.#last;
        this.cursor = this.#last;
        this.#replayedSome = true;
        if (this.#behind) return;
      }
      this.cursor = page.at(-1)?.id ?? this.cursor;
      this.#replayedSome = true;
    }
    if (!this.#behind) this.cursor = null;
  }

  #pieces(events: readonly CommittedEvent[]): CommittedEvent[][] {
    if (this.#kind === "socket") return events.map((event) => [event]);
    return streamPieces(events, false).map((piece) => [...piece.events]);
  }

  #takeEvents(events: readonly CommittedEvent[]): void {
    for (const { id } of events) {
      this.taken.push(id);
      this.#last = Math.max(this.#last, id);
    }
    this.#write();
  }

  #takeGap(gap: Gap): void {
    if (!this.notices) return;
    this.taken.push(gap);
    this.#write();
  }

  #write(): void {
    if (this.#room > 0) this.#room -= 1;
    else this.#behind = true;
  }
}

function compile(text: string): Pattern {
  const pattern = compilePattern(text);
  if (pattern instanceof Failure) throw new Error(pattern.message);
  return pattern;
}

/** Parses a message that a client received. Returns the id of its event, or its gap. */
function parse(message: string): number | Gap {
  const data = message.startsWith("{") ? message : (/^data: (.*)$/m.exec(message)?.[1] ?? "");
  const item = JSON.parse(data) as
    | { readonly id: number }
    | { readonly type: string; readonly count: number; readonly after_id: number };
  if ("id" in item) {
    if (message !== data && !message.startsWith(`id: ${item.id}\n`))
      throw new Error(`the stream names another id: ${message}`);
    return item.id;
  }
  return { count: item.count, after_id: item.after_id };
}

interface Member {
  readonly pattern: Pattern;
  readonly model: Model;
  readonly client: FakeSocket<unknown> | FakeSink;
}

type Totals = { gaps: number; replayed: number; dropped: number };

/** Runs the real classes on a fake WebSocket library and a database in memory, next to the models. */
class World {
  readonly #db = openDatabase(":memory:");
  readonly #rows: WriteBuffer;
  readonly #appender: EventAppender;
  readonly #counters = new EventCounters();
  readonly #hub: Hub;
  readonly #library = new FakeLibrary<unknown>();
  /** The number of ticks in which events will be sent. */
  #dueTicks = 0;
  /** The id of the newest event after each tick in which events were sent. */
  #runEnds: number[] = [];
  /** True if a time slice never ends. */
  #endless = false;
  readonly #sources: FeedSources;
  readonly #streams: Streams;
  /** Opens the next socket. */
  #opener: SocketOpener | undefined;
  readonly #members: (Member | null)[] = [];
  readonly #all: Member[] = [];
  /** All stored events. Those that were not sent out yet are also in `#pending`. */
  #stored: CommittedEvent[] = [];
  #pending: CommittedEvent[] = [];

  constructor() {
    migrate(this.#db);
    this.#rows = new WriteBuffer(this.#db);
    this.#appender = new EventAppender(this.#db, this.#rows);
    const sockets = new UwsSockets(this.#library.asApp());
    const later = (run: () => void): void => {
      this.#dueTicks += 1;
      setImmediate(() => {
        this.#dueTicks -= 1;
        run();
        this.#runEnds.push(this.#hub.lastId);
      });
    };
    // A time slice ends after forty reads of the clock, so that runs and replays take several ticks.
    let looks = 0;
    const now = (): number => (this.#endless ? looks : looks++) * (TIME_SLICE_MS / 40);
    this.#hub = new Hub(sockets, this.#counters, 0, new SendingTurns({ now, later }));
    const log = quietLog();
    const history = new EventReader(this.#db);
    const pages = new ReplayPages(history, this.#hub.turns);
    this.#sources = { hub: this.#hub, counters: this.#counters, history, pages, log, readBarrier: null };
    this.#streams = new Streams(this.#sources, { now: () => 0 });
    sockets.listen("/", () => this.#opener);
  }

  async run(operation: Operation): Promise<void> {
    switch (operation.op) {
      case "connect":
        this.#connect(operation);
        break;
      case "commit":
        this.#append(operation.topics, "small");
        break;
      case "publish":
        this.#append(operation.topics, operation.size);
        await this.#fanOut(operation.flush === "late");
        break;
      case "drain": {
        const member = this.#members[operation.subscriber];
        if (!member) break;
        member.client.drain(operation.room);
        member.model.drain(operation.room);
        break;
      }
      case "leave":
        this.#members[operation.subscriber]?.client.leave();
        this.#members[operation.subscriber] = null;
        break;
      case "prune":
        // Send out all events before pruning. A real server keeps at least a thousand events, so pruned events were
        // sent out long ago.
        await this.#fanOut(false);
        this.#appender.prune(operation.keep, Number.MAX_SAFE_INTEGER);
        this.#stored = this.#stored.slice(-operation.keep);
        break;
    }
    await this.#settle();
    for (const member of this.#members) {
      if (member?.model.cursor !== null)
        member?.model.replay(this.#visible(), (topic) => member.pattern.matches(topic));
    }
    this.#check();
  }

  /** Lets every subscriber read everything. */
  async finish(): Promise<Totals> {
    await this.run({ op: "publish", topics: [], size: "small", flush: "at the end" });
    for (const subscriber of this.#members.keys()) {
      for (let round = 0; round < 3; round++) await this.run({ op: "drain", subscriber, room: 100_000 });
    }
    const gaps = this.#all.reduce(
      (sum, { model }) => sum + model.taken.filter((item) => typeof item === "object").length,
      0,
    );
    const dropped = this.#counters.dropped;
    const replayed = this.#all.filter(({ model, client }) => model.cursor === null && client.taken.length > 0).length;
    for (const subscriber of this.#members.keys()) await this.run({ op: "leave", subscriber });
    if (this.#hub.subscribers !== 0 || this.#hub.patterns !== 0) throw new Error("a subscriber is left in the hub");
    this.#db.close();
    return { gaps, dropped, replayed };
  }

  async #settle(): Promise<void> {
    for (let tick = 0; tick < SETTLING_TICKS || this.#dueTicks > 0; tick++) await loopTick();
  }

  #visible(): CommittedEvent[] {
    return this.#stored.filter(({ id }) => id <= this.#hub.lastId);
  }

  #append(topics: readonly string[], size: Size): void {
    const events = topics.map((topic, at) =>
      this.#appender.append(topic, size === "large" || (size === "mixed" && at % 3 === 2) ? LARGE : "1", "", 0),
    );
    this.#rows.write();
    this.#stored.push(...events);
    this.#pending.push(...events);
  }

  async #fanOut(late: boolean): Promise<void> {
    const events = this.#pending;
    this.#runEnds = [];
    // The real library flushes its batch of messages in each tick. So if the test flushes late, one batch must contain
    // the whole run.
    this.#endless = late;
    this.#hub.accept(events);
    this.#pending = [];
    await loopTick();
    // If `late` is true, the library reports a slow socket only after the hub has dropped the run's events.
    if (late) await this.#settle();
    this.#endless = false;
    this.#library.flush();
    while (this.#dueTicks > 0) {
      await loopTick();
      this.#library.flush();
    }
    for (const member of this.#members) {
      if (!member || member.model.cursor !== null) continue;
      for (const [at, end] of this.#runEnds.entries()) {
        const run = events.filter(({ id }) => id > (this.#runEnds[at - 1] ?? 0) && id <= end);
        member.model.live(run.filter(({ topic }) => member.pattern.matches(topic)));
      }
    }
  }

  #connect({ kind, pattern: text, back, notices, room }: Operation & { readonly op: "connect" }): void {
    if (this.#members.length >= SUBSCRIBERS_MAX) return;
    const pattern = compile(text);
    const since = back === null ? null : Math.max(0, this.#hub.lastId - back);
    const subscription: Subscription = { pattern, since, notices };
    let client: Member["client"];
    if (kind === "socket") {
      this.#opener = subscriberOf(subscription, this.#sources);
      client = this.#library.connect(room);
    } else {
      client = new FakeSink(room);
      this.#streams.open(client, subscription);
    }
    const member = { pattern, client, model: new Model(kind, notices, room, since) };
    this.#members.push(member);
    this.#all.push(member);
  }

  #check(): void {
    for (const [subscriber, { client, model }] of this.#all.entries()) {
      const taken = client.taken.map(parse);
      if (!isDeepStrictEqual(taken, model.taken))
        throw new Error(
          `subscriber ${subscriber} took ${JSON.stringify(taken)}, the model ${JSON.stringify(model.taken)}`,
        );
    }
    const dropped = this.#all.reduce((sum, { model }) => sum + model.dropped, 0);
    if (this.#counters.dropped !== dropped)
      throw new Error(`${this.#counters.dropped} were counted as dropped, ${dropped} were`);
    const delivered = this.#all.reduce((sum, { model }) => sum + model.events, 0);
    if (this.#counters.delivered !== delivered)
      throw new Error(`${this.#counters.delivered} were counted as delivered, ${delivered} were`);
  }
}

const anyTopics = fc.oneof(
  fc.array(fc.constantFrom(...TOPICS), { minLength: 1, maxLength: 5 }),
  fc
    .tuple(fc.constantFrom(...TOPICS), fc.integer({ min: 20, max: 150 }))
    .map(([topic, count]) => Array.from({ length: count }, (_, at) => (at % 5 === 4 ? "b.1" : topic))),
);
const anyRoom = fc.oneof(fc.constantFrom(0, 1, 2), fc.integer({ min: 3, max: 200 }));
const anySubscriber = fc.nat({ max: SUBSCRIBERS_MAX - 1 });
const anyConnect: fc.Arbitrary<Operation> = fc.record({
  op: fc.constant("connect" as const),
  kind: fc.constantFrom("socket" as const, "stream" as const),
  pattern: fc.constantFrom(...PATTERNS),
  back: fc.option(fc.nat({ max: 300 }), { nil: null }),
  notices: fc.boolean(),
  room: anyRoom,
});
const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 2, arbitrary: anyConnect },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("publish" as const),
      topics: anyTopics,
      size: fc.constantFrom<Size>("small", "small", "small", "large", "mixed"),
      flush: fc.constantFrom("at the end" as const, "late" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("commit" as const), topics: anyTopics }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant("drain" as const), subscriber: anySubscriber, room: anyRoom }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("leave" as const), subscriber: anySubscriber }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("prune" as const), keep: fc.integer({ min: 1, max: 200 }) }) },
);

t.test("each subscriber receives what the contract says, item by item", async (t) => {
  const all: Totals = { gaps: 0, dropped: 0, replayed: 0 };
  const property = fc.asyncProperty(
    fc.array(anyConnect, { minLength: 1, maxLength: 3 }),
    fc.array(anyOperation, { maxLength: 30, size: "max" }),
    async (connects, operations) => {
      const world = new World();
      for (const operation of [...connects, ...operations]) await world.run(operation);
      const totals = await world.finish();
      for (const name of ["gaps", "dropped", "replayed"] as const) all[name] += totals[name];
    },
  );
  await t.resolves(fc.assert(property, { numRuns: countRounds(75, 150) }));
  t.ok(
    all.gaps > 20 && all.dropped > 1000 && all.replayed > 100,
    `the random subscribers are slow enough to say something: ${JSON.stringify(all)}`,
  );
});

t.test(
  "events that are pruned during a slow replay are reported once, after the last event that was received",
  async (t) => {
    for (const kind of ["socket", "stream"] as const) {
      for (const room of [0, 3, 1000]) {
        const world = new World();
        const topics = Array.from({ length: 200 }, (_, at) => (at % 3 === 0 ? "a.1" : "b.1"));
        await world.run({ op: "publish", topics, size: "small", flush: "at the end" });
        // The socket of a WebSocket accepts two events, and one more goes into its buffer. The id of the next matching
        // event is higher by two. A stream gets all matching events of a history page at once.
        await world.run({
          op: "connect",
          kind,
          pattern: "a.*",
          back: 200,
          notices: true,
          room: kind === "socket" ? 2 : 0,
        });
        await world.run({ op: "prune", keep: 50 });
        await world.run({ op: "drain", subscriber: 0, room });
        await world.run({ op: "prune", keep: 10 });
        await world.run({ op: "drain", subscriber: 0, room: 1 });
        await world.run({ op: "publish", topics, size: "small", flush: "at the end" });
        const { gaps } = await world.finish();
        t.ok(gaps >= 1 && gaps <= 3, `${kind} with room for ${room}: ${gaps} gaps`);
      }
    }
  },
);
