/**
 * Tests the hot cache with a simulated front that sends writes, and a simulated database that executes them. Answers
 * arrive or are lost. A read must always return the current state of the database, so that it never goes back in time.
 * The size of the cache must stay within its limit.
 */
import * as fc from "fast-check";
import t from "tap";
import { HOT_CACHE_VALUE_BYTES_MAX } from "../../../schemas/limits/versioned.js";
import { Failure } from "../../base/result.js";
import { HotCache } from "./cache.js";

type Reply = { readonly version: number };

/** A write of one or more keys. It either deletes them, or gives each a new value of `bytes` bytes. */
interface Write {
  readonly keys: readonly string[];
  /** The message that names the changed keys: the request, only the reply, or neither of them. */
  readonly named: "request" | "reply" | "nowhere";
  readonly bytes: number;
  readonly deletes: boolean;
  /** Whether the database rejects the write. */
  readonly refused: boolean;
}

/** A cache size that has room for all keys. */
const ROOMY_BYTES = 10_000_000;
const KEYS = ["a", "b", "c", "long key".repeat(100)] as const;
type Step =
  | ({ readonly step: "send" } & Write)
  | { readonly step: "read"; readonly key: string }
  /** The front gives up on a write in flight. The database may still execute the write. */
  | { readonly step: "expire"; readonly which: number }
  /**
   * With `commit`, the database executes the next write. With `answer`, the front receives the next answer. With
   * `crash`, the writer dies with all writes in flight.
   */
  | { readonly step: "commit" | "answer" | "crash" };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      step: fc.constant("send" as const),
      keys: fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom(...KEYS).map((key) => [key]) },
        fc.uniqueArray(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 3 }),
      ),
      named: fc.oneof(
        { weight: 6, arbitrary: fc.constant("request" as const) },
        fc.constantFrom("reply" as const, "nowhere" as const),
      ),
      bytes: fc.oneof(
        fc.integer({ min: 1, max: 1000 }),
        fc.constant(HOT_CACHE_VALUE_BYTES_MAX),
        fc.constant(HOT_CACHE_VALUE_BYTES_MAX + 1),
      ),
      deletes: fc.oneof({ weight: 2, arbitrary: fc.constant(false) }, fc.constant(true)),
      refused: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
    }),
  },
  { weight: 40, arbitrary: fc.record({ step: fc.constant("read" as const), key: fc.constantFrom(...KEYS) }) },
  { weight: 18, arbitrary: fc.constant({ step: "commit" as const }) },
  { weight: 18, arbitrary: fc.constant({ step: "answer" as const }) },
  { weight: 2, arbitrary: fc.constant({ step: "crash" as const }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant("expire" as const), which: fc.nat({ max: 5 }) }) },
);

/** A write in flight. */
interface Call extends Write {
  /**
   * Whether the cache had an entry for the key when the write was sent. If so, the written value replaces the entry.
   */
  readonly cached: boolean;
  /** The version that the write made of its only key; 0 if it made no version. */
  version: number;
  expired: boolean;
}

/** Counts how often each special situation has occurred in all runs. */
const met = { hits: 0, lost: 0, expired: 0, replaced: 0 };

