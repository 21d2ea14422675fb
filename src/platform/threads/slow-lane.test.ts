/**
 * Tests the slow lane with a simulated pool. Checks which jobs run at once, which need a permit, and which subjects
 * count as slow.
 */
import * as Type from "typebox";
import t from "tap";
import {
  LONG_SUBJECTS_KEPT_MAX,
  LONG_WORK_TOGETHER_MAX,
  LONG_WORK_WAITING_MAX,
  LONG_WORK_WAITING_OF_CALLER_MAX,
  SHORT_WORK_BYTES_MAX,
} from "../../../schemas/limits/pool.js";
import { Failure } from "../../base/result.js";
import { SlowLane } from "./slow-lane.js";
import type { JobOptions, Pool } from "./pool.js";
import { streamJob, unaryJob } from "./pool-method.js";

const job = unaryJob({
  name: "test.job",
  request: Type.String(),
  reply: Type.String(),
  cost: "unbounded",
  models: {},
  run: (_, request) => request,
});

const stream = streamJob({
  name: "test.stream",
  request: Type.Object({}),
  text: Type.Unknown(),
  reply: Type.Null(),
  cost: "unbounded",
  models: {},
  *run() {
    yield "";
    return null;
  },
});

interface StartedJob {
  readonly request: string;
  readonly options: JobOptions;
  readonly answer: (reply: string | Failure) => void;
}

function makeLane(): { readonly lane: SlowLane; readonly started: StartedJob[] } {
  const started: StartedJob[] = [];
  const pool = {
    run: (_job: unknown, request: string, options: JobOptions) =>
      new Promise((resolve) => {
        started.push({ request, options, answer: resolve });
      }),
    stream: async function* () {
      yield* ["a", "b"];
      return null;
    },
  };
  return { lane: new SlowLane(pool as unknown as Pool), started };
}

async function settle(): Promise<void> {
  for (let at = 0; at < 3; at++) await new Promise((resolve) => setImmediate(resolve));
}

const LONG = { bytes: SHORT_WORK_BYTES_MAX + 1, caller: "a" };
const SHORT = { bytes: SHORT_WORK_BYTES_MAX, caller: "a" };

t.test("short work starts at once, long work with a permit", async (t) => {
  const { lane, started } = makeLane();
  const long = Array.from({ length: LONG_WORK_TOGETHER_MAX + 2 }, (_, at) => lane.run(job, `long ${at}`, LONG));
  const short = Array.from({ length: 3 }, (_, at) => lane.run(job, `short ${at}`, SHORT));
  await settle();
  const together = Array.from({ length: LONG_WORK_TOGETHER_MAX }, (_, at) => `long ${at}`);
  t.same(
    started.map(({ request }) => request).toSorted(),
    [...together, "short 0", "short 1", "short 2"].toSorted(),
    "long work does not delay short work",
  );
  for (const { request, options } of started)
    t.equal(
      options.deadlineMs !== undefined,
      request.startsWith("short"),
      `${request}: short work has a short deadline`,
    );
  for (let done = 0; done < started.length; done++) {
    started[done]?.answer(`done ${started[done]?.request}`);
    await settle();
  }
  t.same(
    await Promise.all(long),
    long.map((_, at) => `done long ${at}`),
  );
  t.same(
    await Promise.all(short),
    short.map((_, at) => `done short ${at}`),
  );
});

t.test("the number of waiters is bounded", async (t) => {
  const { lane, started } = makeLane();
  const fitting = LONG_WORK_TOGETHER_MAX + LONG_WORK_WAITING_MAX;
  const all = Array.from({ length: fitting + 1 }, (_, at) =>
    lane.run(job, String(at), { ...LONG, caller: `caller ${at % 4}` }),
  );
  t.match(await all.at(-1), { status: "RESOURCE_EXHAUSTED", http: 503 });
  for (let done = 0; done < fitting; done++) {
    await settle();
    started[done]?.answer("done");
  }
  t.same(
    await Promise.all(all.slice(0, fitting)),
    all.slice(0, fitting).map(() => "done"),
  );
});

