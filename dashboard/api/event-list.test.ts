import t from "tap";
import {
  addEvents,
  addGap,
  dataPreview,
  findEvent,
  heldEvent,
  NO_EVENTS,
  type EventList,
  type Gap,
} from "./event-list.js";
import type { Event } from "./types.js";

const event = (id: number, data: unknown = null): Event => ({
  id,
  topic: "api.change",
  data,
  source: "",
  created_at: "2026-02-09T14:30:00.000Z",
});
const events = (...ids: readonly number[]): Event[] => ids.map((id) => event(id));
const ids = (list: EventList): number[] => list.events.map(({ id }) => id);
const gap = (afterId: number, count: number): Gap => ({ after_id: afterId, count, why: "dropped", exact: true });

t.test("events that follow one another are appended", (t) => {
  const list = addEvents(addEvents(NO_EVENTS, events(1, 2), 10), events(3, 7), 10);
  t.same(ids(list), [1, 2, 3, 7]);
  t.equal(list.evicted, 0);
  t.end();
});

t.test("adding nothing returns the same list, so that nothing is rendered again", (t) => {
  const list = addEvents(NO_EVENTS, events(1), 10);
  t.equal(addEvents(list, [], 10), list);
  t.end();
});

t.test("each event is there once and at its place, in any order of arrival", (t) => {
  const list = addEvents(addEvents(NO_EVENTS, events(5, 9), 10), events(9, 6, 2, 6), 10);
  t.same(ids(list), [2, 5, 6, 9]);
  t.end();
});

t.test("only the newest are kept, and the others counted", (t) => {
  let list = addEvents(NO_EVENTS, events(1, 2, 3), 3);
  list = addEvents(list, events(4, 5), 3);
  t.same(ids(list), [3, 4, 5]);
  t.equal(list.evicted, 2);
  list = addEvents(list, events(...Array.from({ length: 10 }, (_, at) => at + 6)), 3);
  t.same(ids(list), [13, 14, 15], "more at once than are kept");
  t.equal(list.evicted, 12);
  t.end();
});

t.test("gaps are in order, and are removed with the events around them", (t) => {
  let list = addEvents(NO_EVENTS, events(1, 5, 9), 4);
  list = addGap(addGap(list, gap(5, 3)), gap(1, 2));
  t.same(
    list.gaps.map(({ after_id }) => after_id),
    [1, 5],
  );
  list = addEvents(list, events(10, 11, 12), 4);
  t.same(ids(list), [9, 10, 11, 12]);
  t.same(list.gaps, [], "a gap before the oldest event is not in this list");
  t.end();
});

t.test("a gap found again does not shrink, and an empty gap is not added", (t) => {
  const list = addGap(addEvents(NO_EVENTS, events(1, 9), 10), gap(1, 7));
  t.equal(addGap(list, gap(1, 4)), list);
  t.same(addGap(list, gap(1, 8)).gaps, [gap(1, 8)]);
  t.equal(addGap(list, gap(9, 0)), list);
  t.end();
});

t.test("only the beginning of long data is held", (t) => {
  const small = event(1, { n: 1 });
  t.equal(heldEvent(small), small);
  const long = event(2, "x".repeat(100_000));
  const held = heldEvent(long, 100_100);
  t.equal(held.cut, true);
  t.ok(JSON.stringify(held).length < 2_000);
  t.match(held.data, /^"xxx/);
  t.equal(heldEvent(small, 1_000_000), small, "a long text whose data are short, because of its white space");
  t.end();
});

t.test("data are formatted on one line", (t) => {
  t.equal(dataPreview(event(1, { n: 1 })), '{"n":1}');
  t.equal(dataPreview(event(1, "text")), '"text"');
  t.equal(dataPreview(event(1)), "");
  t.equal(dataPreview(heldEvent(event(1, ["y".repeat(9_000)]))), `["${"y".repeat(298)}…`);
  t.end();
});

t.test("data may be nested deeper than the stack allows", (t) => {
  const deep = (levels: number): unknown => JSON.parse(`${"[".repeat(levels)}${"]".repeat(levels)}`);
  const held = heldEvent(event(1, deep(90_000)), 180_100);
  t.equal(held.cut, true);
  t.equal(dataPreview(held), `${"[".repeat(300)}…`);
  t.equal(dataPreview(heldEvent(event(2, deep(4_000)))), `${"[".repeat(300)}…`);
  t.end();
});

t.test("an event is found by its id", (t) => {
  const list = addEvents(NO_EVENTS, events(1, 2, 3), 10);
  t.equal(findEvent(list, 2)?.id, 2);
  t.equal(findEvent(list, 4), undefined);
  t.end();
});
