/**
 * Tests which changes the readers get, how often, and which changes are left out. The clock and the sockets are
 * simulated.
 */
import * as fc from "fast-check";
import t from "tap";
import { CHANGE_KINDS, type AskedKind, type ChangeKind, type ChangeMessage } from "../../../schemas/changes.js";
import { CHANGE_MESSAGES_MAX, CHANGE_READERS_MAX, CHANGE_WINDOW_MS } from "../../../schemas/limits/changes.js";
import { SSE_COMMENT_INTERVAL_MS } from "../../../schemas/limits/events.js";
import { TIME_SLICE_MS } from "../../../schemas/limits/process.js";
import { DEADLINE_SWEEP_MS } from "../../../schemas/limits/rpc.js";
import { RecordingSink } from "../../../test/support/recording-sink.js";
import { Failure } from "../../base/result.js";
import { Exposition } from "../../platform/measure/exposition.js";
import { WatchedKinds } from "../../platform/threads/watched-kinds.js";
import { kindsOf } from "./kinds.js";
import { ChangeReaders } from "./readers.js";

const LAGGED = { kind: "lagged" };
const START_MS = 1_000_000;

function kinds(text: string): ReadonlySet<AskedKind> {
  const read = kindsOf(text);
  if (read instanceof Failure) throw new Error(read.message);
  return read;
}

/** The client's end of a connection. `take` returns the messages that have arrived since its previous call, parsed. */
class End {
  readonly sink = new RecordingSink();
  #seen = 0;

  take(): ChangeMessage[] {
    const fresh = this.sink.written.slice(this.#seen).join("");
    this.#seen = this.sink.written.length;
    return fresh
      .split("\n\n")
      .filter((text) => text.startsWith("data: "))
      .map((text) => JSON.parse(text.slice("data: ".length)) as ChangeMessage);
  }
}

class World {
  readonly watched = new WatchedKinds();
  nowMs = START_MS;
  readonly readers = new ChangeReaders(this.watched, { now: () => this.nowMs }, { now: () => 0 });

  open(asked = ""): End {
    const end = new End();
    this.readers.open(end.sink, kinds(asked));
    return end;
  }

  put(...keys: readonly string[]): void {
    for (const key of keys) this.readers.report("state", key, 1);
  }

  tick(afterMs = DEADLINE_SWEEP_MS): void {
    this.nowMs += afterMs;
    this.readers.tick(this.nowMs);
  }

  get watching(): readonly ChangeKind[] {
    const wants = this.watched.load();
    return CHANGE_KINDS.filter((kind) => wants?.(kind));
  }

