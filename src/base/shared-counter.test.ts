/** Tests that threads which share a counter see one number, and that none of their changes is lost. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import t from "tap";
import { SharedCounter } from "./shared-counter.js";

const STEPS = 20_000;

/** Changes the counter in a thread of its own: STEPS increments of the first counter, and STEPS raises of the second. */
const CHANGES = `
  const { workerData } = require("node:worker_threads");
  import(workerData.module).then(({ SharedCounter }) => {
    const count = new SharedCounter(workerData.count);
    const highest = new SharedCounter(workerData.highest);
    for (let step = 1; step <= workerData.steps; step++) {
      count.increment();
      highest.raise(step * 2 + workerData.offset);
    }
  });
`;

t.test("one side reads what the other side has set", (t) => {
  const here = new SharedCounter();
  const there = new SharedCounter(here.memory);
  t.equal(there.value, 0);
  for (const value of [1, 2 ** 31, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER, 0]) {
    here.set(value);
    t.equal(there.value, value);
  }
  t.equal(there.increment(), 1);
  t.equal(here.increment(), 2);
  here.set(2 ** 32 - 1);
  t.equal(there.increment(), 2 ** 32, "it does not wrap around");
  t.end();
});

t.test("raise never lowers the number", (t) => {
  const counter = new SharedCounter();
  counter.raise(5);
  counter.raise(4);
  t.equal(counter.value, 5);
  counter.raise(2 ** 40);
  t.equal(counter.value, 2 ** 40);
  t.end();
});

t.test("threads that change a counter at the same time lose no change", async (t) => {
  const count = new SharedCounter();
  const highest = new SharedCounter();
  const module = new URL("shared-counter.js", import.meta.url).href;
  const shared = { module, count: count.memory, highest: highest.memory, steps: STEPS };
  const workers = [0, 1].map((offset) => new Worker(CHANGES, { eval: true, workerData: { ...shared, offset } }));
  const exits = await Promise.all(workers.map((worker) => once(worker, "exit")));
  t.same(exits, [[0], [0]]);
  t.equal(count.value, 2 * STEPS);
  t.equal(highest.value, STEPS * 2 + 1);
});