/** A front with its cache, together with the database that the front reads. */
class World {
  readonly #bytesMax: number;
  readonly #cache: HotCache<Reply>;
  readonly #database = new Map<string, { version: number; bytes: number; live: boolean }>();
  #sent: Call[] = [];
  #done: Call[] = [];
  /**
   * Writes on which the front had given up before they were executed or lost. The front learns of their end with the
   * next answer.
   */
  #unheard: Call[] = [];

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#cache = new HotCache<Reply>(bytesMax);
  }

  take(step: Step): void {
    switch (step.step) {
      case "send":
        this.#send(step);
        break;
      case "commit":
        this.#commit(this.#sent.shift());
        break;
      case "answer":
        this.#answer(this.#done.shift());
        break;
      case "crash":
        for (const call of this.#done.splice(0)) this.#lose(call, true);
        for (const call of this.#sent.splice(0)) this.#lose(call, false);
        break;
      case "expire": {
        const call = [...this.#done, ...this.#sent][step.which];
        if (call === undefined || call.expired) break;
        call.expired = true;
        met.expired += 1;
        break;
      }
      case "read":
        this.#read(step.key);
    }
    if (this.#cache.bytes > this.#bytesMax) throw new Error(`${this.#cache.bytes} bytes are too many`);
  }

  /**
   * Checks the cache at the end of a run. After all writes were answered, it must return every entry again. Dropped
   * entries must take no bytes.
   */
  finish(): void {
    this.#send({ keys: ["a"], named: "request", bytes: 1, deletes: false, refused: false });
    for (const call of this.#sent.splice(0)) this.#commit(call);
    for (const call of this.#done.splice(0)) this.#answer(call);
    for (const key of this.#bytesMax < ROOMY_BYTES ? [] : KEYS) {
      this.#read(key);
      const row = this.#database.get(key);
      const kept = row?.live === true && row.bytes <= HOT_CACHE_VALUE_BYTES_MAX;
      if (kept !== (this.#cache.get(key) !== undefined))
        throw new Error(`${key} is ${kept ? "hidden" : "shown"} with nothing on its way`);
    }
    this.#cache.begin(KEYS);
    this.#cache.end(KEYS, KEYS);
    if (this.#cache.bytes !== 0) throw new Error("what is removed weighs nothing");
  }

  #send(write: Write): void {
    const [key = ""] = write.keys;
    const single = write.keys.length === 1 && write.named === "request" && !write.deletes;
    this.#sent.push({ ...write, cached: single && this.#cache.has(key), version: 0, expired: false });
    this.#cache.begin(askedBy(write));
  }

  #commit(call: Call | undefined): void {
    if (call === undefined) return;
    this.#done.push(call);
    if (call.refused) return;
    for (const key of call.keys) {
      const { version } = this.#database.get(key) ?? { version: 0 };
      call.version = version + (call.deletes ? 0 : 1);
      this.#database.set(key, { version: call.version, bytes: call.bytes, live: !call.deletes });
    }
  }

  #answer(call: Call | undefined): void {
    if (call === undefined) return;
    if (call.expired) {
      this.#unheard.push(call);
      return;
    }
    if (!call.refused) for (const before of this.#unheard.splice(0)) this.#end(before, "DEADLINE_EXCEEDED", true);
    const { keys, named, refused, cached, version, bytes } = call;
    const made = refused ? new Failure("FAILED_PRECONDITION", "refused") : named === "nowhere" ? null : keys;
    this.#cache.end(askedBy(call), made);
    if (refused || !cached) return;
    const [key = ""] = keys;
    this.#cache.replace(key, version, `"${version}"`, { version }, bytes);
    met.replaced += 1;
  }

  #lose(call: Call, outcomeUnknown: boolean): void {
    if (call.expired) this.#unheard.push(call);
    else this.#end(call, "UNAVAILABLE", outcomeUnknown);
    met.lost += 1;
  }

  #end(call: Call, status: "UNAVAILABLE" | "DEADLINE_EXCEEDED", outcomeUnknown: boolean): void {
    this.#cache.end(askedBy(call), new Failure(status, "lost", null, outcomeUnknown));
  }

  #read(key: string): void {
    const cached = this.#cache.get(key);
    const row = this.#database.get(key);
    const live = row?.live === true ? row : undefined;
    if (cached === undefined) {
      if (live !== undefined)
        this.#cache.add(key, live.version, `"${live.version}"`, { version: live.version }, live.bytes);
      return;
    }
    met.hits += 1;
    if (cached.etag !== `"${cached.version}"` || cached.reply.version !== cached.version)
      throw new Error("an entry's parts are not of one version");
    if (cached.version !== live?.version)
      throw new Error(`${key} shows version ${cached.version}, there is ${live?.version}`);
  }
}

function askedBy({ named, keys }: Write): readonly string[] | null {
  return named === "request" ? keys : null;
}

t.test("a read never goes back in time", (t) => {
  const property = fc.property(
    fc.array(anyStep, { minLength: 20, maxLength: 120, size: "max" }),
    fc.constantFrom(0, 2000, 4000, ROOMY_BYTES),
    (steps, bytesMax) => {
      const world = new World(bytesMax);
      for (const step of steps) world.take(step);
      world.finish();
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 5000 }));
  t.ok(met.hits > 1000 && met.replaced > 200, `the cache was used: ${JSON.stringify(met)}`);
  t.ok(met.lost > 300 && met.expired > 100, `and answers were lost: ${JSON.stringify(met)}`);
  t.end();
});

t.test("entries that are read stay longer than others", (t) => {
  const cache = new HotCache<Reply>(10_000);
  for (let at = 0; at < 100; at++) {
    cache.add(`k${at}`, 1, '"1"', { version: 1 }, 500);
    t.ok(cache.get("k0"), `k0 is there after ${at} others`);
  }
  t.equal(cache.get("k1"), undefined, "an entry that was not read was evicted");
  t.equal(cache.get("k99")?.version, 1);
  t.end();
});

t.test("slots of dropped entries are used again, and eviction passes over them", (t) => {
  const cache = new HotCache<Reply>(ROOMY_BYTES);
  const stored = (): string[] => Array.from({ length: 200 }, (_, at) => `k${at}`).filter((key) => cache.has(key));
  const add = (at: number): void => cache.add(`k${at}`, 1, "", { version: 1 }, 200_000);
  const drop = (keys: readonly string[] | null): void => {
    cache.begin(keys);
    cache.end(keys, keys);
  };
  for (let at = 0; at < 40; at++) add(at);
  t.equal(stored().length, 40);
  drop(Array.from({ length: 30 }, (_, at) => `k${at}`));
  for (let at = 100; at < 150; at++) add(at);
  t.ok(cache.bytes <= ROOMY_BYTES);
  t.equal(stored().length, 49, "as many as there is room for");
  t.ok(cache.has("k149"), "the newest is there");
  drop(null);
  t.equal(cache.bytes, 0);
  for (let at = 0; at < 60; at++) add(at);
  t.equal(stored().length, 49);
  t.ok(cache.has("k59"));
  t.end();
});

t.test("an acknowledged write replaces an older entry and nothing else", (t) => {
  const cache = new HotCache<Reply>();
  t.notOk(cache.has("k"), "a write creates no entry");
  cache.add("k", 2, '"2"', { version: 2 }, 10);
  t.ok(cache.has("k"));
  for (const version of [1, 2]) cache.replace("k", version, '"x"', { version }, 10);
  t.match(cache.get("k"), { version: 2, etag: '"2"' }, "an older version changes nothing");
  cache.replace("k", 3, '"3"', { version: 3 }, 20);
  t.match(cache.get("k"), { version: 3, etag: '"3"', reply: { version: 3 } });
  cache.begin(["k"]);
  cache.begin(["k"]);
  t.equal(cache.get("k"), undefined, "while a write is in flight, the entry is not shown");
  t.ok(cache.has("k"), "but it is still cached");
  cache.add("k", 4, '"4"', { version: 4 }, 10);
  cache.end(["k"], new Failure("FAILED_PRECONDITION", "refused"));
  t.equal(cache.get("k"), undefined, "nor while another write is in flight");
  cache.end(["k"], new Failure("DEADLINE_EXCEEDED", "never begun"));
  t.equal(cache.get("k")?.version, 3, "a value read meanwhile was not cached");
  cache.begin(["k"]);
  cache.end(["k"], ["k"]);
  t.notOk(cache.has("k"), "a changed entry is dropped");
  cache.replace("k", 4, '"4"', { version: 4 }, 10);
  t.equal(cache.get("k")?.version, 4, "and the writer's own value replaces it");
  cache.replace("k", 5, '"5"', { version: 5 }, HOT_CACHE_VALUE_BYTES_MAX + 1);
  t.equal(cache.get("k"), undefined, "a large value is not cached");
  t.equal(cache.bytes, 0);
  t.end();
});

t.test("while a write's keys are unknown, no entry is shown", (t) => {
  const cache = new HotCache<Reply>();
  const fill = (): void => {
    for (const key of ["a", "b"]) cache.add(key, 1, '"1"', { version: 1 }, 10);
  };
  const shown = (): string[] => ["a", "b"].filter((key) => cache.get(key) !== undefined);
  fill();
  cache.begin(null);
  t.same(shown(), []);
  cache.end(null, ["a"]);
  t.same(shown(), ["b"], "the changed entries were dropped");
  fill();
  cache.begin(null);
  cache.end(null, null);
  t.same(shown(), [], "all entries may have changed");
  fill();
  cache.begin(null);
  cache.end(null, new Failure("INVALID_ARGUMENT", "refused"));
  t.same(shown(), ["a", "b"], "a refusal changes no entry");
  cache.begin(null);
  cache.end(null, new Failure("UNAVAILABLE", "restarting", null, true));
  t.same([shown(), cache.bytes], [[], 0], "the call may have been executed");
  fill();
  t.same(shown(), ["a", "b"], "and it cannot be executed any more");
  t.end();
});