  get figures(): string {
    const out = new Exposition();
    this.readers.expose(out);
    return out.text();
  }
}

const names = (messages: readonly ChangeMessage[]): (string | null)[] =>
  messages.map((message) => (message.kind === "lagged" ? "lagged" : message.key));
const keysFrom = (first: number, count: number): string[] => Array.from({ length: count }, (_, at) => `k${first + at}`);

t.test("a reader gets a frame at once when it connects, then the names that it asked for", (t) => {
  const world = new World();
  const all = world.open();
  const some = world.open("state,contract");
  const both = world.open("spec,contract");
  t.match(all.sink.written, [/^:.*\n\n$/], "a comment, which clients pass over");
  world.readers.accept({
    changes: [
      { kind: "state", key: 'a"\n/b', version: 3 },
      { kind: "state", key: "gone", version: null },
      { kind: "spec", key: "p/n", version: 7 },
      { kind: "instance", key: null, version: null },
    ],
    left_out: [],
  });
  t.same(all.take(), [], "with the next tick");
  world.tick();
  t.equal(all.sink.written[1]?.split("\n\n")[0], 'data: {"kind":"state","key":"a\\"\\n/b","version":3}');
  const state = [
    { kind: "state", key: 'a"\n/b', version: 3 },
    { kind: "state", key: "gone", version: null },
  ];
  const spec = { kind: "spec", key: "p/n", version: 7 };
  const contract = { ...spec, kind: "contract" };
  t.same(all.take(), [...state, spec, { kind: "instance", key: null, version: null }], "a contract as a spec");
  t.same(some.take(), [...state, contract]);
  t.same(both.take(), [spec, contract]);
  world.tick();
  t.same(all.take(), [], "once");
  t.end();
});

t.test("a name is reported once a tick, with its newest version", (t) => {
  const world = new World();
  const reader = world.open();
  for (const version of [1, 2, null, 3]) world.readers.report("state", "a", version);
  for (const version of [4, null]) world.readers.report("spec", "a", version);
  world.tick();
  t.same(reader.take(), [
    { kind: "state", key: "a", version: 3 },
    { kind: "spec", key: "a", version: null },
  ]);
  t.end();
});

t.test("a burst of ten is sent at once, and the second after it has room again", (t) => {
  const world = new World();
  const reader = world.open();
  world.put(...keysFrom(0, CHANGE_MESSAGES_MAX));
  world.tick();
  t.same(names(reader.take()), keysFrom(0, CHANGE_MESSAGES_MAX));
  world.put("late");
  world.tick(CHANGE_WINDOW_MS - 1);
  t.same(reader.take(), [], "ten were sent within this second");
  world.readers.report("state", "late", 2);
  world.tick(1);
  t.same(reader.take(), [{ kind: "state", key: "late", version: 2 }]);
  t.match(world.figures, /^koor_changes_lagged_total 0$/m);
  t.end();
});

t.test("changes that do not fit are left out, and a lag message follows the queued ones", (t) => {
  const world = new World();
  const reader = world.open();
  const other = world.open("audit");
  world.put(...keysFrom(0, CHANGE_MESSAGES_MAX + 1));
  world.tick();
  t.same(names(reader.take()), [...keysFrom(0, CHANGE_MESSAGES_MAX - 1), "lagged"]);
  t.same(other.take(), [], "a reader that did not ask for it missed nothing");
  for (let at = 0; at < 9; at++) {
    world.put(...keysFrom(at * 3, 3));
    world.tick();
  }
  t.same(reader.take(), [], "not within the same second");
  world.tick();
  const reported = names(reader.take());
  t.same(reported, [...keysFrom(0, CHANGE_MESSAGES_MAX - 1), "lagged"]);
  world.tick(CHANGE_WINDOW_MS);
  t.same(reader.take(), [], "once");
  world.readers.accept({ changes: [{ kind: "audit", key: "a", version: null }], left_out: ["spec"] });
  world.tick(CHANGE_WINDOW_MS);
  t.same(names(reader.take()), ["a", "lagged"], "changes that the writer left out count");
  t.same(names(other.take()), ["a"]);
  t.match(world.figures, /^koor_changes_lagged_total 3$/m);
  t.end();
});

t.test("a reader of contracts lags if changes of specs were left out", (t) => {
  const world = new World();
  const reader = world.open("contract");
  world.readers.accept({ changes: [], left_out: ["spec"] });
  world.tick();
  t.same(reader.take(), [LAGGED]);
  t.end();
});

t.test("names that change all the time do not starve others", (t) => {
  const world = new World();
  const reader = world.open();
  const reported: (string | null)[] = [];
  for (let at = 0; at < 40; at++) {
    world.put("busy");
    if (at === 25) world.put("rare");
    world.tick();
    reported.push(...names(reader.take()));
    if (at === 26) t.ok(reported.includes("rare"), "at most a tick later");
  }
  t.notOk(reported.includes("lagged"));
  t.end();
});

t.test("a crash or a restore makes every reader lag, and drops earlier changes", (t) => {
  const world = new World();
  const all = world.open();
  const some = world.open("usage");
  world.put("a");
  world.readers.lag();
  world.tick();
  t.same(all.take(), [LAGGED]);
  t.same(some.take(), [LAGGED]);
  world.readers.accept({ changes: [], left_out: [...CHANGE_KINDS] });
  world.tick();
  t.same(all.take(), [LAGGED]);
  t.same(some.take(), [LAGGED]);
  t.end();
});

t.test("a slow socket queues nothing", (t) => {
  const world = new World();
  const reader = world.open();
  reader.sink.takes = false;
  world.put("a", "b");
  world.tick();
  t.same(names(reader.take()), ["a", "b"], "the library has taken these");
  for (let at = 0; at < 100; at++) {
    world.put(...keysFrom(at * 5, 5));
    world.tick(SSE_COMMENT_INTERVAL_MS);
  }
  t.equal(reader.sink.written.length, 2, "neither names nor comments");
  reader.sink.drain();
  world.tick();
  t.same(reader.take(), [LAGGED]);
  world.put("c");
  world.tick();
  t.same(names(reader.take()), ["c"]);
  t.end();
});

t.test("changes that are queued when the socket falls behind are left out", (t) => {
  const world = new World();
  const reader = world.open();
  world.put(...keysFrom(0, 8));
  world.tick();
  reader.take();
  world.put("a", "b", "c");
  reader.sink.takes = false;
  world.tick();
  t.same(names(reader.take()), ["a", "b"], "as many as this second has room for");
  reader.sink.drain();
  world.tick(CHANGE_WINDOW_MS);
  t.same(reader.take(), [LAGGED]);
  t.end();
});

t.test("a clock that is set back stops no reader", (t) => {
  const world = new World();
  const reader = world.open();
  world.put(...keysFrom(0, CHANGE_MESSAGES_MAX));
  world.tick();
  reader.take();
  world.put("a");
  world.tick(-3_600_000);
  t.same(reader.take(), [], "earlier messages count as sent now");
  world.tick(CHANGE_WINDOW_MS);
  t.same(names(reader.take()), ["a"]);
  t.end();
});

t.test("a comment keeps a quiet stream alive", (t) => {
  const world = new World();
  const reader = world.open();
  world.tick(SSE_COMMENT_INTERVAL_MS - 1);
  t.equal(reader.sink.written.length, 1);
  world.tick(1);
  t.match(reader.sink.written[1], /^:.*\n\n$/);
  t.end();
});

t.test("the watched kinds are those that connected readers ask for", (t) => {
  const world = new World();
  t.same(world.watching, []);
  const contracts = world.open("contract,usage");
  t.same(world.watching, ["spec", "usage"], "a contract is a spec");
  const all = world.open();
  t.same(world.watching, CHANGE_KINDS);
  t.match(world.figures, /^koor_change_readers 2$/m);
  all.sink.end();
  t.same(world.watching, ["spec", "usage"]);
  world.readers.report("usage", "p", 1);
  contracts.sink.end();
  t.same(world.watching, []);
  t.match(world.figures, /^koor_change_readers 0$/m);
  world.put("a");
  world.tick();
  const later = world.open();
  world.tick();
  t.same(later.take(), [], "unwatched changes are not reported");
  t.end();
});

t.test("readers are bounded, and end with the server", async (t) => {
  const world = new World();
  const ends = Array.from({ length: CHANGE_READERS_MAX - 1 }, () => world.open("state"));
  t.notOk(world.readers.full);
  ends.push(world.open("state"));
  t.ok(world.readers.full);
  ends[0]?.sink.end();
  t.notOk(world.readers.full);
  await world.readers.close();
  t.ok(ends.every(({ sink }) => sink.ended));
  t.same(world.watching, []);
});

t.test("for any sequence of changes, no second has more than ten messages, and unreported changes lag", (t) => {
  const step = fc.record({
    keys: fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 15 }),
    afterMs: fc.constantFrom(100, 101, 130, 700),
    takes: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const world = new World();
      const reader = world.open("state");
      const sentMs: number[] = [];
      /** The version of each key that the reader knows, from its last full read or from a message. */
      const known = new Map<string, number>();
      const real = new Map<string, number>();
      const look = (): void => {
        for (const message of reader.take()) {
          sentMs.push(world.nowMs);
          if (message.kind === "lagged") for (const [key, version] of real) known.set(key, version);
          else known.set(String(message.key), message.version ?? 0);
        }
      };
      let version = 0;
      for (const { keys, afterMs, takes } of steps) {
        for (const key of keys.map(String)) {
          version += 1;
          real.set(key, version);
          world.readers.report("state", key, version);
        }
        if (takes) reader.sink.drain();
        else reader.sink.takes = false;
        world.tick(afterMs);
        look();
      }
      reader.sink.drain();
      world.tick();
      look();
      world.tick(CHANGE_WINDOW_MS);
      look();
      t.same(Object.fromEntries(known), Object.fromEntries(real), "in the end the reader knows the current state");
      for (const [at, atMs] of sentMs.entries()) {
        const tenth = sentMs[at + CHANGE_MESSAGES_MAX];
        if (tenth !== undefined) t.ok(tenth - atMs >= CHANGE_WINDOW_MS, "ten a second");
      }
      return t.passing();
    }),
    { endOnFailure: true },
  );
  t.end();
});

