/**
 * Tests `Periodic`: when a run starts, which callers share a run, and how `close` ends runs. The test injects the time,
 * and decides when the work of a run ends.
 */
import t from "tap";
import { Periodic, type PeriodicOptions } from "./periodic.js";

function play(options: Partial<PeriodicOptions<number>> = {}): {
  readonly periodic: Periodic<number>;
  readonly ends: (() => void)[];
} {
  const ends: (() => void)[] = [];
  const work = (): Promise<number> =>
    new Promise((resolve) => {
      const run = ends.length + 1;
      ends.push(() => resolve(run));
    });
  return { periodic: new Periodic({ intervalMs: 100, nowMs: 0, work, ...options }), ends };
}

async function settle(): Promise<void> {
  for (let at = 0; at < 3; at++) await new Promise((resolve) => setImmediate(resolve));
}

t.test("a run is due one interval after the start of the previous one; one runs at a time", async (t) => {
  const { periodic, ends } = play();
  periodic.tick(99);
  t.equal(ends.length, 0);
  periodic.tick(100);
  periodic.tick(100);
  periodic.tick(500);
  t.equal(ends.length, 1, "not during a run");
  ends[0]?.();
  await settle();
  periodic.tick(199);
  t.equal(ends.length, 1);
  periodic.tick(200);
  t.equal(ends.length, 2);
});

t.test("a run is due one interval later even if the clock was set back", (t) => {
  const { periodic, ends } = play({ nowMs: 1_000_000 });
  periodic.tick(10);
  periodic.tick(109);
  t.equal(ends.length, 0);
  periodic.tick(110);
  t.equal(ends.length, 1);
  t.end();
});

t.test("callers during a run share the next one", async (t) => {
  const { periodic, ends } = play();
  const first = periodic.run();
  const [second, third] = [periodic.run(), periodic.run()];
  await settle();
  t.equal(ends.length, 1);
  ends[0]?.();
  t.equal(await first, 1);
  await settle();
  t.equal(ends.length, 2);
  ends[1]?.();
  t.same([await second, await third], [2, 2]);
});

t.test("urgent work does not wait, and a run that is not ready stays due", async (t) => {
  let urgent = false;
  let ready = false;
  const { periodic, ends } = play({ urgent: () => urgent, ready: () => ready });
  periodic.tick(100);
  t.equal(ends.length, 0);
  ready = true;
  periodic.tick(101);
  t.equal(ends.length, 1);
  ends[0]?.();
  await settle();
  periodic.tick(102);
  t.equal(ends.length, 1);
  urgent = true;
  periodic.tick(103);
  t.equal(ends.length, 2);
});

t.test("closing waits for runs that were started or requested", async (t) => {
  const { periodic, ends } = play();
  void periodic.run();
  void periodic.run();
  let closed = false;
  const closing = periodic.close().then(() => {
    closed = true;
  });
  t.ok(periodic.closed);
  ends[0]?.();
  await settle();
  t.notOk(closed);
  ends[1]?.();
  await closing;
  periodic.tick(10_000);
  t.equal(ends.length, 2, "no run starts by interval any more");
});
