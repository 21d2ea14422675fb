/**
 * The hot cache between a front that sends writes, a database that carries them out, and answers that
 * come back or are lost: a read always shows what the database holds at that moment, so it never goes
 * back in time; the bytes stay within their bound.
 */
import * as fc from "fast-check";
import t from "tap";
import { HOT_CACHE_VALUE_BYTES_MAX } from "../../schemas/limits.js";
import { HotCache } from "./cache.js";

type Reply = { readonly version: number };

/** What a write asks for: a value of so many bytes, or a deletion. */
interface Write {
  readonly key: string;
  readonly bytes: number;
  readonly deletes: boolean;
}

const KEYS = ["a", "b", "c", "long key".repeat(100)] as const;
type Step =
  | ({ readonly step: "send" } & Write)
  | { readonly step: "read"; readonly key: string }
  /** The database carries out, the front hears of, the next write; or the writer dies with all that is on its way. */
  | { readonly step: "commit" | "answer" | "crash" };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constant("send" as const),
      key: fc.constantFrom(...KEYS),
      bytes: fc.oneof(
        fc.integer({ min: 1, max: 1000 }),
        fc.constant(HOT_CACHE_VALUE_BYTES_MAX),
        fc.constant(HOT_CACHE_VALUE_BYTES_MAX + 1),
      ),
      deletes: fc.boolean(),
    }),
  },
  { weight: 8, arbitrary: fc.record({ step: fc.constant("read" as const), key: fc.constantFrom(...KEYS) }) },
  { weight: 4, arbitrary: fc.constant({ step: "commit" as const }) },
  { weight: 4, arbitrary: fc.constant({ step: "answer" as const }) },
  fc.constant({ step: "crash" as const }),
);

/** A write on its way back: the version that it made, 0 where it was refused. */
interface Done extends Write {
  readonly version: number;
}

/** Runs the steps as the front does; returns how many reads came from the cache, or what went wrong. */
function play(steps: readonly Step[], bytes_max: number): number | string {
  const cache = new HotCache<Reply>(bytes_max);
  const database = new Map<string, { version: number; bytes: number; live: boolean }>();
  const sent: Write[] = [];
  const done: Done[] = [];
  let hits = 0;

  const commit = (write: Write): Done => {
    const row = database.get(write.key) ?? { version: 0, bytes: 0, live: false };
    if (write.deletes && !row.live) return { ...write, version: 0 };
    const version = row.version + (write.deletes ? 0 : 1);
    database.set(write.key, { version, bytes: write.bytes, live: !write.deletes });
    return { ...write, version };
  };
  const answer = ({ key, bytes, deletes, version }: Done): void => {
    if (deletes) cache.remove(key);
    else if (version > 0) cache.update(key, version, `"${version}"`, bytes, () => ({ version }));
    cache.endWrite(key);
  };
  const read = (key: string): string | null => {
    const cached = cache.get(key);
    const row = database.get(key);
    const live = row?.live === true ? row : undefined;
    if (cached === undefined) {
      if (live !== undefined) cache.add(key, live.version, `"${live.version}"`, { version: live.version }, live.bytes);
      return null;
    }
    hits++;
    if (cached.etag !== `"${cached.version}"` || cached.reply.version !== cached.version)
      return "an entry's parts are not of one version";
    return cached.version === live?.version
      ? null
      : `${key} shows version ${cached.version}, there is ${live?.version}`;
  };

  for (const each of steps) {
    if (each.step === "send") {
      cache.beginWrite(each.key);
      sent.push(each);
    } else if (each.step === "commit") {
      const next = sent.shift();
      if (next !== undefined) done.push(commit(next));
    } else if (each.step === "answer") {
      const next = done.shift();
      if (next !== undefined) answer(next);
    } else if (each.step === "crash") {
      for (const { key } of done.splice(0)) {
        cache.remove(key);
        cache.endWrite(key);
      }
      for (const { key } of sent.splice(0)) cache.endWrite(key);
    } else if (each.step === "read") {
      const wrong = read(each.key);
      if (wrong !== null) return wrong;
    }
    if (cache.bytes > bytes_max) return `${cache.bytes} bytes are too many`;
  }
  for (const key of KEYS) cache.remove(key);
  return cache.bytes === 0 ? hits : "what is removed weighs nothing";
}

t.test("a read never goes back in time", (t) => {
  let hits = 0;
  const property = fc.property(
    fc.array(anyStep, { maxLength: 120, size: "max" }),
    fc.constantFrom(0, 2000, 4000, 10_000_000),
    (steps, bytes_max) => {
      const outcome = play(steps, bytes_max);
      if (typeof outcome === "string") throw new Error(outcome);
      hits += outcome;
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 3000 }));
  t.ok(hits > 1000, `the cache was used: ${hits}`);
  t.end();
});

t.test("what is read stays longer than what is not", (t) => {
  const cache = new HotCache<Reply>(10_000);
  for (let at = 0; at < 100; at++) {
    cache.add(`k${at}`, 1, '"1"', { version: 1 }, 500);
    t.ok(cache.get("k0"), `k0 is there after ${at} others`);
  }
  t.equal(cache.get("k1"), undefined, "one that was not read made room");
  t.equal(cache.get("k99")?.version, 1);
  t.end();
});

t.test("an acknowledged write replaces an older entry and nothing else", (t) => {
  const cache = new HotCache<Reply>();
  cache.update("k", 1, '"1"', 10, () => t.fail("nothing is made for a key that nobody read") as never);
  t.equal(cache.get("k"), undefined);
  cache.add("k", 2, '"2"', { version: 2 }, 10);
  for (const version of [1, 2])
    cache.update("k", version, '"x"', 10, () => t.fail("an older one is not made") as never);
  t.equal(cache.get("k")?.version, 2);
  cache.update("k", 3, '"3"', 20, () => ({ version: 3 }));
  t.match(cache.get("k"), { version: 3, etag: '"3"', reply: { version: 3 } });
  cache.beginWrite("k");
  cache.beginWrite("k");
  t.equal(cache.get("k"), undefined, "while a write is on its way the entry is not shown");
  cache.add("k", 4, '"4"', { version: 4 }, 10);
  cache.endWrite("k");
  t.equal(cache.get("k"), undefined, "nor while another is");
  cache.endWrite("k");
  t.equal(cache.get("k")?.version, 3, "what was read meanwhile was not kept");
  cache.update("k", 4, '"4"', HOT_CACHE_VALUE_BYTES_MAX + 1, () => t.fail("a large value is not kept") as never);
  t.equal(cache.get("k"), undefined);
  t.equal(cache.bytes, 0);
  t.end();
});