t.test("many readers are served in slices, and each gets every change", (t) => {
  const due: (() => void)[] = [];
  let nowMs = 0;
  const readers = new ChangeReaders(
    new WatchedKinds(),
    { now: () => START_MS },
    { now: () => nowMs, later: (run) => void due.push(run) },
  );
  let writes = 0;
  const ends = Array.from({ length: 50 }, () => {
    const end = new End();
    const { sink } = end;
    const write = sink.write.bind(sink);
    readers.open(sink, kinds(""));
    sink.write = (piece) => {
      writes += 1;
      nowMs += 1;
      return write(piece);
    };
    return end;
  });
  const perTick: number[] = [];
  const count = (run: () => void): void => {
    writes = 0;
    run();
    perTick.push(writes);
  };
  readers.report("state", "a", 1);
  count(() => readers.tick(START_MS));
  readers.report("state", "b", 1);
  count(() => readers.tick(START_MS + 1));
  t.equal(perTick[1], 0, "a tick in the middle of a round changes nothing");
  for (let run = due.shift(); run !== undefined; run = due.shift()) count(run);
  t.ok(Math.max(...perTick) <= TIME_SLICE_MS + 1, perTick.join());
  for (const end of ends) t.same(names(end.take()), ["a"]);
  readers.tick(START_MS + 2);
  for (let run = due.shift(); run !== undefined; run = due.shift()) run();
  for (const end of ends) t.same(names(end.take()), ["b"]);
  t.end();
});
