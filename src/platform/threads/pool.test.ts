/**
 * Tests the pool with real worker threads, and with jobs that get stuck, fail, crash or wait (test/threads/jobs.ts).
 * Each job must be answered, and the next jobs must find a worker.
 */
import t from "tap";
import {
  POOL_QUEUE_MAX,
  POOL_QUEUE_OF_CALLER_MAX,
  POOL_THREADS_MAX,
  POOL_UNBOUNDED_TOGETHER_MAX,
  POOL_WAIT_MS_MAX,
} from "../../../schemas/limits/pool.js";
import { makeDirectory, type Owner } from "../../../test/support/server-process.js";
import { bounded, counting, TEST_METHODS, unbounded } from "../../../test/threads/jobs.js";
import { Shared } from "../../../test/threads/shared.js";
import { machineClock } from "../../base/clock.js";
import { Failure } from "../../base/result.js";
import { openWriter } from "../store/open.js";
import { THE_SERVER, Pool } from "./pool.js";
import { quietLog } from "../../../test/support/quiet-log.js";

const JOBS = new URL("../../../test/threads/jobs.js", import.meta.url);
const CONTEXT = { actor: "", trace: "" };
const SERVERS = { caller: THE_SERVER };
/**
 * A deadline that is much shorter than those of the methods. Only a job that is stuck takes longer, even on a busy
 * machine.
 */
const SHORT_MS = 1_000;

/** Creates a pool that records the errors that it logs. */
function makePool(t: Owner, deadlineMs?: number): { readonly pool: Pool; readonly errors: string[] } {
  const dataDir = makeDirectory(t);
  openWriter(dataDir).close();
  const errors: string[] = [];
  const log = quietLog({ error: (message, fields) => errors.push(`${message}: ${String(fields?.["error"])}`) });
  const pool = new Pool({
    url: JOBS,
    methods: TEST_METHODS,
    data: { data_dir: dataDir, settings: { state_history: 0, state_events: false, event_history: 0 }, files: [] },
    log,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  });
  t.teardown(() => pool.close());
  return { pool, errors };
}

/** The pool of the tests that end no thread, and do not depend on how many have started. */
const common = makePool(t);

function run(pool: Pool, what: string): Promise<string | Failure> {
  return pool.run(bounded, { what }, SERVERS);
}

/** Reads a stream. Returns its chunks as one text, and its Failure if it has one. */
async function read(
  pool: Pool,
  what: string,
  limit: number | null,
): Promise<{ text: string; failure: Failure | null }> {
  let text = "";
  let failure: Failure | null = null;
  for await (const chunk of pool.stream(counting, { what, limit }, CONTEXT)) {
    if (chunk instanceof Failure) failure = chunk;
    else text += chunk;
  }
  return { text, failure };
}

/**
 * Starts jobs that wait, each at its own gate. If they shared a gate, the test could not choose which job continues.
 */
function hold(
  pool: Pool,
  job: typeof bounded,
  count: number,
): { readonly gates: readonly Shared[]; readonly held: readonly Promise<string | Failure>[] } {
  const gates = Array.from({ length: count }, () => Shared.make());
  return { gates, held: gates.map(({ buffer }) => pool.run(job, { what: "hold", shared: buffer }, SERVERS)) };
}

function numbers(count: number): string {
  return Array.from({ length: count }, (_, at) => `${at},`).join("");
}

t.test("jobs answer, refuse and fail", async (t) => {
  const { pool, errors } = makePool(t);
  t.same(await Promise.all(["a", "b", "c"].map((what) => run(pool, what))), ["done a", "done b", "done c"]);
  t.match(await run(pool, "refuse"), {
    status: "NOT_FOUND",
    message: "not there",
    members: { what: "refuse" },
    subject: { what: "refuse" },
  });
  t.same(errors, []);
  t.match(await run(pool, "throw"), { status: "INTERNAL", message: "internal error" });
  t.same(errors, ["job failed: thrown on purpose"], "the client gets no detail, the log all of it");
  t.match(await run(pool, "exit"), { status: "INTERNAL" });
  t.equal(await run(pool, "d"), "done d", "a worker that died was replaced");
});

t.test("a stuck job is ended at its deadline, and its worker replaced", async (t) => {
  const { pool } = makePool(t, SHORT_MS);
  // One job uses its processor all the time. The others are as stuck, but leave the processors to other tests.
  const stuck = await Promise.all(
    Array.from({ length: POOL_THREADS_MAX }, (_, at) => run(pool, at === 0 ? "busy" : "stuck")),
  );
  for (const outcome of stuck) t.match(outcome, { status: "DEADLINE_EXCEEDED", http: 504 });
  // Starting the new workers may take longer than the short deadline of this pool.
  let answer = await run(pool, "a");
  while (answer instanceof Failure) answer = await run(pool, "a");
  t.equal(answer, "done a");
  const { failure, text } = await read(pool, "stuck", 3);
  t.match(failure, { status: "DEADLINE_EXCEEDED" }, "a stream that gets stuck ends");
  t.equal(numbers(3).startsWith(text), true, "after the chunks that it had given");
});

