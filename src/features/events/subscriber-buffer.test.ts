/** Tests the subscriber's ring buffer against a model with a plain list. */
import * as fc from "fast-check";
import t from "tap";
import { SUBSCRIBER_BUFFER_BYTES_MAX, SUBSCRIBER_BUFFER_EVENTS_MAX } from "../../../schemas/limits/events.js";
import { AssertionError } from "../../base/assert.js";
import type { CommittedEvent } from "../../../schemas/events.js";
import { HeldEvents } from "./held-events.js";
import { isGap, SubscriberBuffer, type Gap } from "./subscriber-buffer.js";

function event(id: number): CommittedEvent {
  return { id, topic: "t", source: "", text: `{"id":${id}}` };
}

function take(buffer: SubscriberBuffer): (number | Gap)[] {
  const items: (number | Gap)[] = [];
  for (let item = buffer.shift(); item !== undefined; item = buffer.shift()) items.push(isGap(item) ? item : item.id);
  return items;
}

t.test("the newest events are dropped, and a gap takes their place", (t) => {
  const buffer = new SubscriberBuffer(undefined, 2);
  t.equal(buffer.peek(), undefined);
  t.equal(buffer.shift(), undefined);
  const first = event(1);
  t.ok(buffer.offer(first));
  t.equal(buffer.peek(), first, "a reference, no copy");
  t.ok(buffer.offer(event(2)));
  t.notOk(buffer.offer(event(3)));
  t.notOk(buffer.offer(event(4)));
  t.same([buffer.events, buffer.dropped], [2, 2]);
  t.equal(buffer.shift(), first);
  t.ok(buffer.offer(event(5)));
  t.notOk(buffer.offer(event(6)));
  t.same([buffer.events, buffer.dropped], [2, 3]);
  t.same(take(buffer), [2, { kind: "gap", count: 2, after_id: 2 }, 5, { kind: "gap", count: 1, after_id: 5 }]);
  t.same([buffer.events, buffer.dropped], [0, 3], "drops are counted for good");
  t.end();
});

t.test("it behaves as the contract says", (t) => {
  const buffer = new SubscriberBuffer();
  for (let id = 1; id <= 1000; id++) buffer.offer(event(id));
  t.equal(buffer.events, SUBSCRIBER_BUFFER_EVENTS_MAX);
  t.equal(buffer.dropped, 1000 - SUBSCRIBER_BUFFER_EVENTS_MAX);
  const items = take(buffer);
  t.same(
    items.slice(0, -1),
    Array.from({ length: SUBSCRIBER_BUFFER_EVENTS_MAX }, (_, at) => at + 1),
  );
  t.same(items.at(-1), {
    kind: "gap",
    count: 1000 - SUBSCRIBER_BUFFER_EVENTS_MAX,
    after_id: SUBSCRIBER_BUFFER_EVENTS_MAX,
  });
  t.throws(() => new SubscriberBuffer(undefined, 0), AssertionError);
  t.throws(() => new SubscriberBuffer(undefined, 1.5), AssertionError);
  t.end();
});

/**
 * Models the buffer by a plain list of events and gaps. The model does not store the last id before a gap, but searches
 * the list for it.
 */
class Model {
  readonly items: (number | Gap)[] = [];
  readonly passed: number[] = [0];
  dropped = 0;

  constructor(readonly capacity: number) {}

  get events(): number {
    return this.items.filter((item) => typeof item === "number").length;
  }

  offer(id: number): boolean {
    if (this.events < this.capacity) {
      this.items.push(id);
      return true;
    }
    this.dropped++;
    const last = this.items.at(-1);
    if (typeof last === "object") last.count++;
    else this.items.push({ kind: "gap", count: 1, after_id: last ?? Math.max(...this.passed) });
    return false;
  }

  shift(): number | Gap | undefined {
    const item = this.items.shift();
    if (typeof item === "number") this.passed.push(item);
    return item;
  }
}

t.test("it behaves like a plain list", (t) => {
  const command = fc.oneof(
    { weight: 4, arbitrary: fc.constant("offer" as const) },
    { weight: 3, arbitrary: fc.constant("shift" as const) },
    fc.constant("pass" as const),
  );
  let gaps = 0;
  const property = fc.property(
    fc.integer({ min: 1, max: 5 }),
    fc.array(command, { maxLength: 120, size: "max" }),
    (capacity, commands) => {
      const buffer = new SubscriberBuffer(undefined, capacity);
      const model = new Model(capacity);
      let id = 0;
      const agree = (item: CommittedEvent | Gap | undefined, expected: number | Gap | undefined): boolean => {
        if (item === undefined || expected === undefined) return item === expected;
        return isGap(item) ? JSON.stringify(item) === JSON.stringify(expected) : item.id === expected;
      };
      for (const each of commands) {
        if (each === "offer") {
          id += 3;
          if (buffer.offer(event(id)) !== model.offer(id)) return false;
        } else if (each === "pass" && model.items.length === 0) {
          // An event bypasses the buffer only if the buffer is empty.
          id += 3;
          buffer.noteDelivered(id);
          model.passed.push(id);
        } else {
          const peeked = buffer.peek();
          const expected = model.shift();
          if (buffer.shift() !== peeked || !agree(peeked, expected)) return false;
          if (typeof expected === "object") gaps++;
        }
        if (!agree(buffer.peek(), model.items[0]) || buffer.events !== model.events || buffer.dropped !== model.dropped)
          return false;
        if (model.items.length - model.events > model.events + 1) return false;
      }
      return true;
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2000 }));
  t.ok(gaps > 1000, `gaps were delivered: ${gaps}`);
  t.end();
});

t.test("an event that several subscribers wait for is kept once, within a bound in bytes", (t) => {
  const text = (id: number): CommittedEvent => ({ id, topic: "t", source: "", text: "x".repeat(100) });
  const held = new HeldEvents(350);
  const [one, other] = [new SubscriberBuffer(held), new SubscriberBuffer(held)];
  for (const id of [1, 2, 3]) t.ok(one.offer(text(id)));
  for (const id of [1, 2, 3]) t.ok(other.offer(text(id)));
  t.equal(held.bytes, 300);
  t.equal(one.peek(), other.peek(), "the same event");
  t.notOk(one.offer(text(4)), "there is no room for a fourth");
  one.clear();
  t.equal(held.bytes, 300, "the other one waits still");
  other.shift();
  t.equal(held.bytes, 200);
  t.ok(other.offer(text(4)));
  other.clear();
  t.equal(held.bytes, 0);
  const large = { ...text(5), text: "x".repeat(SUBSCRIBER_BUFFER_BYTES_MAX) };
  const single = new SubscriberBuffer();
  t.ok(single.offer({ ...large, text: `${large.text}x` }), "one of any size");
  t.notOk(single.offer(text(6)), "and nothing after it");
  t.end();
});
