/**
 * Tests one waiting call with fake conditions. Covers the order of reports, the contents of the cursor, and results
 * that arrive after the wait has ended.
 */
import t from "tap";
import { type Failure, invalid } from "../../base/result.js";
import { WaitQueue } from "../../base/wait-queue.js";
import { waitFor, type Wakeable } from "../../base/waiter.js";
import { NO_CALLER } from "../../platform/rpc/frames.js";
import { type Found, WaitingCall } from "./call.js";
import { Condition, conditionRow, type Looked } from "./condition.js";
import type { Cursor } from "./cursor.js";

/** A condition that holds whenever its counter has increased. Each increase is reported once. */
class Counter {
  value = 0;
  looks = 0;
  refusal: Failure | null = null;
  /** Ends the pending evaluation. Null if no evaluation is pending. */
  answer: ((looked: Looked) => void) | null = null;
  slow = false;
  readonly listeners = new Set<Wakeable>();

  readonly condition: Condition;

  constructor(readonly name: string) {
    const row = conditionRow<string>({
      parameter: "state",
      read: () => [],
      identity: (subject) => [subject],
      marks: /^\d+$/,
      start: () => String(this.value),
      listen: (_subject, waiter) => {
        this.listeners.add(waiter);
        return () => this.listeners.delete(waiter);
      },
      look: (_subject, mark) => {
        this.looks += 1;
        if (this.refusal !== null) return this.refusal;
        const now = {
          matched: String(this.value) === mark ? null : `${this.name}${this.value}`,
          mark: String(this.value),
        };
        if (!this.slow) return now;
        return new Promise((resolve) => {
          this.answer = () => resolve(now);
        });
      },
      rest: (_subject, mark) => `${mark}0`,
    });
    this.condition = new Condition(row, name);
  }

  change(): void {
    this.value += 1;
    for (const waiter of this.listeners) waiter.wake();
  }
}

const at = (call: WaitingCall): Cursor => call.cursor(0, () => 0);
const open = (counter: readonly Counter[], cursor: Cursor | null = null): WaitingCall =>
  new WaitingCall(
    counter.map(({ condition }) => condition),
    NO_CALLER,
    cursor,
  );
const tick = (): Promise<void> => new Promise((resolve) => void setImmediate(() => setImmediate(resolve)));

function wait(call: WaitingCall): { readonly found: Promise<Found | null>; readonly abort: () => void } {
  let abort = (): void => undefined;
  const found = waitFor<Found>({
    queue: new WaitQueue(),
    look: () => call.look(),
    waitMs: 60_000,
    listen: (waiter) => call.listen(waiter),
    onAbort: (listener) => {
      abort = listener;
    },
  });
  return { found, abort: () => abort() };
}

t.test("conditions that hold are reported round robin, across calls", async (t) => {
  const [a, b, c] = [new Counter("a"), new Counter("b"), new Counter("c")];
  const all = [a, b, c];
  let cursor = at(open(all));
  const results: (Found | null)[] = [];
  for (let round = 0; round < 6; round++) {
    for (const counter of [a, c]) counter.change();
    const call = open(all, cursor);
    results.push(await call.look());
    cursor = at(call);
  }
  t.same(results, ["a1", "c2", "a3", "c4", "a5", "c6"]);
  const otherOrder = open([c, b, a], cursor);
  t.equal(await otherOrder.look(), "a6", "the order does not depend on that of the parameters");
});

t.test("an unreported change is kept; a new condition starts now", async (t) => {
  const [a, b] = [new Counter("a"), new Counter("b")];
  const first = open([a]);
  t.equal(await first.look(), null);
  a.change();
  b.change();
  const second = open([a, b], at(first));
  t.equal(await second.look(), "a1");
  t.equal(await second.look(), null, "b had this value when it was first waited for");
  const strange = at(second).marks;
  const madeUp = new WaitingCall([a.condition], NO_CALLER, { event: 0, eventAt: 0, last: "", marks: strange });
  t.equal(await madeUp.look(), null);
  const marks = new Map([[a.condition.name, "x"]]);
  t.equal(
    await new WaitingCall([a.condition], NO_CALLER, { event: 0, eventAt: 0, last: "", marks }).look(),
    null,
    "a mark of another form counts as unknown",
  );
});

t.test("a wait that ends quietly lets the next begin there; one that was woken does not", async (t) => {
  const a = new Counter("a");
  const quiet = open([a]);
  const first = wait(quiet);
  await tick();
  first.abort();
  t.equal(await first.found, null);
  quiet.rest();
  t.same([...at(quiet).marks.values()], ["00"]);
  t.equal(a.listeners.size, 0);

  const woken = open([a]);
  const second = wait(woken);
  await tick();
  for (const waiter of a.listeners) waiter.wake();
  second.abort();
  t.equal(await second.found, null);
  woken.rest();
  t.same([...at(woken).marks.values()], ["0"], "no look has covered the change that woke it");

  a.slow = true;
  const looking = open([a]);
  const third = wait(looking);
  third.abort();
  await third.found;
  looking.rest();
  t.same([...at(looking).marks.values()], ["0"], "nor has a look that has not finished");
});

t.test("a result after the reply is not reported, and so not kept", async (t) => {
  const a = new Counter("a");
  a.slow = true;
  const call = open([a]);
  const { found, abort } = wait(call);
  a.change();
  await tick();
  abort();
  t.equal(await found, null);
  a.answer?.({ matched: null, mark: "" });
  await tick();
  a.slow = false;
  t.equal(await open([a], at(call)).look(), "a1", "the next call reports it");
});

t.test("a refusal is an answer; after forget, conditions start now", async (t) => {
  const [a, b] = [new Counter("a"), new Counter("b")];
  const call = open([a, b]);
  for (const counter of [a, b]) counter.change();
  a.refusal = invalid("busy");
  t.match(await call.look(), { message: "busy" });
  a.refusal = null;
  call.forget();
  t.equal(await call.look(), null);
});
