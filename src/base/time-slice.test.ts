import t from "tap";
import { TIME_SLICE_MS } from "../../schemas/limits/process.js";
import { TimeSlice } from "./time-slice.js";

const nextTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function passTime(ms: number): void {
  for (const fromMs = performance.now(); performance.now() - fromMs <= ms; );
}

/** Works until the time of the slice is used up. */
function useUp(slice: TimeSlice): void {
  if (!slice.isOver) passTime(TIME_SLICE_MS);
}

t.test("work that waits gets a share although other work uses up each one as it begins", async (t) => {
  const slice = new TimeSlice();
  let ended = false;
  const hog = (): void => {
    useUp(slice);
    if (!ended) setImmediate(hog);
  };
  hog();
  let resumed = 0;
  const jobs = [1, 2, 3].map(async () => {
    await slice.yieldIfOver();
    resumed += 1;
    passTime(TIME_SLICE_MS);
  });
  for (let tick = 0; tick < 10; tick++) await nextTick();
  ended = true;
  t.equal(resumed, jobs.length);
  await Promise.all(jobs);
});

t.test("work that waits resumes in order, and one piece of it at a time", async (t) => {
  const slice = new TimeSlice();
  useUp(slice);
  const resumed: number[] = [];
  const jobs = [1, 2, 3].map(async (job) => {
    await slice.yieldIfOver();
    resumed.push(job);
    passTime(TIME_SLICE_MS);
  });
  t.same(resumed, [], "the share is used up");
  const perTick: number[] = [];
  for (let before = 0; resumed.length < jobs.length; before = resumed.length) {
    await nextTick();
    perTick.push(resumed.length - before);
  }
  t.same(resumed, [1, 2, 3]);
  t.equal(Math.max(...perTick), 1, "each of them uses up a share");
});

t.test("short work that waits resumes in one share", async (t) => {
  const slice = new TimeSlice();
  useUp(slice);
  let resumed = 0;
  for (let job = 0; job < 3; job++) void slice.yieldIfOver().then(() => (resumed += 1));
  await nextTick();
  await nextTick();
  t.equal(resumed, 3);
});
