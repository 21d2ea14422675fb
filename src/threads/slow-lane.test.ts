/** Who is tried at once, who takes turns, and what is remembered, with a pool that is played by the test. */
import * as Type from "typebox";
import t from "tap";
import {
  LONG_SUBJECTS_KEPT_MAX,
  LONG_WORK_TOGETHER_MAX,
  LONG_WORK_WAITING_MAX,
  LONG_WORK_WAITING_OF_CALLER_MAX,
  SHORT_WORK_BYTES_MAX,
} from "../../schemas/limits.js";
import { Failure } from "../base/result.js";
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

interface Begun {
  readonly request: string;
  readonly options: JobOptions;
  readonly answer: (reply: string | Failure) => void;
}

function play(): { readonly work: SlowLane; readonly begun: Begun[] } {
  const begun: Begun[] = [];
  const pool = {
    run: (_job: unknown, request: string, options: JobOptions) =>
      new Promise((resolve) => {
        begun.push({ request, options, answer: resolve });
      }),
    stream: async function* () {
      yield* ["a", "b"];
      return null;
    },
  };
  return { work: new SlowLane(pool as unknown as Pool), begun };
}

async function settle(): Promise<void> {
  for (let at = 0; at < 3; at++) await new Promise((resolve) => setImmediate(resolve));
}

const LONG = { bytes: SHORT_WORK_BYTES_MAX + 1, caller: "a" };
const SHORT = { bytes: SHORT_WORK_BYTES_MAX, caller: "a" };

t.test("what is short is begun at once, what is long in its turn", async (t) => {
  const { work, begun } = play();
  const long = Array.from({ length: LONG_WORK_TOGETHER_MAX + 2 }, (_, at) => work.run(job, `long ${at}`, LONG));
  const short = Array.from({ length: 3 }, (_, at) => work.run(job, `short ${at}`, SHORT));
  await settle();
  const together = Array.from({ length: LONG_WORK_TOGETHER_MAX }, (_, at) => `long ${at}`);
  t.same(
    begun.map(({ request }) => request).toSorted(),
    [...together, "short 0", "short 1", "short 2"].toSorted(),
    "no long one stands in the way of a short one",
  );
  for (const { request, options } of begun)
    t.equal(
      options.deadline_ms !== undefined,
      request.startsWith("short"),
      `${request}: a short one has a short deadline`,
    );
  for (let done = 0; done < begun.length; done++) {
    begun[done]?.answer(`done ${begun[done]?.request}`);
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

t.test("so many wait and no more", async (t) => {
  const { work, begun } = play();
  const fitting = LONG_WORK_TOGETHER_MAX + LONG_WORK_WAITING_MAX;
  const all = Array.from({ length: fitting + 1 }, (_, at) =>
    work.run(job, String(at), { ...LONG, caller: `caller ${at % 4}` }),
  );
  t.match(await all.at(-1), { status: "RESOURCE_EXHAUSTED", http: 503 });
  for (let done = 0; done < fitting; done++) {
    await settle();
    begun[done]?.answer("done");
  }
  t.same(
    await Promise.all(all.slice(0, fitting)),
    all.slice(0, fitting).map(() => "done"),
  );
});

t.test("callers take turns, and one leaves room for others", async (t) => {
  const { work, begun } = play();
  const fitting = LONG_WORK_TOGETHER_MAX + LONG_WORK_WAITING_OF_CALLER_MAX;
  const greedy = Array.from({ length: fitting + 3 }, (_, at) => work.run(job, `a${at}`, LONG));
  for (const refused of greedy.slice(fitting))
    t.match(await refused, { status: "RESOURCE_EXHAUSTED" }, "so many of one caller");
  const other = work.run(job, "b", { ...LONG, caller: "b" });
  const streamTurn = work.stream(stream, {}, { actor: "", trace: "", peer: "::1" });
  for (let done = 0; done < LONG_WORK_TOGETHER_MAX + 1; done++) {
    await settle();
    begun[done]?.answer("done");
  }
  await settle();
  t.equal(begun.at(-1)?.request, "b", "one job of the greedy caller comes before it, and no more");
  begun.at(-1)?.answer("done b");
  t.equal(await other, "done b");
  const chunks = await streamTurn;
  t.notMatch(chunks, { status: "RESOURCE_EXHAUSTED" }, "nor is a stream held up by more than that");
  if (!(chunks instanceof Failure)) await chunks.return(null);
  for (let at = 0; at < fitting; at++) {
    await settle();
    begun.at(-1)?.answer("done");
  }
  t.same(
    await Promise.all(greedy.slice(0, fitting)),
    greedy.slice(0, fitting).map(() => "done"),
  );
});

t.test("a subject that took too long counts as long, until it is done with quickly", async (t) => {
  const { work, begun } = play();
  const size = { bytes: 1, subject: "p\nhostile", caller: "a" };
  t.ok(work.isShort(size));
  const first = work.run(job, "first", size);
  begun[0]?.answer(new Failure("DEADLINE_EXCEEDED", "deadline exceeded"));
  t.match(await first, { status: "DEADLINE_EXCEEDED" });
  t.notOk(work.isShort(size));
  t.ok(work.isShort({ bytes: 1, subject: "p\nother" }), "that one alone");
  const second = work.run(job, "second", size);
  const third = work.run(job, "third", size);
  await settle();
  t.same(
    begun.slice(1).map(({ request }) => request),
    ["second"],
    "in its turn",
  );
  begun[1]?.answer("done");
  await second;
  t.ok(work.isShort(size));
  await settle();
  begun[2]?.answer("done");
  t.equal(await third, "done");
});

t.test("a stream holds its turn until it was read or left", async (t) => {
  const { work, begun } = play();
  for (const leaves of [true, false]) {
    const held = await Promise.all(
      Array.from({ length: LONG_WORK_TOGETHER_MAX }, () => work.stream(stream, {}, { actor: "", trace: "" })),
    );
    const before = begun.length;
    const next = work.run(job, "next", LONG);
    for (const chunks of held) {
      if (chunks instanceof Failure) throw new Error(chunks.message);
      t.match(await chunks.next(), { value: "a" });
      await settle();
      t.equal(begun.length, before, "it waits");
      if (leaves) await chunks.return(null);
      else for (let ended = false; !ended; ended = (await chunks.next()).done === true);
    }
    await settle();
    begun[before]?.answer("done");
    t.equal(await next, "done");
  }
});

t.test("a stream that is left before its first chunk gives its permit back", async (t) => {
  const { work, begun } = play();
  for (let at = 0; at < LONG_WORK_TOGETHER_MAX; at++) {
    const chunks = await work.stream(stream, {}, { actor: "", trace: "" });
    if (chunks instanceof Failure) throw new Error(chunks.message);
    await chunks.return(null);
  }
  const next = work.run(job, "next", LONG);
  await settle();
  t.equal(begun.length, 1);
  begun[0]?.answer("done");
  t.equal(await next, "done");
});

t.test("the oldest of the subjects that took too long is forgotten", async (t) => {
  const { work, begun } = play();
  for (let count = 0; count <= LONG_SUBJECTS_KEPT_MAX; count++) {
    const done = work.run(job, "", { bytes: 1, subject: `${count}`, caller: "a" });
    begun.at(-1)?.answer(new Failure("DEADLINE_EXCEEDED", "deadline exceeded"));
    await done;
  }
  t.ok(work.isShort({ bytes: 1, subject: "0" }));
  t.notOk(work.isShort({ bytes: 1, subject: "1" }));
});
