/** Tests the detection of pauses with a clock that the test sets. */
import t from "tap";
import { PauseDetector } from "./pause-detector.js";

t.test("a longer pause gives a longer grace period", (t) => {
  const pauses: number[] = [];
  const detector = new PauseDetector(1_000_000, (pause_ms) => pauses.push(pause_ms));
  const started = { before_ms: Number.NEGATIVE_INFINITY, at_ms: 1_000_000, until_ms: 1_015_000 };
  let now_ms = 1_000_000;
  const runUntil = (until_ms: number): void => {
    for (; now_ms < until_ms; now_ms += 100) detector.resumed(now_ms);
  };
  runUntil(1_020_000);
  t.same(detector.resumed(now_ms), started, "it runs");
  now_ms += 3_600_000;
  t.same(detector.resumed(now_ms), { before_ms: 1_020_000, at_ms: 4_620_000, until_ms: 4_635_000 }, "it slept");
  runUntil(4_640_000);
  now_ms = 4_640_000 + 900;
  t.same(detector.resumed(now_ms), { before_ms: 4_639_900, at_ms: 4_640_900, until_ms: 4_645_900 }, "it was blocked");
  t.same(pauses, [3_600_000, 1_000]);
  t.end();
});

t.test("repeated pauses give no more than one grace period", (t) => {
  const detector = new PauseDetector(0);
  let now_ms = 0;
  const runFor = (ms: number): void => {
    for (const until_ms = now_ms + ms; now_ms < until_ms; now_ms += 100) detector.resumed(now_ms);
  };
  runFor(20_000);
  const paused_at_ms = now_ms - 100;
  let ran_ms = 0;
  for (;;) {
    now_ms += 25_000;
    const { before_ms, until_ms } = detector.resumed(now_ms);
    if (before_ms !== paused_at_ms) break;
    t.equal(until_ms - now_ms, 15_000 - ran_ms, "the rest of the grace period");
    runFor(4_100);
    ran_ms += 4_000;
  }
  t.equal(ran_ms, 16_000, "then whatever is alive by now gets a new grace period");
  t.end();
});
