/** Tests the semaphore: its permits, the order of its waiters, and the maximum time of a wait. */
import t from "tap";
import { must } from "../../base/assert.js";
import { Semaphore } from "./semaphore.js";

const ALONE = { permits: 1, waitingMax: 2, waitingOfCallerMax: 2 };

t.test("waiters get permits in the order in which they came", async (t) => {
  const semaphore = new Semaphore({ ...ALONE, waitMsMax: 60_000 });
  const order: string[] = [];
  const first = must(await semaphore.take("a"), "a permit is free");
  const second = semaphore.take("a").then((release) => {
    order.push("second");
    return must(release, "a permit was released");
  });
  const third = semaphore.take("a").then((release) => {
    order.push("third");
    return must(release, "a permit was released");
  });
  t.equal(semaphore.waiting, 2);
  t.equal(await semaphore.take("a"), null, "a full queue takes no waiter");
  first();
  first();
  const release = await second;
  t.same(order, ["second"], "a permit is released only once");
  release();
  (await third)();
  t.same(order, ["second", "third"]);
  t.ok(await semaphore.take("a"), "and then a permit is free again");
});

t.test("a waiter is refused after the limit", async (t) => {
  const semaphore = new Semaphore({ ...ALONE, waitMsMax: 1 });
  const release = must(await semaphore.take("a"), "a permit is free");
  t.equal(await semaphore.take("a"), null);
  t.equal(semaphore.waiting, 0);
  release();
  t.ok(await semaphore.take("a"));
});

t.test("callers are served round-robin, and one leaves room for others", async (t) => {
  const semaphore = new Semaphore({ permits: 1, waitingMax: 6, waitingOfCallerMax: 4, waitMsMax: 60_000 });
  const order: string[] = [];
  const ask = async (name: string): Promise<void> => {
    const release = await semaphore.take(name.slice(0, 1));
    order.push(release === null ? `${name} refused` : name);
    release?.();
  };
  const held = must(await semaphore.take("a"), "a permit is free");
  const greedy = ["a1", "a2", "a3", "a4", "a5"].map(ask);
  await greedy.at(-1);
  t.same(order, ["a5 refused"], "four waiters of one caller");
  const others = ["b1", "b2", "c1"].map(ask);
  await others.at(-1);
  t.same(order.splice(0), ["a5 refused", "c1 refused"], "six waiters in all");
  held();
  await Promise.all([...greedy, ...others]);
  t.same(order, ["a1", "b1", "a2", "b2", "a3", "a4"]);
});
