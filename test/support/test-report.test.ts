/** Which assertions of a file's report count, and which files have failed though no assertion has. */
import t from "tap";
import { readReport } from "./test-report.js";

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

t.test("assertions count, not their subtests", (t) => {
  const report = readReport(REPORT);
  t.match(report, { passed: 3, failed: 3 }, "a test that asserts nothing has failed, too");
  t.same(report.skipped, ["not on this system"]);
  t.match(report.problems[0], /^a > b > y\n.*inside a diagnostic/s, "the name and what there is to say");
  t.match(readReport(REPORT.split("1..2")[0] ?? ""), { passed: 1, failed: 1 }, "what breaks off says what it said");
  t.end();
});

t.test("a file fails that says nothing, or breaks off", (t) => {
  t.match(readReport(""), { passed: 0, failed: 1 }, "an empty one");
  t.match(readReport("TAP version 14\n1..0\n"), { passed: 0, failed: 1 }, "one without tests");
  t.match(readReport("TAP version 14\nok 1 - x\n"), { passed: 1, failed: 1 }, "one whose plan is missing");
  t.match(readReport("TAP version 14\nok 1 - x\n1..2\n"), { passed: 1, failed: 1 }, "one that ends too early");
  t.match(readReport("TAP version 14\nok 1 - x\n1..1\n"), { passed: 1, failed: 0 }, "and not a good one");
  t.match(readReport("TAP version 14\n1..0 # SKIP no browser\n"), { passed: 0, failed: 0, skipped: ["no browser"] });
  t.end();
});
