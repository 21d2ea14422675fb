/** Tests the order of a fair queue: it serves callers round-robin, however many items each caller has queued. */
import t from "tap";
import { FairQueue } from "./fair-queue.js";

const item = (text: string) => ({ caller: text[0] ?? "", text });

function drain(queue: FairQueue<ReturnType<typeof item>>): string {
  const taken: string[] = [];
  for (let next = queue.take(); next !== undefined; next = queue.take()) taken.push(next.text);
  return taken.join(" ");
}

t.test("callers are served round-robin, the items of each in their order", (t) => {
  const queue = new FairQueue<ReturnType<typeof item>>();
  for (const text of ["a1", "a2", "a3", "a4", "b1", "c1", "b2"]) queue.push(item(text));
  t.same([queue.size, queue.sizeOf("a"), queue.sizeOf("x")], [7, 4, 0]);
  t.equal(queue.peek()?.text, "a1");
  t.equal(drain(queue), "a1 b1 c1 a2 b2 a3 a4");
  t.equal(queue.size, 0);
  t.equal(queue.peek(), undefined);
  t.end();
});

t.test("a later caller waits for one item of each other caller", (t) => {
  const queue = new FairQueue<ReturnType<typeof item>>();
  for (const text of ["a1", "a2", "a3"]) queue.push(item(text));
  t.equal(queue.take()?.text, "a1");
  queue.push(item("b1"));
  t.equal(drain(queue), "a2 b1 a3");
  t.end();
});

t.test("an item that is put back comes first if its caller has no other", (t) => {
  const queue = new FairQueue<ReturnType<typeof item>>();
  for (const text of ["a1", "a2", "a3", "a4", "b1"]) queue.push(item(text));
  const taken = [queue.take(), queue.take(), queue.take()].filter((one) => one !== undefined);
  t.same(
    taken.map(({ text }) => text),
    ["a1", "b1", "a2"],
  );
  queue.putBack(taken.slice(1));
  t.equal(queue.size, 4);
  t.equal(drain(queue), "b1 a2 a3 a4");
  t.end();
});

t.test("removing items leaves the order of the others as it is", (t) => {
  for (const [left, rest] of [
    ["a1", "a2 b1 c1 b2"],
    ["b1", "a1 b2 c1 a2"],
    ["c1", "a1 b1 a2 b2"],
    ["none", "a1 b1 c1 a2 b2"],
  ] as const) {
    const queue = new FairQueue<ReturnType<typeof item>>();
    for (const text of ["z1", "a1", "b1", "c1", "b2", "a2"]) queue.push(item(text));
    const taken = queue.take();
    t.equal(queue.takeWhere(({ text }) => text === left).length, left === "none" ? 0 : 1);
    t.equal(queue.size, left === "none" ? 5 : 4);
    t.equal(drain(queue), rest, left);
    // Items that were put back must come first, even when later items arrive.
    for (const text of ["b1", "c1", "c2"]) queue.push(item(text));
    queue.putBack([...(taken === undefined ? [] : [taken]), item("y1"), item("z2")]);
    t.same(
      queue.takeWhere(({ text }) => text === "z1" || text === "c1").map(({ text }) => text),
      ["z1", "c1"],
    );
    t.equal(drain(queue), "y1 z2 b1 c2");
  }
  t.end();
});

t.test("removing some items of a caller keeps the order of its others", (t) => {
  const queue = new FairQueue<ReturnType<typeof item>>();
  for (const text of ["a1", "a2", "b1", "a3"]) queue.push(item(text));
  t.same(
    queue.takeWhere(({ text }) => text.endsWith("1")).map(({ text }) => text),
    ["a1", "b1"],
  );
  t.equal(drain(queue), "a2 a3");
  t.end();
});
