/**
 * The hot cache between a database and its acknowledgements, against a model that only watches: what is
 * read of a key never goes back in time and is never older than the last acknowledged write; the bytes
 * stay within their bound.
 */
import * as fc from "fast-check";
import t from "tap";
import { HOT_CACHE_VALUE_BYTES_MAX } from "../../schemas/limits.js";
import { HotCache } from "./cache.js";

type Reply = { readonly version: number };

/** What a write left behind: a value of so many bytes, or nothing. */
interface Stored {
  readonly version: number;
  readonly bytes: number;
  readonly deleted: boolean;
}

const KEYS = ["a", "b", "c", "long key".repeat(100)] as const;
type Step =
  | { readonly step: "commit"; readonly key: string; readonly bytes: number; readonly deleted: boolean }
  | { readonly step: "read"; readonly key: string }
  | { readonly step: "acknowledge" };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    step: fc.constant("commit" as const),
    key: fc.constantFrom(...KEYS),
    bytes: fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.constant(HOT_CACHE_VALUE_BYTES_MAX), fc.constant(HOT_CACHE_VALUE_BYTES_MAX + 1)),
    deleted: fc.boolean(),
  }),
  { weight: 2, arbitrary: fc.record({ step: fc.constant("read" as const), key: fc.constantFrom(...KEYS) }) },
  fc.constant({ step: "acknowledge" as const }),
);

/** Runs the steps as the front and the writer would; returns how many reads were answered from the cache, or what went wrong. */
function play(steps: readonly Step[], bytes_max: number): number | string {
  const cache = new HotCache<Reply>(bytes_max);
  /** The writer's order; a delete has no number of its own, so moments are compared. */
  const committed = new Map<string, { readonly moment: number; readonly stored: Stored }[]>();
  const unacknowledged: { readonly key: string; readonly moment: number; readonly stored: Stored }[] = [];
  const floor = new Map<string, number>();
  let moment = 0;
  let hits = 0;
  for (const each of steps) {
    if (each.step === "commit") {
      const past = committed.get(each.key) ?? [];
      const last = past.at(-1)?.stored;
      if (each.deleted && (last === undefined || last.deleted)) continue;
      const version = (last?.version ?? 0) + (each.deleted ? 0 : 1);
      const stored = { version, bytes: each.bytes, deleted: each.deleted };
      committed.set(each.key, [...past, { moment: ++moment, stored }]);
      unacknowledged.push({ key: each.key, moment, stored });
    } else if (each.step === "acknowledge") {
      const next = unacknowledged.shift();
      if (next === undefined) continue;
      const { key, stored: { version, bytes, deleted } } = next;
      if (deleted) cache.remove(key);
      else cache.update(key, version, `"${version}"`, bytes, () => ({ version }));
      floor.set(key, Math.max(floor.get(key) ?? 0, next.moment));
    } else {
      const past = committed.get(each.key) ?? [];
      const cached = cache.get(each.key);
      const newest = past.at(-1);
      let seen = newest?.moment ?? 0;
      if (cached !== undefined) {
        hits++;
        if (cached.etag !== `"${cached.version}"` || cached.reply.version !== cached.version) return "the entry's parts are of one version";
        // The latest moment at which this version was the newest.
        seen = past.findLast(({ stored }) => stored.version === cached.version && !stored.deleted)?.moment ?? -1;
      } else if (newest !== undefined && !newest.stored.deleted) {
        const { version, bytes } = newest.stored;
        cache.add(each.key, version, `"${version}"`, { version }, bytes);
      }
      if (seen < (floor.get(each.key) ?? 0)) return `${each.key} went back in time`;
      floor.set(each.key, seen);
    }
    if (cache.bytes > bytes_max) return `${cache.bytes} bytes are too many`;
  }
  for (const key of KEYS) cache.remove(key);
  return cache.bytes === 0 ? hits : "what is removed weighs nothing";
}

t.test("a read never goes back in time", (t) => {
  let hits = 0;
  const property = fc.property(fc.array(anyStep, { maxLength: 80, size: "max" }), fc.constantFrom(0, 2000, 4000, 10_000_000), (steps, bytes_max) => {
    const outcome = play(steps, bytes_max);
    if (typeof outcome === "string") throw new Error(outcome);
    hits += outcome;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2000 }));
  t.ok(hits > 2000, `the cache was used: ${hits}`);
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
  for (const version of [1, 2]) cache.update("k", version, '"x"', 10, () => t.fail("an older one is not made") as never);
  t.equal(cache.get("k")?.version, 2);
  cache.update("k", 3, '"3"', 20, () => ({ version: 3 }));
  t.match(cache.get("k"), { version: 3, etag: '"3"', reply: { version: 3 } });
  cache.update("k", 4, '"4"', HOT_CACHE_VALUE_BYTES_MAX + 1, () => t.fail("a large value is not kept") as never);
  t.equal(cache.get("k"), undefined);
  t.equal(cache.bytes, 0);
  t.end();
});