t.test("a full queue refuses at once, and its jobs are done", async (t) => {
  const { pool } = common;
  const { gates, held } = hold(pool, bounded, POOL_THREADS_MAX);
  for (const gate of gates) await gate.held();
  const queued = Array.from({ length: POOL_QUEUE_MAX }, (_, at) => run(pool, String(at)));
  t.equal(pool.waiting, POOL_QUEUE_MAX);
  t.match(await run(pool, "one more"), { status: "RESOURCE_EXHAUSTED", http: 503 });
  const stream = await read(pool, "", 3);
  t.match(stream, { text: "", failure: { status: "RESOURCE_EXHAUSTED" } }, "a stream, too");
  t.equal(pool.waiting, POOL_QUEUE_MAX);
  for (const gate of gates) gate.open();
  t.same(
    await Promise.all(held),
    held.map(() => "held"),
  );
  t.same(
    await Promise.all(queued),
    queued.map((_, at) => `done ${at}`),
  );
  t.equal(await run(pool, "after"), "done after");
});

t.test("streams arrive whole and in order, in every round", async (t) => {
  const { pool, errors } = makePool(t);
  const expected = numbers(700);
  for (let round = 0; round < 20; round++) {
    const results = await Promise.all(Array.from({ length: 5 }, () => read(pool, "", 700)));
    t.ok(
      results.every(({ text, failure }) => text === expected && failure === null),
      `round ${round}`,
    );
  }
  for (let round = 0; round < 20; round++)
    t.match(await read(pool, "refuse", 2), { text: "0,1,", failure: { status: "NOT_FOUND" } });
  t.match(await read(pool, "throw", 2), { failure: { status: "INTERNAL" } }, "a stream that throws ends with it");
  t.match(await read(pool, "exit", 2), { failure: { status: "INTERNAL" } }, "and so does one whose worker has died");
  t.same(await read(pool, "", 0), { text: "", failure: null });
  t.equal(errors.length, 2);
});

t.test("a reader that leaves sets the worker free", async (t) => {
  const { pool, errors } = common;
  for (let round = 0; round < 3 * POOL_THREADS_MAX; round++) {
    const chunks = pool.stream(counting, { what: "", limit: null }, CONTEXT);
    t.equal((await chunks.next()).value, "0,");
    await chunks.return(new Failure("CANCELLED", "left"));
  }
  t.equal(await run(pool, "a"), "done a", "long before any deadline");
  t.same(errors, []);
});

t.test("closing the pool answers all its jobs", async (t) => {
  const { pool } = makePool(t);
  t.equal(await run(pool, "a"), "done a");
  const stuck = run(pool, "stuck");
  const streamed = read(pool, "stuck", 1);
  await pool.close();
  t.ok((await stuck) instanceof Failure);
  t.ok((await streamed).failure instanceof Failure);
});

t.test("a stream returns its reply at its end", async (t) => {
  const { pool } = common;
  const chunks = pool.stream(counting, { what: "", limit: 3 }, CONTEXT);
  let text = "";
  for (;;) {
    const next = await chunks.next();
    if (next.done === true) {
      t.same(next.value, { counted: 3 });
      break;
    }
    text += next.value as string;
  }
  t.equal(text, numbers(3));
});

t.test("unbounded jobs leave a thread to the others", async (t) => {
  const { pool } = common;
  const { gates, held } = hold(pool, unbounded, POOL_THREADS_MAX);
  const atGates = gates.slice(0, POOL_UNBOUNDED_TOGETHER_MAX);
  for (const gate of atGates) await gate.held();
  t.equal(pool.waiting, POOL_THREADS_MAX - POOL_UNBOUNDED_TOGETHER_MAX, "the rest waits");
  t.equal(await run(pool, "a"), "done a", "a bounded job overtakes them");
  t.equal((await read(pool, "", 3)).text, numbers(3));
  t.equal(pool.waiting, POOL_THREADS_MAX - POOL_UNBOUNDED_TOGETHER_MAX);
  for (const gate of gates) gate.open();
  t.same(
    await Promise.all(held),
    held.map(() => "held"),
    "and runs later",
  );
});

