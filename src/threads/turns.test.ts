/** Turns: so many at once, the others in order, nobody for ever. */
import t from "tap";
import { must } from "../base/assert.js";
import { Turns } from "./turns.js";

t.test("so many at once, then the first come first", async (t) => {
  const turns = new Turns(1, 2, 60_000);
  const order: string[] = [];
  const first = must(await turns.take(), "it is free");
  const second = turns.take().then((release) => {
    order.push("second");
    return must(release, "its turn came");
  });
  const third = turns.take().then((release) => {
    order.push("third");
    return must(release, "its turn came");
  });
  t.equal(turns.waiting, 2);
  t.equal(await turns.take(), null, "nobody waits behind a full queue");
  first();
  first();
  const release = await second;
  t.same(order, ["second"], "giving a turn back twice gives one back");
  release();
  (await third)();
  t.same(order, ["second", "third"]);
  t.ok(await turns.take(), "and then it is free again");
});

t.test("who has waited too long is refused", async (t) => {
  const turns = new Turns(1, 2, 1);
  const release = must(await turns.take(), "it is free");
  t.equal(await turns.take(), null);
  t.equal(turns.waiting, 0);
  release();
  t.ok(await turns.take());
});
