/** Callers take turns: what is taken next, whoever has queued how much. */
import t from "tap";
import { FairQueue } from "./fair-queue.js";

const item = (text: string) => ({ caller: text[0] ?? "", text });

function drain(queue: FairQueue<ReturnType<typeof item>>): string {
  const taken: string[] = [];
  for (let next = queue.take(); next !== undefined; next = queue.take()) taken.push(next.text);
  return taken.join(" ");
}

t.test("callers by turns, each one's items in their order", (t) => {
  const queue = new FairQueue<ReturnType<typeof item>>();
  for (const text of ["a1", "a2", "a3", "a4", "b1", "c1", "b2"]) queue.push(item(text));
  t.same([queue.size, queue.sizeOf("a"), queue.sizeOf("x")], [7, 4, 0]);
  t.equal(queue.peek()?.text, "a1");
  t.equal(drain(queue), "a1 b1 c1 a2 b2 a3 a4");
  t.equal(queue.size, 0);
  t.equal(queue.peek(), undefined);
  t.end();
});

t.test("who comes later waits for one item of each other", (t) => {
  const queue = new FairQueue<ReturnType<typeof item>>();
  for (const text of ["a1", "a2", "a3"]) queue.push(item(text));
  t.equal(queue.take()?.text, "a1");
  queue.push(item("b1"));
  t.equal(drain(queue), "a2 b1 a3");
  t.end();
});

t.test("what is put back comes first where its caller has nothing else", (t) => {
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

t.test("some leave, the others stay in their order", (t) => {
  const queue = new FairQueue<ReturnType<typeof item>>();
  for (const text of ["a1", "a2", "b1", "a3"]) queue.push(item(text));
  t.same(
    queue.takeWhere(({ text }) => text.endsWith("1")).map(({ text }) => text),
    ["a1", "b1"],
  );
  t.equal(drain(queue), "a2 a3");
  t.end();
});