t.test("callers are served round-robin, and one leaves room for others", async (t) => {
  const { lane, started } = makeLane();
  const fitting = LONG_WORK_TOGETHER_MAX + LONG_WORK_WAITING_OF_CALLER_MAX;
  const greedy = Array.from({ length: fitting + 3 }, (_, at) => lane.run(job, `a${at}`, LONG));
  for (const refused of greedy.slice(fitting))
    t.match(await refused, { status: "RESOURCE_EXHAUSTED" }, "the limit of one caller");
  const other = lane.run(job, "b", { ...LONG, caller: "b" });
  const waitingStream = lane.stream(stream, {}, { actor: "", trace: "", peer: "::1" });
  for (let done = 0; done < LONG_WORK_TOGETHER_MAX + 1; done++) {
    await settle();
    started[done]?.answer("done");
  }
  await settle();
  t.equal(started.at(-1)?.request, "b", "only one job of the greedy caller comes before it");
  started.at(-1)?.answer("done b");
  t.equal(await other, "done b");
  const chunks = await waitingStream;
  t.notMatch(chunks, { status: "RESOURCE_EXHAUSTED" }, "and a stream is delayed by no more than that");
  if (!(chunks instanceof Failure)) await chunks.return(null);
  for (let at = 0; at < fitting; at++) {
    await settle();
    started.at(-1)?.answer("done");
  }
  t.same(
    await Promise.all(greedy.slice(0, fitting)),
    greedy.slice(0, fitting).map(() => "done"),
  );
});

t.test("a subject that took too long counts as slow until its work is fast again", async (t) => {
  const { lane, started } = makeLane();
  const size = { bytes: 1, subject: "p\nhostile", caller: "a" };
  t.ok(lane.isShort(size));
  const first = lane.run(job, "first", size);
  started[0]?.answer(new Failure("DEADLINE_EXCEEDED", "deadline exceeded"));
  t.match(await first, { status: "DEADLINE_EXCEEDED" });
  t.notOk(lane.isShort(size));
  t.ok(lane.isShort({ bytes: 1, subject: "p\nother" }), "only that subject");
  const second = lane.run(job, "second", size);
  const third = lane.run(job, "third", size);
  await settle();
  t.same(
    started.slice(1).map(({ request }) => request),
    ["second"],
    "with a permit",
  );
  started[1]?.answer("done");
  await second;
  t.ok(lane.isShort(size));
  await settle();
  started[2]?.answer("done");
  t.equal(await third, "done");
});

t.test("a stream holds its permit until it is read or left", async (t) => {
  const { lane, started } = makeLane();
  for (const leaves of [true, false]) {
    const held = await Promise.all(
      Array.from({ length: LONG_WORK_TOGETHER_MAX }, () => lane.stream(stream, {}, { actor: "", trace: "" })),
    );
    const before = started.length;
    const next = lane.run(job, "next", LONG);
    for (const chunks of held) {
      if (chunks instanceof Failure) throw new Error(chunks.message);
      t.match(await chunks.next(), { value: "a" });
      await settle();
      t.equal(started.length, before, "it waits");
      if (leaves) await chunks.return(null);
      else for (let ended = false; !ended; ended = (await chunks.next()).done === true);
    }
    await settle();
    started[before]?.answer("done");
    t.equal(await next, "done");
  }
});

t.test("a stream that is left before its first chunk releases its permit", async (t) => {
  const { lane, started } = makeLane();
  for (let at = 0; at < LONG_WORK_TOGETHER_MAX; at++) {
    const chunks = await lane.stream(stream, {}, { actor: "", trace: "" });
    if (chunks instanceof Failure) throw new Error(chunks.message);
    await chunks.return(null);
  }
  const next = lane.run(job, "next", LONG);
  await settle();
  t.equal(started.length, 1);
  started[0]?.answer("done");
  t.equal(await next, "done");
});

t.test("the oldest of the slow subjects is dropped", async (t) => {
  const { lane, started } = makeLane();
  for (let count = 0; count <= LONG_SUBJECTS_KEPT_MAX; count++) {
    const done = lane.run(job, "", { bytes: 1, subject: `${count}`, caller: "a" });
    started.at(-1)?.answer(new Failure("DEADLINE_EXCEEDED", "deadline exceeded"));
    await done;
  }
  t.ok(lane.isShort({ bytes: 1, subject: "0" }));
  t.notOk(lane.isShort({ bytes: 1, subject: "1" }));
});
