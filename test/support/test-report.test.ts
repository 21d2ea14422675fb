/** Tests which assertions in a file's report count, and which files fail although no assertion has failed. */
import t from "tap";
import { readReport, readSeveral } from "./test-report.js";

const REPORT = `TAP version 14
# Subtest: a
    # Subtest: b
        ok 1 - x
        not ok 2 - y
          ---
          stack: |
            not ok 3 - inside a diagnostic
          ...
        1..2
    not ok 1 - b
    ok 2 - z
    1..2
not ok 1 - a
# Subtest: cut off though all went well
    ok 1 - x
    1..1
not ok 2 - cut off though all went well
ok 3 - left out # SKIP not on this system
ok 4 - empty file # SKIP no tests found
1..4
`;

t.test("assertions count, and subtests do not", (t) => {
  const report = readReport(REPORT);
  t.match(report, { passed: 3, failed: 3 }, "a test without an assertion fails");
  t.same(report.skipped, ["not on this system"]);
  t.match(report.problems[0], /^a > b > y\n.*inside a diagnostic/s, "the full name and the diagnostics are given");
  t.match(
    readReport(REPORT.split("1..2")[0] ?? ""),
    { passed: 1, failed: 1 },
    "a report that breaks off fails with its output",
  );
  t.end();
});

t.test("a file without a report, or with an incomplete one, fails", (t) => {
  t.match(readReport(""), { passed: 0, failed: 1 }, "an empty file");
  t.match(readReport("TAP version 14\n1..0\n"), { passed: 0, failed: 1 }, "a file without tests");
  t.match(readReport("TAP version 14\nok 1 - x\n"), { passed: 1, failed: 1 }, "a file whose plan is missing");
  t.match(readReport("TAP version 14\nok 1 - x\n1..2\n"), { passed: 1, failed: 1 }, "a file that ends too early");
  t.match(readReport("TAP version 14\nok 1 - x\n1..1\n"), { passed: 1, failed: 0 }, "a complete file does not fail");
  t.match(readReport("TAP version 14\n1..0 # SKIP no browser\n"), { passed: 0, failed: 0, skipped: ["no browser"] });
  t.end();
});

const SEVERAL = `TAP version 14
# Subtest: src/a.test.js
    # Subtest: b
        ok 1 - x
        1..1
    ok 1 - b # time=1.5ms
    ok 2 - left out # SKIP not on this system
    1..2
ok 1 - src/a.test.js # time=12.5ms

# Subtest: src/b.test.js
    not ok 1 - y
      ---
      stack: |
        ok 1 - src/a.test.js
      ...
    1..1
not ok 2 - src/b.test.js # time=2s
# Subtest: src/c.test.js
    ok 1 - x
    1..1
not ok 3 - src/c.test.js # time=1ms
  ---
  error: timeout!
  ...
# Subtest: src/d.test.js
    ok 1 - x
`;

t.test("the report of several files has that of each file that has ended", (t) => {
  const reports = readSeveral(SEVERAL);
  t.same([...reports.keys()], ["src/a.test.js", "src/b.test.js", "src/c.test.js"]);
  t.match(reports.get("src/a.test.js"), { passed: 1, failed: 0, skipped: ["not on this system"], tookMs: 12.5 });
  t.match(reports.get("src/b.test.js"), { passed: 0, failed: 1, problems: [/^y\n/], tookMs: 2_000 });
  t.match(reports.get("src/c.test.js"), { passed: 1, failed: 1 }, "a file fails as a whole");
  t.end();
});
