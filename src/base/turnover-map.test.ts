/**
 * Tests the map with names and with numbers as keys, including unusual names. Also tests that the map's garbage does
 * not get into V8's old generation.
 */
import t from "tap";
import { TurnoverMap } from "./turnover-map.js";

t.test("works as a Map, also for names that objects have", (t) => {
  const map = new TurnoverMap<string, number>();
  const names = ["__proto__", "constructor", "toString", "7", ""];
  for (const name of names) t.notOk(map.has(name), name);
  for (const [at, name] of names.entries()) map.set(name, at);
  map.set("7", 70);
  t.equal(map.size, names.length);
  t.same(
    names.map((name) => map.get(name)),
    [0, 1, 2, 70, 4],
  );
  t.same([map.delete("__proto__"), map.delete("__proto__")], [true, false]);
  t.notOk(map.has("__proto__"));
  t.equal(map.size, names.length - 1);
  t.same(
    map.values().toSorted((a, b) => a - b),
    [1, 2, 4, 70],
  );
  map.clear();
  t.same([map.size, map.values()], [0, []]);
  t.end();
});

t.test("works with growing numbers among some that stay", (t) => {
  const map = new TurnoverMap<number, number>();
  for (let row = 1; row <= 20_000; row++) {
    map.set(row, -row);
    if (row > 64 && row % 1_000 !== 64) map.delete(row - 64);
  }
  const kept = Array.from({ length: 20 }, (_, at) => at * 1_000).filter((row) => row > 0);
  t.same(
    map
      .values()
      .toSorted((a, b) => b - a)
      .slice(0, kept.length),
    kept.map((row) => -row),
  );
  t.equal(map.size, kept.length + 64);
  t.equal(map.get(19_999), -19_999);
  t.equal(map.get(1), undefined);
  t.end();
});
