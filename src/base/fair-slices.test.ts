import t from "tap";
import { TIME_SLICE_MS } from "../../schemas/limits/process.js";
import { FairSlices } from "./fair-slices.js";

/** Returns slices whose clock and event loop the test controls. */
function manual(): { slices: FairSlices; pass: (ms: number) => void; tick: () => Promise<boolean> } {
  let nowMs = 0;
  const due: (() => void)[] = [];
  const slices = new FairSlices({ now: () => nowMs, later: (run) => due.push(run) });
  return {
    slices,
    pass: (ms) => {
      nowMs += ms;
    },
    /** Runs one tick with all its microtasks. Returns false if no function was due. */
    tick: async () => {
      const run = due.shift();
      run?.();
      await new Promise((resolve) => setImmediate(resolve));
      return run !== undefined;
    },
  };
}

t.test("a job takes as many steps in a tick as fit its slice", async (t) => {
  const { slices, pass, tick } = manual();
  let steps = 0;
  const job = {};
  const work = (async () => {
    for (let step = 0; step < 12; step++) {
      await slices.next(job);
      steps += 1;
      pass(TIME_SLICE_MS / 2);
    }
  })();
  t.equal(steps, 0, "none in the tick of its request");
  const seen: number[] = [];
  while (await tick()) seen.push(steps);
  await work;
  t.same(seen, [3, 6, 9, 12], "the step that exceeds the slice is its last one");
});

t.test("jobs take turns, one in each tick", async (t) => {
  const { slices, pass, tick } = manual();
  let log = "";
  const works = ["a", "b", "c"].map(async (name) => {
    const job = {};
    for (let step = 0; step < 4; step++) {
      await slices.next(job);
      log += name;
      pass(TIME_SLICE_MS);
    }
  });
  const ticks: string[] = [];
  while (await tick()) {
    ticks.push(log);
    log = "";
  }
  await Promise.all(works);
  t.same(ticks, ["aa", "bb", "cc", "aa", "bb", "cc"]);
});

t.test("a job that works elsewhere in its slice holds up no other", async (t) => {
  const { slices, tick } = manual();
  let answer: () => void = () => undefined;
  const log: string[] = [];
  const first = (async () => {
    const job = {};
    await slices.next(job);
    log.push("asks");
    await new Promise<void>((resolve) => {
      answer = resolve;
    });
    await slices.next(job);
    log.push("goes on");
  })();
  const second = (async () => {
    await slices.next({});
    log.push("other");
  })();
  await tick();
  t.same(log, ["asks"]);
  await tick();
  t.same(log, ["asks", "other"]);
  answer();
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(log.length, 2, "it waits for its next slice");
  await tick();
  await Promise.all([first, second]);
  t.same(log, ["asks", "other", "goes on"]);
  t.notOk(await tick(), "nothing is due when no job waits");
});
