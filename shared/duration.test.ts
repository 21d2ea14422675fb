/**
 * Tests durations in Go's style: the results are exact to the nanosecond, and the parser accepts exactly the texts that
 * Go accepts.
 */
import * as fc from "fast-check";
import t from "tap";
import { formatDuration, formatUptime, parseDuration } from "./duration.js";

t.test("durations are read exactly", (t) => {
  const cases: [string, number][] = [
    ["500ms", 500],
    ["90s", 90_000],
    ["5m", 300_000],
    ["1h30m", 5_400_000],
    ["1.5h", 5_400_000],
    ["1.1h", 3_960_000],
    ["0.1s", 100],
    [".5s", 500],
    ["1.s", 1_000],
    ["+5s", 5_000],
    ["1h0m0s", 3_600_000],
    ["1s1s", 2_000],
    ["1m1h", 3_660_000],
    ["100us", 0.1],
    ["100\u00b5s", 0.1],
    ["100\u03bcs", 0.1],
    ["1ns", 0.000_001],
    ["0h1ms", 1],
    ["0s", 0],
    ["0h0m", 0],
    ["0.1ns", 0],
    ["2562047h", 2_562_047 * 3_600_000],
  ];
  for (const [text, ms] of cases) t.equal(parseDuration(text), ms, text);
  t.end();
});

t.test("texts that are no durations are refused", (t) => {
  const malformed = [
    "",
    "+",
    "-",
    "0",
    "5",
    "5 s",
    " 5s",
    "5s ",
    "s",
    ".s",
    "1.2.3s",
    "-5s",
    "--5s",
    "1h-5m",
    "5S",
    "5d",
    "5min",
    "1e3s",
    "1,5h",
    "0x1s",
    "5s5",
    "infinity",
    "NaN",
  ];
  for (const text of malformed) t.equal(parseDuration(text), undefined, JSON.stringify(text));
  t.equal(parseDuration("2562048h"), undefined, "more than Go holds");
  t.equal(parseDuration(`${"9".repeat(100_000)}h`), undefined, "digits without end");
  t.end();
});

t.test("uptimes are whole seconds", (t) => {
  const cases: [number, string][] = [
    [0, "0s"],
    [999, "0s"],
    [-5, "0s"],
    [45_000, "45s"],
    [45_999, "45s"],
    [60_000, "1m0s"],
    [125_000, "2m5s"],
    [3_600_000, "1h0m0s"],
    [12_250_000, "3h24m10s"],
    [360_000_000, "100h0m0s"],
  ];
  for (const [ms, text] of cases) t.equal(formatUptime(ms), text, text);
  t.end();
});

t.test("a formatted duration is parsed back, rounded down to the second", (t) => {
  const property = fc.property(
    fc.integer({ min: 1000, max: 2 ** 43 }),
    (ms) => parseDuration(formatUptime(ms)) === ms - (ms % 1000),
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 1000 }));
  t.end();
});

t.test("durations are formatted", (t) => {
  const rows: readonly [number, string][] = [
    [0, "0s"],
    [500, "0.5s"],
    [90_000, "1m30s"],
    [600_000, "10m"],
    [5_400_000, "1h30m"],
  ];
  for (const [ms, text] of rows) t.equal(formatDuration(ms), text, text);
  t.end();
});
