/** Tests durations in flags. */
import t from "tap";

import { parseFlagDuration } from "./duration.js";

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
  for (const [text, ms] of rows) t.equal(parseFlagDuration(text), ms, text);
  for (const text of ["", "10", "-1s", "1 s", "s", ".s", "1.s", "1d", "10m ", "1m5", "1e3s", `${"1".repeat(10)}s`])
    t.equal(parseFlagDuration(text), undefined, JSON.stringify(text));
  t.end();
});
