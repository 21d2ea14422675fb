/** Tests the detection of pauses with a clock that the test sets. */
import t from "tap";
import { PauseDetector, type Pause } from "./pause-detector.js";

t.test("a longer pause gives a longer grace period", (t) => {
  const pauses: number[] = [];
  const detector = new PauseDetector(1_000_000, ({ ms }) => pauses.push(ms));
  const started = { beforeMs: Number.NEGATIVE_INFINITY, at_ms: 1_000_000, untilMs: 1_015_000 };
  let nowMs = 1_000_000;
  const runUntil = (untilMs: number): void => {
    for (; nowMs < untilMs; nowMs += 100) detector.resumed(nowMs);
  };
  runUntil(1_020_000);
  t.same(detector.resumed(nowMs), started, "it runs");
  nowMs += 3_600_000;
  t.same(detector.resumed(nowMs), { beforeMs: 1_020_000, at_ms: 4_620_000, untilMs: 4_635_000 }, "it slept");
  runUntil(4_640_000);
  nowMs = 4_640_000 + 900;
  t.same(detector.resumed(nowMs), { beforeMs: 4_639_900, at_ms: 4_640_900, untilMs: 4_645_900 }, "it was blocked");
  t.same(pauses, [3_600_000, 1_000]);
  t.end();
});

t.test("a jump of the clock is told apart from a time in which the process did not run", (t) => {
  const pauses: Pause[] = [];
  let nowMs = 0;
  let elapsedMs = 0;
  const detector = new PauseDetector(
    0,
    (pause) => pauses.push(pause),
    () => elapsedMs,
  );
  const look = (passedMs: number, jumpedMs: number): void => {
    elapsedMs += passedMs;
    nowMs += passedMs + jumpedMs;
    detector.resumed(nowMs);
  };
  look(100, 0);
  look(100, 3_600_000);
  look(700, 0);
  look(700.4, -0.4);
  look(900, 100);
  t.same(pauses, [
    { ms: 3_600_100, ran: true },
    { ms: 700, ran: false },
    { ms: 700, ran: false },
    { ms: 1_000, ran: false },
  ]);
  t.end();
});

t.test("repeated pauses give no more than one grace period", (t) => {
  const detector = new PauseDetector(0);
  let nowMs = 0;
  const runFor = (ms: number): void => {
    for (const untilMs = nowMs + ms; nowMs < untilMs; nowMs += 100) detector.resumed(nowMs);
  };
  runFor(20_000);
  const pausedAtMs = nowMs - 100;
  let ranMs = 0;
  for (;;) {
    nowMs += 25_000;
    const { beforeMs, untilMs } = detector.resumed(nowMs);
    if (beforeMs !== pausedAtMs) break;
    t.equal(untilMs - nowMs, 15_000 - ranMs, "the rest of the grace period");
    runFor(4_100);
    ranMs += 4_000;
  }
  t.equal(ranMs, 16_000, "then whatever is alive by now gets a new grace period");
  t.end();
});

t.test("a time that often goes back and catches up gives no endless grace period", (t) => {
  const detector = new PauseDetector(0);
  let nowMs = 0;
  const runFor = (ms: number): void => {
    for (const untilMs = nowMs + ms; nowMs < untilMs; nowMs += 100) detector.resumed(nowMs);
  };
  runFor(20_000);
  let ranMs = 0;
  let firstMs: number | null = null;
  for (; ; ranMs += 4_000) {
    nowMs -= 2_000;
    detector.resumed(nowMs);
    nowMs += 2_000;
    const { beforeMs } = detector.resumed(nowMs);
    firstMs ??= beforeMs;
    if (beforeMs > firstMs || ranMs > 60_000) break;
    runFor(4_000);
  }
  t.equal(firstMs, 18_000, "the pause begins when the time has gone back");
  t.ok(ranMs <= 40_000, `a claim that ended before the second pause is over after ${ranMs} ms`);
  detector.resumed(nowMs - 60_000);
  t.same(
    detector.resumed(nowMs - 60_000),
    { beforeMs: Number.NEGATIVE_INFINITY, at_ms: nowMs - 60_000, untilMs: nowMs - 45_000 },
    "the time of another log is a start",
  );
  t.end();
});
