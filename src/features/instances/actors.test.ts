import t from "tap";
import type { Directory } from "./directory.js";
import { InstanceActors } from "./actors.js";

t.test("the end of a token is reported to a few listeners at once, and to the others in later ticks", (t) => {
  const later: (() => void)[] = [];
  const directory = { get: () => ({ ending: false }) } as unknown as Directory;
  const actors = new InstanceActors(directory, { now: () => 0 }, { add: (task) => void later.push(task) });
  const called: number[] = [];
  const count = 100;
  const removes = Array.from({ length: count }, (_, at) => actors.onRevoked("a", () => called.push(at)));
  actors.revoke("a", "hash");
  const atOnce = called.length;
  t.ok(atOnce > 0 && atOnce <= 16, `${atOnce} at once`);
  t.equal(later.length, count - atOnce, "each of the others in a step of its own");
  removes.at(-1)?.();
  for (const run of later) run();
  t.same(
    called,
    Array.from({ length: count - 1 }, (_, at) => at),
    "all that were not removed meanwhile, once",
  );
  t.end();
});
