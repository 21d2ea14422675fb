/** Tests that commands get the trace to which their work belongs, and that the server exports the same ids. */
import t, { type Test } from "tap";
import { must } from "../src/base/assert.js";
import { runCli } from "./cli/run-cli.js";
import { Agent } from "./support/leasing.js";
import { startOtlpReceiver } from "./support/otlp-receiver.js";
import { startKoor } from "./support/server-process.js";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const OUTER = `00-${TRACE}-00f067aa0ba902b7-01`;
const SHOW = ["--", process.execPath, "-e", "console.log(process.env.KOOR_TRACEPARENT+' '+process.env.TRACEPARENT)"];

async function setUp(t: Test) {
  const collector = await startOtlpReceiver(t);
  const koor = await startKoor(t, { args: ["--otlp", collector.url] });
  const ben = await Agent.register(koor.port, "ben");
  const cwd = t.testdir();
  const run = async (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> => {
    const all = { KOOR_SERVER: koor.url, KOOR_INSTANCE: ben.id, ...env };
    const { code, stdout, stderr } = await runCli(args, { cwd, env: all });
    if (code !== 0) throw new Error(stderr);
    return stdout.trim();
  };
  return { collector, run };
}

t.test("task work gives its command the span of the claim", async (t) => {
  const { collector, run } = await setUp(t);
  const made = JSON.parse(await run(["task", "add", "one"], { TRACEPARENT: OUTER })) as { traceparent: string };
  t.equal(made.traceparent, OUTER, "the environment's by default");
  const given = `00-${TRACE}-00f067aa0ba902b8-01`;
  const other = await run(["task", "add", "two", "--traceparent", given], { KOOR_TRACEPARENT: OUTER });
  t.equal((JSON.parse(other) as { traceparent: string }).traceparent, given);
  const done = JSON.parse(await run(["task", "work", "--once", ...SHOW])) as { result: string };
  const [span] = await collector.untilSpans("claim");
  const { traceId, spanId } = must(span, "the claim has ended");
  t.equal(traceId, TRACE);
  const expected = `00-${traceId}-${spanId}-01`;
  t.equal(done.result.trim(), `${expected} ${expected}`);
  await run(["task", "add", "three"]);
  const alone = JSON.parse(await run(["task", "work", "--once", ...SHOW], { TRACEPARENT: OUTER })) as {
    result: string;
  };
  t.match(alone.result, / 00-/, "a trace is there without one");
});

t.test("lease run and task run pass the trace on, and a lease without one has its own", async (t) => {
  const { collector, run } = await setUp(t);
  const own = (await run(["lease", "run", "deploy", ...SHOW])).split("\n").at(-1) ?? "";
  const [span] = await collector.untilSpans("lease");
  const { traceId, spanId } = must(span, "the lease has ended");
  const expected = `00-${traceId}-${spanId}-01`;
  t.equal(own, `${expected} ${expected}`);
  t.equal(await run(["lease", "run", "deploy", ...SHOW], { KOOR_TRACEPARENT: OUTER }), `${OUTER} ${OUTER}`);
  t.equal(await run(["task", "run", ...SHOW], { KOOR_TRACEPARENT: OUTER }), `${OUTER} ${OUTER}`);
});
