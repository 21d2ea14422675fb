/** Tests how numbers, times and sizes are displayed, including the boundaries between units. */
import * as fc from "fast-check";
import t from "tap";
import {
  ago,
  ahead,
  bytes,
  clockTime,
  compact,
  count,
  dollars,
  duration,
  fullTime,
  plural,
  seconds,
} from "./format.js";

t.test("durations and ages have a short form", (t) => {
  const MINUTE = 60_000;
  t.equal(duration(-5), "0 s");
  t.equal(duration(59_999), "59 s");
  t.equal(duration(MINUTE), "1 min");
  t.equal(duration(60 * MINUTE - 1), "59 min");
  t.equal(duration(60 * MINUTE), "1 h");
  t.equal(duration(24 * 60 * MINUTE - 1), "23 h");
  t.equal(duration(48 * 60 * MINUTE), "2 d");
  t.equal(ago(1_000, 2_000), "just now");
  t.equal(ago(5_000, 1_000), "just now", "another clock may be ahead");
  t.equal(ago(0, 2_000), "2 s ago");
  t.equal(ahead(63_000, 2_000), "in 1 min");
  t.equal(ahead(2_999, 2_000), "now");
  t.equal(ahead(0, 2_000), "now", "already over");
  t.end();
});

t.test("a time of today is its clock, and one of another day has its date before it", (t) => {
  const noon = new Date(2026, 2, 14, 12, 0, 0).getTime();
  t.equal(clockTime(new Date(2026, 2, 14, 0, 2, 11).getTime(), noon), "00:02:11");
  t.match(clockTime(new Date(2026, 2, 13, 23, 59, 59).getTime(), noon), /13.* 23:59:59$/);
  t.match(fullTime(noon), /2026/);
  t.end();
});

t.test("sizes have a unit", (t) => {
  const said = [0, 999, 1_000, 9_949, 9_951, 10_400, 999_499, 999_500, 1_234_567, 5e12].map(bytes);
  t.same(said, ["0 B", "999 B", "1 kB", "9.9 kB", "10 kB", "10 kB", "999 kB", "1 MB", "1.2 MB", "5,000 GB"]);
  t.end();
});

t.test("seconds have a unit", (t) => {
  const said = [0, 0.000_24, 0.000_999_7, 0.0031, 0.123, 0.9994, 0.9996, 1.24, 12.4, 123, 4_000].map(seconds);
  t.same(said, ["0 s", "240 µs", "1 ms", "3.1 ms", "123 ms", "999 ms", "1 s", "1.2 s", "12 s", "123 s", "4,000 s"]);
  t.end();
});

t.test("dollars are rounded", (t) => {
  const said = [0, 0.000_000_1, 0.000_012, 0.0042, 0.0994, 0.0996, 12.4, 1234.5].map(dollars);
  t.same(said, ["$0", "under $0.00001", "$0.000012", "$0.0042", "$0.099", "$0.10", "$12.40", "$1,234.50"]);
  t.end();
});

t.test("large counts are shortened", (t) => {
  t.equal(count(1234), "1,234");
  t.equal(compact(1234), "1.2K");
  t.equal(plural(1, "event"), "1 event");
  t.equal(plural(0, "event"), "0 events");
  t.equal(plural(2_000, "entry", "entries"), "2,000 entries");
  t.end();
});

t.test("no figure has an exponent, or is 1000 of a unit", (t) => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e11, noNaN: true }), (value) => {
      for (const said of [bytes(value), seconds(value), dollars(value)])
        t.notMatch(said, /e[+-]|^1,?000 (?:k|M|B|m|µ)/);
    }),
  );
  t.end();
});