t.test("a job's deadline counts from when a thread takes it", async (t) => {
  const { pool } = common;
  const { gates, held } = hold(pool, bounded, POOL_THREADS_MAX);
  for (const gate of gates) await gate.held();
  const late = pool.run(bounded, { what: "late" }, { ...SERVERS, deadlineMs: SHORT_MS });
  await new Promise((resolve) => {
    setTimeout(resolve, SHORT_MS + 50);
  });
  t.equal(pool.waiting, 1, "it has waited for longer than its deadline");
  for (const gate of gates) gate.open();
  t.equal(await late, "done late");
  await Promise.all(held);
});

t.test("a job that waits for too long is refused", async (t) => {
  const { pool } = common;
  const { gates, held } = hold(pool, bounded, POOL_THREADS_MAX);
  for (const gate of gates) await gate.held();
  const waiting = run(pool, "a");
  const streamed = read(pool, "", 1);
  t.equal(pool.waiting, 2);
  pool.tick(machineClock.now());
  t.equal(pool.waiting, 2, "not yet");
  pool.tick(machineClock.now() + POOL_WAIT_MS_MAX + 1);
  t.match(await waiting, { status: "RESOURCE_EXHAUSTED" });
  t.match(await streamed, { text: "", failure: { status: "RESOURCE_EXHAUSTED" } });
  t.equal(pool.waiting, 0);
  for (const gate of gates) gate.open();
  t.same(
    await Promise.all(held),
    held.map(() => "held"),
  );
});

/** Submits short jobs in one event-loop tick to a pool with one thread that has started. */
async function together(pool: Pool, ...what: readonly string[]): Promise<readonly Promise<string | Failure>[]> {
  await run(pool, "start");
  return what.map((one) => pool.run(bounded, { what: one }, { ...SERVERS, short: true }));
}

t.test("short jobs of one event-loop tick share a thread", async (t) => {
  const { pool } = makePool(t);
  // The pool requeues jobs of a shared thread if it gets no answer for a while, which may happen on a busy machine. The
  // held job shows which thread they were given to, however long that takes.
  const gate = Shared.make();
  await run(pool, "start");
  const [held, ...others] = ["hold", "refuse", "thread", "throw", "thread"].map((what) =>
    pool.run(bounded, { what, shared: gate.buffer }, { ...SERVERS, short: true }),
  );
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(pool.waiting, 0, "all of them are given to the one thread that is there");
  await gate.held();
  const [refused, thread, thrown, same] = await Promise.all(others);
  t.match(refused, { status: "NOT_FOUND", message: "not there", subject: { what: "refuse" } });
  t.match(thrown, { status: "INTERNAL" }, "a job that throws fails alone");
  t.match([thread, same], [/^thread \d+$/, /^thread \d+$/]);
  gate.open();
  t.equal(await held, "held");
});

t.test("jobs that their batch does not start any more run in later batches", async (t) => {
  const { pool, errors } = makePool(t);
  const what = ["long", "long", "a", "long", "b", "long", "c"];
  t.same(
    await Promise.all(await together(pool, ...what)),
    what.map((one) => (one === "long" ? "spent" : `done ${one}`)),
  );
  t.equal(pool.waiting, 0);
  t.same(errors, []);
});

t.test("a job that is not short has a thread of its own", async (t) => {
  const { pool } = makePool(t);
  await run(pool, "start");
  const gate = Shared.make();
  const held = pool.run(bounded, { what: "hold", shared: gate.buffer }, SERVERS);
  const thread = run(pool, "thread");
  await gate.held();
  t.match(await thread, /^thread \d+$/, "though the first is held");
  gate.open();
  await held;
});

t.test("callers are served round-robin, and one leaves room for others", async (t) => {
  const { pool } = common;
  const { gates, held } = hold(pool, bounded, POOL_THREADS_MAX);
  for (const gate of gates) await gate.held();
  const settled: string[] = [];
  const ask = async (caller: string, what: string): Promise<string | Failure> => {
    const answer = await pool.run(bounded, { what }, { caller });
    settled.push(what);
    return answer;
  };
  const greedy = Array.from({ length: POOL_QUEUE_OF_CALLER_MAX }, (_, at) => ask("greedy", `greedy ${at}`));
  t.match(await ask("greedy", "one more"), { status: "RESOURCE_EXHAUSTED" });
  settled.length = 0;
  const others = ["b", "c"].map((caller) => ask(caller, caller));
  t.equal(pool.waiting, POOL_QUEUE_OF_CALLER_MAX + 2);
  // A pool with one thread finishes jobs in the order in which they start, even on a busy machine.
  const [first, ...rest] = gates;
  first?.open();
  t.same(await Promise.all(others), ["done b", "done c"]);
  t.ok(settled.length <= 2 + others.length, `${settled.length} were done by then`);
  for (const gate of rest) gate.open();
  await Promise.all([...greedy, ...held]);
  t.equal(pool.waiting, 0);
});

