/** Tests the cursor, which is a client's position in the events of a server. */
import * as fc from "fast-check";
import t from "tap";
import { EventCursor } from "./event-cursor.js";

t.test("each event is taken once, in any order of deliveries", (t) => {
  const property = fc.property(fc.nat(20), fc.array(fc.integer({ min: 1, max: 50 })), (start, ids) => {
    const cursor = new EventCursor(start);
    const taken = ids.filter((id) => cursor.take(id));
    const ascending = taken.every((id, at) => id > (taken[at - 1] ?? start));
    return ascending && cursor.id === Math.max(start, ...ids);
  });
  t.doesNotThrow(() => fc.assert(property));
  t.end();
});

t.test("it knows whether a subscription has received something", (t) => {
  const cursor = new EventCursor(5);
  t.equal(cursor.hasMoved, false);
  t.equal(cursor.take(5), false);
  t.equal(cursor.hasMoved, false, "an event that was received before does not count");
  t.equal(cursor.take(7), true);
  t.equal(cursor.hasMoved, true);
  cursor.subscribed();
  t.same([cursor.id, cursor.hasMoved], [7, false]);
  t.end();
});

t.test("it is set back when the server's newest event is older", (t) => {
  const cursor = new EventCursor(50);
  cursor.take(60);
  cursor.rewind(3);
  t.same([cursor.id, cursor.hasMoved], [3, false]);
  t.equal(cursor.take(4), true);
  t.end();
});
