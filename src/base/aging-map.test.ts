/**
 * Tests the map with random sequences of calls. After each call, its oldest key must be the first one in a list of its
 * keys.
 */
import * as fc from "fast-check";
import t from "tap";
import { AgingMap } from "./aging-map.js";

const anyStep = fc.record({
  does: fc.constantFrom("set", "set", "set", "delete", "oldest", "drop oldest", "limit", "clear"),
  key: fc.integer({ min: 0, max: 30 }),
});

t.test("the oldest entry is the one that was inserted first", (t) => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 200 }), (steps) => {
      const map = new AgingMap<number, string>();
      let keys: number[] = [];
      for (const { does, key } of steps) {
        if (does === "set") {
          map.set(key, `${key}`);
          if (!keys.includes(key)) keys.push(key);
        } else if (does === "delete") {
          t.equal(map.delete(key), keys.includes(key));
          keys = keys.filter((other) => other !== key);
        } else if (does === "drop oldest" && keys.length > 0) {
          t.ok(map.delete(map.oldest as number));
          keys.shift();
        } else if (does === "limit") {
          map.limitTo(key);
          keys = keys.slice(Math.max(0, keys.length - key));
        } else if (does === "clear" && key === 0) {
          map.clear();
          keys = [];
        }
        t.equal(map.oldest, keys[0]);
        t.same([...map.keys()], keys);
      }
    }),
    { numRuns: 200 },
  );
  t.end();
});

t.test("many entries come and go", (t) => {
  const map = new AgingMap<number, number>();
  for (let at = 0; at < 100_000; at++) {
    map.set(at, at);
    map.limitTo(1000);
  }
  t.equal(map.size, 1000);
  t.equal(map.oldest, 99_000);
  t.end();
});
