/** Tests that threads with a shared counter see the same number, and that no change is lost. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import t from "tap";
import { SharedCounter } from "./shared-counter.js";

const STEPS = 200_000;

/** A script that changes two counters in a thread of its own. It begins when the other thread has started too. */
const CHANGES = `
  const { workerData } = require("node:worker_threads");
  import(workerData.module).then(({ SharedCounter }) => {
    const count = new SharedCounter(workerData.count);
    const highest = new SharedCounter(workerData.highest);
    const started = new Int32Array(workerData.started);
    Atomics.add(started, 0, 1);
    while (Atomics.load(started, 0) < 2);
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

t.test("a raise is repeated when another thread raises at the same moment", (t) => {
  const counter = new SharedCounter();
  const others = [3, 4, 12];
  const { compareExchange } = Atomics;
  t.teardown(() => Object.assign(Atomics, { compareExchange }));
  const interrupted = (cell: BigInt64Array, at: number, expected: bigint, value: bigint): bigint => {
    const other = others.shift();
    if (other !== undefined) Atomics.store(cell, at, BigInt(other));
    return compareExchange(cell, at, expected, value);
  };
  Object.assign(Atomics, { compareExchange: interrupted });
  counter.raise(10);
  t.same(others, [], "twice by a smaller number, and at last by a larger one");
  t.equal(counter.value, 12);
  others.push(13);
  counter.raise(20);
  t.equal(counter.value, 20);
  t.end();
});

t.test("threads that change a counter at the same time lose no change", async (t) => {
  const count = new SharedCounter();
  const highest = new SharedCounter();
  const module = new URL("shared-counter.js", import.meta.url).href;
  const started = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const shared = { module, count: count.memory, highest: highest.memory, started, steps: STEPS };
  const workers = [0, 1].map((offset) => new Worker(CHANGES, { eval: true, workerData: { ...shared, offset } }));
  await t.resolves(Promise.all(workers.map((worker) => once(worker, "exit"))));
  t.equal(count.value, 2 * STEPS);
  t.equal(highest.value, STEPS * 2 + 1);
});
