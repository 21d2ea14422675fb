import t from "tap";
import { NO_EVENTS, type EventList, type Gap } from "../../api/event-list.js";
import type { Event } from "../../api/types.js";
import {
  addressFor,
  asCurl,
  askedBy,
  countsOverTime,
  cursorOf,
  formatGap,
  keyOf,
  neighbour,
  formatRate,
  rowsOf,
  wholeEvent,
} from "./model.js";

const event = (id: number): Event => ({ id, topic: "a", data: null, source: "", created_at: "2026-02-09T14:30:00Z" });
const gap = (afterId: number): Gap => ({ after_id: afterId, count: 2, why: "pruned", exact: true });
const LIST: EventList = { ...NO_EVENTS, events: [event(5), event(9), event(10)], gaps: [gap(2), gap(5), gap(10)] };

t.test("gaps are rows at their places, in both orders", (t) => {
  const wanted = ["gap 2", 5, "gap 5", 9, 10, "gap 10"];
  t.same(rowsOf(LIST, false).map(keyOf), wanted);
  t.same(rowsOf(LIST, true).map(keyOf), wanted.toReversed());
  t.same(rowsOf(NO_EVENTS, true), []);
  t.same(rowsOf({ ...NO_EVENTS, gaps: [gap(3)] }, true).map(keyOf), ["gap 3"], "a gap without a later event");
  t.end();
});

t.test("a gap's row has a text", (t) => {
  t.equal(formatGap({ ...gap(1), count: 1200 }), "1,200 events are no longer kept.");
  t.match(formatGap({ ...gap(1), count: 1 }), "1 event is no longer kept.");
  t.match(formatGap({ ...gap(1), exact: false }), /of all topics .* may have matched/);
  t.match(formatGap({ ...gap(1), why: "dropped" }), /2 events were dropped/);
  t.end();
});

t.test("an address is parsed; malformed parameters are ignored", (t) => {
  const asked = { pattern: "api.**", since: 42, until: 44, id: 7 };
  t.equal(addressFor(asked), "/events?pattern=api.**&since=42&until=44&id=7");
  t.same(askedBy({ pattern: "api.**", since: "42", until: "44", id: "7" }), asked);
  t.equal(
    addressFor({ pattern: "", since: 0, until: null, id: null }),
    "/events?since=0",
    "from the beginning of history",
  );
  t.equal(addressFor({ pattern: "", since: null, until: null, id: null }), "/events");
  t.same(askedBy({ since: "-1", id: "x" }), { pattern: "", since: null, until: null, id: null });
  t.same(askedBy({ since: "99999999999999999999", id: "0" }), { pattern: "", since: null, until: null, id: null });
  t.end();
});

t.test("a replay begins after an id or at a time, in the notations that people use", (t) => {
  const nowMs = new Date(2026, 1, 9, 15, 0, 0).getTime();
  const at = (...parts: readonly [number, number, number?]): { readonly timeMs: number } => ({
    timeMs: new Date(2026, 1, 9, ...parts).getTime(),
  });
  t.same(cursorOf("42", nowMs), { id: 42 });
  t.same(cursorOf(" 0 ", nowMs), { id: 0 });
  t.same(cursorOf("10m", nowMs), at(14, 50));
  t.same(cursorOf("2 h", nowMs), at(13, 0));
  t.same(cursorOf("14:02", nowMs), at(14, 2));
  t.same(cursorOf("14:02:11", nowMs), at(14, 2, 11));
  t.same(cursorOf("2026-02-09", nowMs), at(0, 0), "a day begins in the viewer's zone");
  t.same(cursorOf("2026-02-09 14:02", nowMs), at(14, 2));
  t.same(cursorOf("2026-02-09T14:02:00Z", nowMs), { timeMs: Date.UTC(2026, 1, 9, 14, 2) });
  t.equal(cursorOf("  ", nowMs), null);
  for (const wrong of ["yesterday", "25:00", "14:60", "2026-99-99", "-3", "1.5", "10x"])
    t.equal(cursorOf(wrong, nowMs), undefined, wrong);
  t.end();
});

t.test("an event's data keep the digits that were sent", (t) => {
  const answer = (data: string): string =>
    `[{"id":7,"topic":"a \\"b\\"","data":${data},"source":"é","created_at":"2026-02-09T14:30:00.000Z"}]\n`;
  t.match(wholeEvent(answer('{"n":12345678901234567890,"data":1.0}'), 7), {
    topic: 'a "b"',
    source: "é",
    data: '{"n":12345678901234567890,"data":1.0}',
  });
  t.equal(wholeEvent(answer("null"), 8), null, "history continued with another event");
  t.equal(wholeEvent("[]", 7), null);
  const other = '[ {"id":7,"topic":"a","created_at":"2026-02-09T14:30:00Z","source":"","data":[1.0]} ]';
  t.equal(wholeEvent(other, 7)?.data, "[1]", "another notation is parsed, too");
  t.end();
});

t.test("a shell command publishes the same event again, whatever it contains", (t) => {
  const whole = { id: 1, topic: "a.b", data: `{"it":"isn't"}`, source: "ana", created_at: "" };
  t.equal(
    asCurl(whole, "http://127.0.0.1:9847", false),
    `curl 'http://127.0.0.1:9847/api/events/publish' -d '{"topic":"a.b","data":{"it":"isn'\\''t"},"source":"ana"}'`,
  );
  t.match(asCurl({ ...whole, source: "" }, "http://x", true), /^curl -H "Authorization: Bearer \$KOOR_TOKEN" /);
  t.notMatch(asCurl({ ...whole, source: "" }, "http://x", true), /source/);
  t.end();
});

t.test("a rate is per minute if it is less than one per second", (t) => {
  const minute = (sum: number): number[] => [sum, ...Array.from({ length: 59 }, () => 0)];
  t.equal(formatRate(minute(0)), "0/min");
  t.equal(formatRate(minute(12)), "12/min");
  t.equal(formatRate(minute(192)), "3.2/s");
  t.equal(formatRate(minute(90_000)), "1,500/s");
  t.end();
});

t.test("the neighbours of an event are events", (t) => {
  const rows = rowsOf(LIST, true);
  t.equal(neighbour(rows, 9, 1), 5, "past the gap");
  t.equal(neighbour(rows, 9, -1), 10);
  t.equal(neighbour(rows, 10, -1), null);
  t.equal(neighbour(rows, 5, 1), null);
  t.equal(neighbour(rows, null, 1), 10, "the first where none is selected");
  t.equal(neighbour(rows, 777, 1), 10, "or one that is not in the list");
  t.equal(neighbour([], null, 1), null);
  t.end();
});

t.test("events are counted over the time that they cover, with the first of each bucket", async (t) => {
  const at = (id: number, second: number): Event => ({
    ...event(id),
    created_at: `2026-02-09T14:00:${String(second).padStart(2, "0")}.500Z`,
  });
  t.equal(countsOverTime([], 10), null);
  t.same(countsOverTime([at(7, 0), at(8, 0), at(9, 2)], 10), {
    fromMs: Date.parse("2026-02-09T14:00:00Z"),
    stepMs: 1_000,
    counts: [2, 0, 1],
    firstIds: [7, undefined, 9],
  });
});
