/** Tests which events share a line. */
import t from "tap";
import { linesOf } from "./lines.js";

const FROM_MS = Date.parse("2026-02-09T14:00:00Z");
const event = (id: number, topic: string, minute = id) => ({
  id,
  topic,
  data: null,
  source: "",
  created_at: new Date(FROM_MS + minute * 60_000).toISOString(),
});
const shown = (lines: ReturnType<typeof linesOf>) =>
  lines.map(({ newest, oldest, count }) => `${newest.topic} ${oldest.id}-${newest.id} ×${count}`);

t.test("events with the same sentence are one line, wherever they are in the range", (t) => {
  const events = [event(1, "a"), event(2, "b"), event(3, "a"), event(4, "c"), event(5, "a")];
  t.same(shown(linesOf(events, FROM_MS, 10)), ["a 1-5 ×3", "c 4-4 ×1", "b 2-2 ×1"]);
  t.same(shown(linesOf(events, FROM_MS, 2)), ["a 1-5 ×3", "c 4-4 ×1"], "later lines are left out, and no event is");
  t.end();
});

t.test("events before the range are not counted in it", (t) => {
  const events = [event(1, "a", -9), event(2, "a", -8), event(3, "a", 1)];
  const lines = linesOf(events, FROM_MS, 10);
  t.same(shown(lines), ["a 3-3 ×1", "a 1-2 ×2"]);
  t.equal(new Set(lines.map(({ key }) => key)).size, 2);
  t.end();
});

t.test("a line keeps its key when it gets newer events", (t) => {
  const [before] = linesOf([event(1, "a")], FROM_MS, 10);
  const [after] = linesOf([event(1, "a"), event(2, "a")], FROM_MS, 10);
  t.equal(before?.key, after?.key);
  t.end();
});