t.test("one caller's stuck jobs delay another caller by about one deadline", async (t) => {
  const { pool } = makePool(t, SHORT_MS);
  await run(pool, "start");
  const ask = (caller: string, what: string): Promise<string | Failure> =>
    pool.run(unbounded, { what }, { short: true, caller });
  let ended = 0;
  for (let at = 0; at < 40; at++) void ask("evil", "stuck").then(() => (ended += 1));
  let answer = await ask("team", "a");
  while (answer instanceof Failure && answer.status === "DEADLINE_EXCEEDED") answer = await ask("team", "a");
  t.equal(answer, "done a");
  t.ok(ended <= 3 * POOL_UNBOUNDED_TOGETHER_MAX, `${ended} of 40 jobs came before it`);
});

t.test("a stuck job delays none of the jobs of its batch", async (t) => {
  const { pool, errors } = makePool(t);
  const gate = Shared.make();
  await run(pool, "start");
  const runShort = (what: string): Promise<string | Failure> =>
    pool.run(bounded, { what, shared: gate.buffer }, { ...SERVERS, short: true });
  const [before, held, ...after] = ["a", "hold", "b", "c"].map(runShort);
  t.equal(await before, "done a", "though it was done by the thread that is stuck");
  t.same(await Promise.all(after), ["done b", "done c"]);
  await gate.held();
  t.same(await Promise.all(["d", "e"].map(runShort)), ["done d", "done e"], "nor later jobs");
  gate.open();
  t.equal(await held, "held", "and is answered when it is done");
  t.equal(pool.waiting, 0);
  t.same(errors, []);
});

t.test("a job that is ended with its thread fails none of the jobs of its batch", async (t) => {
  const { pool, errors } = makePool(t, 3 * SHORT_MS);
  const [stuck, ...others] = await together(pool, "stuck", "b", "c", "d");
  t.same(await Promise.all(others), ["done b", "done c", "done d"]);
  t.match(await stuck, { status: "DEADLINE_EXCEEDED" });
  const { pool: other } = makePool(t);
  const [before, exits, ...after] = await together(other, "a", "exit", "b", "c");
  t.same(await Promise.all([before, ...after]), ["done a", "done b", "done c"]);
  t.match(await exits, { status: "INTERNAL" });
  t.same(errors, []);
});

t.test("stuck jobs that came together leave a thread to bounded jobs", async (t) => {
  const { pool } = makePool(t);
  await run(pool, "start");
  const gates = Array.from({ length: 4 }, () => Shared.make());
  const held = gates.map(({ buffer }) =>
    pool.run(unbounded, { what: "hold", shared: buffer }, { ...SERVERS, short: true }),
  );
  for (const gate of gates.slice(0, POOL_UNBOUNDED_TOGETHER_MAX)) await gate.held();
  t.equal(await run(pool, "a"), "done a");
  t.equal(pool.waiting, gates.length - POOL_UNBOUNDED_TOGETHER_MAX);
  for (const gate of gates) gate.open();
  t.same(
    await Promise.all(held),
    held.map(() => "held"),
  );
});

t.test("a job that transfers its buffers is not run twice", async (t) => {
  const { pool } = makePool(t);
  const gate = Shared.make();
  await run(pool, "start");
  const held = pool.run(bounded, { what: "hold", shared: gate.buffer }, { ...SERVERS, short: true });
  const given = new ArrayBuffer(8);
  const giving = pool.run(bounded, { what: "a" }, { ...SERVERS, short: true, transfer: [given] });
  t.equal(await giving, "done a", "it does not share the thread of the held job");
  t.equal(given.byteLength, 0);
  gate.open();
  t.equal(await held, "held");
});

t.test("a stream is queued under its caller: the acting instance, else the address", async (t) => {
  const { pool } = common;
  const { gates, held } = hold(pool, bounded, POOL_THREADS_MAX);
  for (const gate of gates) await gate.held();
  const greedy = [
    ...Array.from({ length: POOL_QUEUE_OF_CALLER_MAX }, () => pool.run(bounded, { what: "a" }, { caller: "greedy" })),
    ...Array.from({ length: 3 }, () => pool.run(bounded, { what: "a" }, { caller: "address ::1" })),
  ];
  const of = (actor: string, peer: string) => pool.stream(counting, { what: "", limit: 1 }, { actor, trace: "", peer });
  const refused = await of("greedy", "::1").next();
  t.match(refused.value, { status: "RESOURCE_EXHAUSTED" }, "there is no room for one more of its caller");
  const stream = of("", "::1").next();
  t.equal(pool.waiting, POOL_QUEUE_OF_CALLER_MAX + 4);
  for (const gate of gates) gate.open();
  t.notMatch((await stream).value, { status: "RESOURCE_EXHAUSTED" });
  await Promise.all([...greedy, ...held]);
});
