import t from "tap";
import { TIME_SLICE_MS } from "../../../schemas/limits/process.js";
import { ByteBudget } from "../../base/byte-budget.js";
import { FairSlices } from "../../base/fair-slices.js";
import { ANONYMOUS } from "../../platform/front/caller.js";
import { answerBatch, Share } from "./batches.js";
import type { Requester } from "./tool-calls.js";

const REQUESTER: Requester = { outer: { caller: ANONYMOUS, context: { actor: "", trace: "" } }, base: "http://h" };

function pings(count: number, from = 0): object[] {
  return Array.from({ length: count }, (_unused, at) => ({ jsonrpc: "2.0", id: from + at, method: "ping" }));
}

/** Creates batches with a simulated clock, on which each message takes `ms`. The test runs the ticks. */
function bench({ ms = 1, bytesMax = Infinity, text = "" } = {}) {
  let nowMs = 0;
  const due: (() => void)[] = [];
  const slices = new FairSlices({ now: () => nowMs, later: (run) => due.push(run) });
  const budget = new ByteBudget(bytesMax);
  const ran: number[] = [];
  const run = (messages: readonly unknown[], share = new Share(budget)) =>
    answerBatch(messages, REQUESTER, {
      slices,
      share,
      exchange: ({ id }) => {
        ran.push(Number(id));
        nowMs += ms;
        return Promise.resolve(JSON.stringify({ id, text }));
      },
    });
  /** Runs all ticks. Returns the messages that each tick has run. */
  const ticks = async (between: () => void = () => undefined): Promise<number[][]> => {
    const seen: number[][] = [];
    for (let next = due.shift(); next !== undefined; next = due.shift()) {
      next();
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(ran.splice(0));
      between();
    }
    return seen;
  };
  return { budget, run, ticks };
}

t.test("a tick runs as many messages as fit a slice", async (t) => {
  const { run, ticks } = bench({ ms: TIME_SLICE_MS / 2 });
  const answer = run(pings(8));
  t.same(await ticks(), [
    [0, 1, 2],
    [3, 4, 5],
    [6, 7],
  ]);
  const { status, body } = await answer;
  t.equal(status, 200);
  t.same(
    JSON.parse(String(body)),
    pings(8).map((_unused, id) => ({ id, text: "" })),
    "in the order of the requests",
  );
});

t.test("batches take turns, one in each tick", async (t) => {
  const { run, ticks } = bench({ ms: TIME_SLICE_MS + 1 });
  const answers = [run(pings(3)), run(pings(2, 10)), run(pings(1, 20))];
  t.same(await ticks(), [[0], [10], [20], [1], [11], [2]]);
  await Promise.all(answers);
});

t.test("a batch stops when its client has gone", async (t) => {
  const { budget, run, ticks } = bench({ ms: TIME_SLICE_MS + 1 });
  const share = new Share(budget);
  const answers = [run(pings(5), share), run(pings(3, 10))];
  let ticked = 0;
  const seen = await ticks(() => {
    ticked += 1;
    if (ticked === 3) share.gone = true;
  });
  t.same(seen, [[0], [10], [1], [11], [], [12]]);
  await Promise.all(answers);
});

t.test("only requests are answered, a single one without an array", async (t) => {
  const notice = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 0 } };
  const { run, ticks } = bench();
  const answers = [run([notice, ...pings(1)]), run([notice, { jsonrpc: "2.0", id: 9, result: {} }])];
  await ticks();
  const [one, none] = await Promise.all(answers);
  t.same(JSON.parse(String(one?.body)), { id: 0, text: "" });
  t.match(none, { status: 202, body: "" });
});

t.test("after the first answer that does not fit, no message runs", async (t) => {
  const { budget, run, ticks } = bench({ bytesMax: 250, text: "x".repeat(80) });
  const share = new Share(budget);
  const answer = run(pings(5), share);
  t.same((await ticks()).flat(), [0, 1, 2], "the answer of the last one of them is dropped");
  const answers = JSON.parse(String((await answer).body)) as { readonly id: number; readonly error?: object }[];
  t.same(
    answers.map(({ id, error }) => [id, error !== undefined]),
    [
      [0, false],
      [1, false],
      [2, true],
      [3, true],
      [4, true],
    ],
  );
  t.ok(budget.bytes > 0);
  share.release();
  t.equal(budget.bytes, 0);
});
