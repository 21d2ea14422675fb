/** Tests parsing and formatting of durations in flags. */
import t from "tap";

import { formatDuration, parseDuration } from "./duration.js";

t.test("durations are parsed", (t) => {
  const rows: readonly [string, number][] = [
    ["500ms", 500],
    ["0s", 0],
    ["90s", 90_000],
    ["10m", 600_000],
    ["1h30m", 5_400_000],
    ["1.5h", 5_400_000],
    ["1.1h", 3_960_000],
  ];
  for (const [text, ms] of rows) t.equal(parseDuration(text), ms, text);
  for (const text of ["", "10", "-1s", "1 s", "s", ".s", "1.s", "1d", "10m ", "1m5", "1e3s", `${"1".repeat(10)}s`])
    t.equal(parseDuration(text), undefined, JSON.stringify(text));
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
