/** Tests which heads the writer's cache keeps. Also tests that it calls `onEvict` before it evicts heads. */
import t from "tap";
import { HeadCache } from "./head-cache.js";

t.test("what is used stays for a generation at least", (t) => {
  let evictions = 0;
  const cache = new HeadCache(() => (evictions += 1), 10);
  const set = (key: string): void => cache.set(key, { version: 1, row: 1, live: true });
  for (let at = 0; at < 10; at++) set(`k${at}`);
  t.equal(evictions, 0, "the young generation is full");
  set("k10");
  t.equal(evictions, 1);
  t.ok(cache.get("k0"), "the old generation is still known");
  for (let at = 11; at < 19; at++) set(`k${at}`);
  t.equal(evictions, 1, "k0 was used, so it is one of ten young heads");
  set("k19");
  t.equal(evictions, 2);
  t.ok(cache.get("k0"), "it was used after k1");
  t.equal(cache.get("k1"), undefined);
  t.end();
});

t.test("a head in the cache is the one that was stored", (t) => {
  const cache = new HeadCache(() => undefined, 2);
  const head = { version: 1, row: 1, live: true };
  cache.set("a", head);
  cache.set("b", { version: 1, row: 2, live: true });
  cache.set("c", { version: 1, row: 3, live: true });
  t.equal(cache.get("a"), head);
  head.version = 2;
  t.equal(cache.get("a")?.version, 2, "in both generations");
  cache.clear();
  t.equal(cache.get("a"), undefined);
  t.end();
});

t.test("it tells before it forgets", (t) => {
  const known: boolean[] = [];
  const cache: HeadCache = new HeadCache(() => known.push(cache.get("a") !== undefined), 1);
  cache.set("a", { version: 1, row: 1, live: true });
  cache.set("b", { version: 1, row: 2, live: true });
  t.equal(known.length > 0 && known.every((is) => is), true);
  t.end();
});
