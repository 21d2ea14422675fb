/** Tests that a key wakes only the waiters for that key, and that removed waiters leave no entry. */
import t from "tap";
import type { Wakeable } from "./waiter.js";
import { Waiters } from "./waiters.js";

function fakeWaiter(): Wakeable & { readonly woken: string[] } {
  const woken: string[] = [];
  return { woken, wake: () => void woken.push("woken") };
}

t.test("only the waiters of a key are woken, until they leave", (t) => {
  const waiters = new Waiters<string>();
  const [one, two, other] = [fakeWaiter(), fakeWaiter(), fakeWaiter()];
  const leave = waiters.add("a", one);
  waiters.add("a", two);
  const leaveOther = waiters.add("b", other);
  t.equal(waiters.size, 3);
  waiters.wake("a");
  waiters.wake("no waiter's");
  t.same([one.woken, two.woken, other.woken], [["woken"], ["woken"], []]);
  leave();
  leave();
  leaveOther();
  t.equal(waiters.size, 1, "once is enough");
  waiters.add("b", one);
  waiters.wakeAll();
  t.same([one.woken.length, two.woken.length, other.woken.length], [2, 2, 0]);
  t.end();
});

t.test("a late removal does not remove waiters that came under the key meanwhile", (t) => {
  const waiters = new Waiters<string>();
  const late = fakeWaiter();
  const leave = waiters.add("a", fakeWaiter());
  leave();
  waiters.add("a", late);
  leave();
  waiters.wake("a");
  t.same(late.woken, ["woken"]);
  t.equal(waiters.size, 1);
  t.end();
});
