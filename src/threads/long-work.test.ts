/** Which work waits its turn, under which deadline it is done, and how long a turn is held; the pool is the test's. */
import t from "tap";
import { Type } from "typebox";
import {
  CONTRACT_DEADLINE_MS,
  LONG_SUBJECTS_KEPT_MAX,
  LONG_WORK_WAITING_MAX,
  SHORT_WORK_BYTES_MAX,
  SHORT_WORK_DEADLINE_MS,
} from "../../schemas/limits.js";
import { Failure } from "../base/result.js";
import { LongWork } from "./long-work.js";
import type { Chunks, JobOptions, Pool } from "./pool.js";
import { streamJob, unaryJob } from "./pool-method.js";

const CONTEXT = { actor: "", trace: "" };
const SLOW = new Failure("DEADLINE_EXCEEDED", "deadline exceeded");
const LONG = SHORT_WORK_BYTES_MAX + 1;

const work = unaryJob({
  name: "test.work",
  request: Type.Object({ of: Type.String() }),
  reply: Type.Null(),
  cost: "unbounded",
  models: {},
  run: () => null,
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

/** A pool whose jobs end when they are told to; its options are what each was run with. */
function makePool(): {
  readonly long_work: LongWork;
  readonly begun: string[];
  readonly options: JobOptions[];
  readonly end: (of: string, reply?: Failure | null) => void;
} {
  const ends = new Map<string, (reply: Failure | null) => void>();
  const begun: string[] = [];
  const options: JobOptions[] = [];
  const pool: Pick<Pool, "run" | "stream"> = {
    run: ((_job: unknown, { of }: { readonly of: string }, given: JobOptions = {}) => {
      begun.push(of);
      options.push(given);
      return new Promise<Failure | null>((resolve) => ends.set(of, resolve));
    }) as unknown as Pool["run"],
    stream: async function* () {
      begun.push("stream");
      yield* ["a", "b"];
      return null;
    } as () => Chunks as Pool["stream"],
  };
  return {
    long_work: new LongWork(pool as Pool),
    begun,
    options,
    end: (of, reply = null) => ends.get(of)?.(reply),
  };
}

t.test("short work begins at once, under a short deadline; long work one after the other", async (t) => {
  const { long_work, begun, options, end } = makePool();
  const long = ["1", "2"].map((of) => long_work.run(work, { of }, { bytes: LONG }));
  const short = ["a", "b"].map((of) => long_work.run(work, { of }, { bytes: SHORT_WORK_BYTES_MAX }));
  await new Promise((resolve) => setImmediate(resolve));
  t.same(begun, ["a", "b", "1"]);
  t.same(
    options.map(({ deadline_ms }) => deadline_ms),
    [SHORT_WORK_DEADLINE_MS, SHORT_WORK_DEADLINE_MS, undefined],
    "long work has the job's own",
  );
  for (const of of ["a", "b", "1"]) end(of);
  t.same(await Promise.all([...short, long[0]]), [null, null, null]);
  t.same(begun, ["a", "b", "1", "2"]);
  end("2", SLOW);
  t.equal(await long[1], SLOW, "a refusal is handed on, and gives the turn back");
  const next = long_work.run(work, { of: "3" }, { bytes: LONG });
  await new Promise((resolve) => setImmediate(resolve));
  end("3");
  t.equal(await next, null);
});

t.test("few wait, and a stream holds its turn until it was read or left", async (t) => {
  const { long_work, begun, end } = makePool();
  const chunks = await long_work.stream(stream, {}, CONTEXT);
  if (chunks instanceof Failure) throw new Error(chunks.message);
  t.match(await chunks.next(), { value: "a" });
  const waiting = Array.from({ length: LONG_WORK_WAITING_MAX }, (_, at) =>
    long_work.run(work, { of: `${at}` }, { bytes: LONG }),
  );
  t.match(await long_work.run(work, { of: "more" }, { bytes: LONG }), { status: "RESOURCE_EXHAUSTED" });
  t.same(begun, ["stream"]);
  await chunks.return(null);
  for (const [at, one] of waiting.entries()) {
    await new Promise((resolve) => setImmediate(resolve));
    end(`${at}`);
    t.equal(await one, null);
  }
  t.equal(begun.length, 1 + LONG_WORK_WAITING_MAX);
});

t.test("a subject whose short work did not end in time waits its turn after that", async (t) => {
  const { long_work, end } = makePool();
  const run = async (subject: string, reply: Failure | null = null): Promise<void> => {
    const done = long_work.run(work, { of: subject }, { bytes: 1, subject });
    await new Promise((resolve) => setImmediate(resolve));
    end(subject, reply);
    await done;
  };
  const isShort = (subject: string): boolean => long_work.isShort({ bytes: 1, subject });
  t.equal(isShort("slow"), true, "nobody knows yet");
  await run("slow", SLOW);
  t.equal(isShort("slow"), false);
  t.equal(isShort("fine"), true, "others are what they were");
  await run("slow", new Failure("INVALID_ARGUMENT", "x"));
  t.equal(isShort("slow"), true, "until its work is done with quickly");
  await run("slow", SLOW);
  for (let count = 0; count < LONG_SUBJECTS_KEPT_MAX; count++) await run(`${count}`, SLOW);
  t.equal(isShort("0"), false);
  t.equal(isShort("slow"), true, "the oldest is forgotten");
  t.ok(CONTRACT_DEADLINE_MS <= SHORT_WORK_DEADLINE_MS, "a contract's payloads have their own deadline");
});
