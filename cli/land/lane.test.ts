/**
 * Tests the values that are derived from the events of a lane: the average duration, and the pushes without a result.
 * Also tests how the last lines of an output are kept.
 */
import t from "tap";

import { CLI_LAND_LOG_BYTES_MAX, CLI_LAND_LOG_LINES } from "../../schemas/limits/cli.js";
import { averageMsOf, findLanded, unfinishedPushes, type LaneEvent } from "./land-events.js";
import { estimateMs, makeLane, reasonOf } from "./lane.js";
import { LogTail, tailOf } from "./log-tail.js";

function event(topic: string, fence: number, more: object = {}): LaneEvent {
  return { topic: `land.${topic}`, data: { fence, ...more } };
}

t.test("a lane is named by the workspace and the branch", (t) => {
  t.same(makeLane("github.com/acme/trucks", "release/1.2"), {
    name: "github.com/acme/trucks/release/1.2",
    workspace: "github.com/acme/trucks",
    into: "release/1.2",
    resource: "name:land@github.com/acme/trucks/release/1.2",
  });
  t.equal(reasonOf("fix/a", "ab", undefined), "land fix/a at ab");
  t.match(reasonOf("fix/a", "ab", "npm test"), /^land fix\/a at ab, check [0-9a-f]{12}$/);
  t.not(reasonOf("fix/a", "ab", "npm test"), reasonOf("fix/a", "ab", "npm run test"));
  t.end();
});

t.test("the estimate counts the landing in front, and those between", (t) => {
  t.equal(estimateMs(0, 60_000, 20_000), 40_000);
  t.equal(estimateMs(0, 60_000, 90_000), 0, "it takes longer than others");
  t.equal(estimateMs(3, 60_000, 20_000), 220_000);
  t.end();
});

t.test("the average is that of the last ten results", (t) => {
  t.equal(averageMsOf([]), null);
  t.equal(averageMsOf([event("pushing", 1, { duration_ms: 7 })]), null, "a push is no result");
  const results = Array.from({ length: 12 }, (_, at) => event("landed", at, { duration_ms: at < 10 ? 100 : 9_000 }));
  t.equal(averageMsOf(results), 100);
  t.equal(averageMsOf([event("failed", 1), event("conflict", 2, { duration_ms: 50 })]), 50);
  t.end();
});

t.test("a push without a result is found once, and not one's own", (t) => {
  const events = [
    event("pushing", 9),
    event("landed", 7),
    event("pushing", 7),
    event("pushing", 6, { commit: "b" }),
    event("pushing", 6, { commit: "a" }),
    event("failed", 5),
    event("pushing", 5),
    event("landed", 4, { branch: "a", head: "1" }),
    event("pushing", 4, { branch: "b" }),
    event("pushing", 4, { branch: "a" }),
  ];
  const missing = [
    { fence: 6, commit: "b" },
    { fence: 4, branch: "b" },
  ];
  t.same(unfinishedPushes(events, 9), missing);
  t.same(findLanded(events, "a", "1"), { fence: 4, branch: "a", head: "1" });
  t.equal(findLanded(events, "a", "2"), undefined);
  t.end();
});

t.test("the end of an output has a limit of lines and of bytes", (t) => {
  const tail = new LogTail();
  t.same(tail.lines(), []);
  for (let line = 0; line < 500; line += 1) tail.add(Buffer.from(`line ${line}\r\n`));
  t.equal(tail.lines().length, CLI_LAND_LOG_LINES);
  t.equal(tail.lines().at(-1), "line 499");
  tail.add(Buffer.alloc(CLI_LAND_LOG_BYTES_MAX * 2, "x"));
  t.same(tail.lines(), ["x".repeat(CLI_LAND_LOG_BYTES_MAX)]);
  t.same(tailOf("a\nb\n\n"), ["a", "b"]);
  t.end();
});
