/** Tests when and how often the pruner runs its steps, with injected time and injected steps. */
import t from "tap";
import { settle } from "../../../test/threads/fake-writer.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import { Failure } from "../../base/result.js";
import { Pruner, type PruneReply, type Retention } from "./pruner.js";

const INTERVAL_MS = 60_000;
const START_MS = 1_000;
const BUSY = new Failure("UNAVAILABLE", "restarting");

interface Step {
  readonly after: number;
  readonly nowMs: number;
  readonly answer: (reply: PruneReply | Failure) => Promise<void>;
}

/** A fake kind of old data. The test decides the reply of each pruning step. */
class Played {
  readonly steps: Step[] = [];
  readonly retention: Retention;

  constructor(name: string, urgent?: (nowMs: number) => boolean) {
    const step = (after: number, nowMs: number): Promise<PruneReply | Failure> =>
      new Promise((resolve) => {
        const answer = (reply: PruneReply | Failure): Promise<void> => {
          resolve(reply);
          return settle();
        };
        this.steps.push({ after, nowMs, answer });
      });
    this.retention = { name, intervalMs: INTERVAL_MS, step, ...(urgent === undefined ? {} : { urgent }) };
  }

  get asked(): readonly (readonly [after: number, nowMs: number])[] {
    return this.steps.map(({ after, nowMs }) => [after, nowMs]);
  }

  async answer(reply: PruneReply | Failure): Promise<void> {
    await this.steps.at(-1)?.answer(reply);
  }
}

function setUp(...played: readonly Played[]) {
  const lines: string[] = [];
  const log = quietLog({
    debugs: true,
    debug: (message, fields) => lines.push(`${message} ${String(fields?.["removed"])}`),
  });
  const writer = { ready: true };
  const retentions = played.map(({ retention }) => retention);
  const pruner = new Pruner({ retentions, ready: () => writer.ready, log, nowMs: START_MS });
  const tick = (nowMs: number): Promise<void> => {
    pruner.tick(nowMs);
    return settle();
  };
  return { pruner, tick, writer, lines };
}

t.test("a run starts once an interval and takes as many steps as there is something to prune", async (t) => {
  const lines = new Played("lines");
  const { tick, lines: logged } = setUp(lines);
  await tick(START_MS + INTERVAL_MS - 1);
  t.equal(lines.steps.length, 0, "not before the interval is over");
  await tick(START_MS + INTERVAL_MS);
  t.same(lines.asked, [[0, START_MS + INTERVAL_MS]]);
  await tick(10 * INTERVAL_MS);
  t.equal(lines.steps.length, 1, "one run at a time");
  await lines.answer({ removed: 2000, more: true });
  t.same(lines.asked[1], [0, 10 * INTERVAL_MS], "a step gets the current time");
  await lines.answer({ removed: 30, more: false });
  t.equal(lines.steps.length, 2);
  t.same(logged, ["lines pruned 2030"]);
  await tick(10 * INTERVAL_MS);
  t.equal(lines.steps.length, 3, "the next run was due during the first one");
  await lines.answer({ removed: 0, more: false });
  t.equal(logged.length, 1, "a run that removes nothing is not logged");
});

t.test("a step that visits rows in order starts after the last row of the step before it", async (t) => {
  const lines = new Played("lines");
  const { tick } = setUp(lines);
  await tick(START_MS + INTERVAL_MS);
  await lines.answer({ removed: 1, after: 1000 });
  await lines.answer({ removed: 0, after: 2000 });
  await lines.answer({ removed: 1, after: null });
  t.same(
    lines.asked.map(([after]) => after),
    [0, 1000, 2000],
  );
  await tick(START_MS + 2 * INTERVAL_MS);
  t.same(lines.asked[3], [0, START_MS + 2 * INTERVAL_MS], "each run begins with the first row");
});

t.test("urgent rows are pruned at once, but not again after a failure", async (t) => {
  const due = { ms: null as number | null };
  const lines = new Played("lines", (nowMs) => due.ms !== null && due.ms <= nowMs);
  const { tick } = setUp(lines);
  due.ms = START_MS + 500;
  await tick(START_MS + 499);
  t.equal(lines.steps.length, 0);
  await tick(START_MS + 500);
  t.equal(lines.steps.length, 1);
  await lines.answer({ removed: 1, more: true });
  await lines.answer(BUSY);
  t.equal(lines.steps.length, 2, "a failure ends the run");
  await tick(START_MS + 600);
  t.equal(lines.steps.length, 2, "although rows are still urgent");
  await tick(START_MS + 500 + INTERVAL_MS);
  t.equal(lines.steps.length, 3, "the next interval tries again");
  await lines.answer({ removed: 1, more: false });
  await tick(START_MS + 600 + INTERVAL_MS);
  t.equal(lines.steps.length, 4, "after a success, urgent rows are pruned at once again");
});

t.test("a run that is due waits until the writer is ready", async (t) => {
  const lines = new Played("lines");
  const { tick, writer } = setUp(lines);
  writer.ready = false;
  await tick(START_MS + INTERVAL_MS);
  t.equal(lines.steps.length, 0);
  writer.ready = true;
  await tick(START_MS + INTERVAL_MS + 100);
  t.equal(lines.steps.length, 1);
});

t.test("the rows of the table are independent of each other", async (t) => {
  const [slow, failing, quick] = [new Played("slow"), new Played("failing"), new Played("quick")];
  const { tick, lines } = setUp(slow, failing, quick);
  await tick(START_MS + INTERVAL_MS);
  await failing.answer(BUSY);
  await quick.answer({ removed: 3, after: null });
  await tick(START_MS + 2 * INTERVAL_MS);
  t.same([slow.steps.length, failing.steps.length, quick.steps.length], [1, 2, 2]);
  t.same(lines, ["quick pruned 3"]);
});

t.test("closing waits for the step in progress and starts no other", async (t) => {
  const lines = new Played("lines");
  const { pruner, tick } = setUp(lines);
  await tick(START_MS + INTERVAL_MS);
  let closed = false;
  const closing = pruner.close().then(() => {
    closed = true;
  });
  await settle();
  t.equal(closed, false);
  await lines.answer({ removed: 1, more: true });
  await closing;
  t.equal(lines.steps.length, 1);
  await tick(START_MS + 10 * INTERVAL_MS);
  t.equal(lines.steps.length, 1);
});
