/** Turns: so many at once, the others in order, nobody for ever. */
import t from "tap";
import { must } from "../base/assert.js";
import { Semaphore } from "./semaphore.js";

const ALONE = { permits: 1, waitingMax: 2, waitingOfCallerMax: 2 };

t.test("so many at once, then the first come first", async (t) => {
  const turns = new Semaphore({ ...ALONE, waitMsMax: 60_000 });
  const order: string[] = [];
  const first = must(await turns.take("a"), "it is free");
  const second = turns.take("a").then((release) => {
    order.push("second");
    return must(release, "its turn came");
  });
  const third = turns.take("a").then((release) => {
    order.push("third");
    return must(release, "its turn came");
  });
  t.equal(turns.waiting, 2);
  t.equal(await turns.take("a"), null, "nobody waits behind a full queue");
  first();
  first();
  const release = await second;
  t.same(order, ["second"], "giving a turn back twice gives one back");
  release();
  (await third)();
  t.same(order, ["second", "third"]);
  t.ok(await turns.take("a"), "and then it is free again");
});

t.test("who has waited too long is refused", async (t) => {
  const turns = new Semaphore({ ...ALONE, waitMsMax: 1 });
  const release = must(await turns.take("a"), "it is free");
  t.equal(await turns.take("a"), null);
  t.equal(turns.waiting, 0);
  release();
  t.ok(await turns.take("a"));
});

t.test("callers take turns, and one leaves room to others", async (t) => {
  const turns = new Semaphore({ permits: 1, waitingMax: 6, waitingOfCallerMax: 4, waitMsMax: 60_000 });
  const order: string[] = [];
  const ask = async (name: string): Promise<void> => {
    const release = await turns.take(name.slice(0, 1));
    order.push(release === null ? `${name} refused` : name);
    release?.();
  };
  const held = must(await turns.take("a"), "it is free");
  const greedy = ["a1", "a2", "a3", "a4", "a5"].map(ask);
  await greedy.at(-1);
  t.same(order, ["a5 refused"], "four of one caller wait");
  const others = ["b1", "b2", "c1"].map(ask);
  await others.at(-1);
  t.same(order.splice(0), ["a5 refused", "c1 refused"], "six of all");
  held();
  await Promise.all([...greedy, ...others]);
  t.same(order, ["a1", "b1", "a2", "b2", "a3", "a4"]);
});
