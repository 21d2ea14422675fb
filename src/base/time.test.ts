/** Tests which texts are accepted as RFC 3339 times, and that parsing a formatted time returns the same time. */
import * as fc from "fast-check";
import t from "tap";
import { AssertionError } from "./assert.js";
import { formatTime, parseTime } from "./time.js";

const TIME_MS_MIN = Date.parse("0000-01-01T00:00:00Z");
const TIME_MS_MAX = Date.parse("9999-12-31T23:59:59.999Z");

t.test("times are read to the millisecond", (t) => {
  const base = Date.UTC(2026, 1, 9, 14, 30, 0);
  const cases: [string, number][] = [
    ["2026-02-09T14:30:00Z", base],
    ["2026-02-09t14:30:00z", base],
    ["2026-02-09T15:30:00+01:00", base],
    ["2026-02-09T09:00:00-05:30", base],
    ["2026-02-09T14:30:00-00:00", base],
    ["2026-02-10T14:29:00+23:59", base],
    ["2026-02-09T14:30:00.1Z", base + 100],
    ["2026-02-09T14:30:00.12Z", base + 120],
    ["2026-02-09T14:30:00.012Z", base + 12],
    ["2026-02-09T14:30:00.1239999999999999999999Z", base + 123],
    ["2026-02-09T14:30:00.000999Z", base],
    ["1970-01-01T00:00:00Z", 0],
    ["1969-12-31T23:59:59.999Z", -1],
    ["2024-02-29T00:00:00Z", Date.UTC(2024, 1, 29)],
    ["2000-02-29T00:00:00Z", Date.UTC(2000, 1, 29)],
    ["0000-02-29T00:00:00Z", Date.parse("0000-02-29T00:00:00Z")],
    ["0099-12-31T23:59:59.999Z", Date.parse("0099-12-31T23:59:59.999Z")],
    ["9999-12-31T23:59:59.999Z", TIME_MS_MAX],
  ];
  for (const [text, ms] of cases) t.equal(parseTime(text), ms, text);
  t.end();
});

t.test("texts that are no times are refused", (t) => {
  const malformed = [
    "",
    "now",
    "2026-02-09",
    "2026-02-09T14:30:00",
    "2026-02-09T14:30Z",
    "2026-02-09 14:30:00Z",
    "2026-02-09T14:30:00 01:00",
    "2026-02-09T14:30:00+0100",
    "2026-02-09T14:30:00+01",
    "2026-02-09T14:30:00+24:00",
    "2026-02-09T14:30:00+01:60",
    "2026-02-09T14:30:00.Z",
    "2026-02-09T14:30:00,5Z",
    "2026-02-09T24:00:00Z",
    "2026-02-09T14:60:00Z",
    "2026-02-09T14:30:60Z",
    "2016-12-31T23:59:60Z",
    "2026-00-09T14:30:00Z",
    "2026-13-09T14:30:00Z",
    "2026-02-00T14:30:00Z",
    "2026-02-29T14:30:00Z",
    "1900-02-29T00:00:00Z",
    "2026-04-31T14:30:00Z",
    "2026-2-9T14:30:00Z",
    "12026-02-09T14:30:00Z",
    "-026-02-09T14:30:00Z",
    "+002026-02-09T14:30:00Z",
    " 2026-02-09T14:30:00Z",
    "2026-02-09T14:30:00Z ",
    "2026-02-09T14:30:00Z\n",
    "2026-02-09T14:30:00ZZ",
    "2026-02-09T14:30:00Z+01:00",
    "٢٠٢٦-02-09T14:30:00Z",
    "1770647400",
  ];
  for (const text of malformed) t.equal(parseTime(text), undefined, JSON.stringify(text));
  t.end();
});

t.test("times are written with three fraction digits", (t) => {
  t.equal(formatTime(Date.UTC(2026, 1, 9, 14, 30, 0, 123)), "2026-02-09T14:30:00.123Z");
  t.equal(formatTime(Date.UTC(2026, 1, 9, 14, 30, 0, 7)), "2026-02-09T14:30:00.007Z", "the same second again");
  t.equal(formatTime(Date.UTC(2026, 1, 9, 14, 30, 0, 70)), "2026-02-09T14:30:00.070Z");
  t.equal(formatTime(Date.UTC(2026, 1, 9, 14, 30, 1)), "2026-02-09T14:30:01.000Z");
  t.equal(formatTime(-1), "1969-12-31T23:59:59.999Z");
  for (const ms of [1.5, Number.NaN, Number.POSITIVE_INFINITY, TIME_MS_MIN - 1, TIME_MS_MAX + 1]) {
    t.throws(() => formatTime(ms), AssertionError, `${ms} has no such text`);
  }
  t.end();
});

t.test("any time is formatted as Date does it, and parsed back", (t) => {
  const anyTime = fc.oneof(
    fc.integer({ min: TIME_MS_MIN, max: TIME_MS_MAX }),
    // Consecutive times within a few seconds, so that many of them share a second.
    fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2026, 0, 1) + 5_000 }),
  );
  const property = fc.property(anyTime, fc.integer({ min: -1439, max: 1439 }), (ms, offsetMinutes) => {
    const text = new Date(ms).toISOString();
    const shifted = ms + offsetMinutes * 60_000;
    if (formatTime(ms) !== text || parseTime(text) !== ms) return false;
    if (shifted < TIME_MS_MIN || shifted > TIME_MS_MAX) return true;
    const clock = (minutes: number): string => String(minutes).padStart(2, "0");
    const distance = Math.abs(offsetMinutes);
    const offset = `${offsetMinutes < 0 ? "-" : "+"}${clock(Math.floor(distance / 60))}:${clock(distance % 60)}`;
    return parseTime(new Date(shifted).toISOString().replace("Z", offset)) === ms;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 1000 }));
  t.end();
});
