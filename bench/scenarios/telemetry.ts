/**
 * Measures the cost of the export over OpenTelemetry: durable PUTs, which end no span, and records of evidence, each of
 * which ends one. A server with --otlp and one without are measured in alternation. The collector is a process that reads
 * a request and answers 200. Runs in the bench process.
 */
import type { Bench } from "../bench.js";
import { makeHttpJob } from "../load/http-job.js";
import { type HttpRequest, keyNumbers, keyOf, putRequest } from "../load/requests.js";
import type { Row, Scenario } from "../model.js";
import { withCpu } from "../process-cost.js";
import {
  cpuOfAll,
  figuresOf,
  medianQuotient,
  mergeSlices,
  quotient,
  rateOf,
  ratiosOf,
  type Slice,
} from "../statistics.js";
import { type Koor, readMetrics, startKoor } from "../targets/koor.js";
import { atLeast } from "../throughput.js";
import type { WebhookJob } from "../webhooks/receiver-process.js";

const WITHOUT = "no export";
const CONNECTIONS = 64;
/** The limit of the rate of writes that end no span, in multiples of the rate without an export. */
const PUT_RATE_MIN = 0.9;
const DROPPED = "koor_otlp_dropped_total";

interface Plan {
  readonly name: string;
  readonly requestsTo: (koor: Koor) => Promise<readonly HttpRequest[]>;
  readonly rateMin?: number;
}

async function register(koor: Koor): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${koor.port}/api/instances/register`, {
    method: "POST",
    body: JSON.stringify({ name: "ana", workspace: "bench" }),
  });
  if (!answer.ok) throw new Error(`register: ${await answer.text()}`);
  return ((await answer.json()) as { readonly id: string }).id;
}

const PLANS: readonly Plan[] = [
  {
    name: "PUT on distinct keys",
    requestsTo: () => Promise.resolve(keyNumbers().map((index) => putRequest(keyOf(index)))),
    rateMin: PUT_RATE_MIN,
  },
  {
    name: "records of evidence",
    requestsTo: async (koor) => [
      {
        method: "POST",
        path: "/api/evidence",
        headers: { "Content-Type": "application/json", "X-Koor-Instance": await register(koor) },
        body: JSON.stringify({ command: "npm test", exit_code: 0, duration_ms: 1_500 }),
      },
    ],
  },
];

async function droppedEvents(koor: Koor): Promise<number> {
  return (await readMetrics(koor)).get(DROPPED) ?? 0;
}

async function measurePlan(bench: Bench, collector: string, { name, requestsTo, rateMin }: Plan): Promise<Row> {
  const { sliceMs, warmupMs, rounds } = bench.settings;
  const [exporting, alone] = [await startKoor(bench, { args: ["--otlp", collector] }), await startKoor(bench)];
  const generator = bench.startJobs("bench/load/generator.js");
  const sides = [
    { koor: exporting, requests: await requestsTo(exporting), slices: [] as Slice[] },
    { koor: alone, requests: await requestsTo(alone), slices: [] as Slice[] },
  ] as const;
  const run = ({ koor, requests }: (typeof sides)[number], durationMs: number): Promise<Slice> =>
    withCpu(koor.pid, () => generator.run<Slice>(makeHttpJob(koor, requests, CONNECTIONS, durationMs)));
  for (const side of sides) await run(side, warmupMs);
  const before = await droppedEvents(exporting);
  for (let round = 0; round < rounds; round++) {
    bench.progress(`${name} with an export, round ${round + 1} of ${rounds}`);
    for (const side of sides) side.slices.push(await run(side, sliceMs));
  }
  const [{ slices: mine }, { slices: theirs }] = sides;
  const requests = mine.reduce((sum, slice) => sum + slice.requests, 0);
  const dropped = (await droppedEvents(exporting)) - before;
  const rateRatio = medianQuotient(mine, theirs, rateOf);
  const row: Row = {
    name: `${name}, ${CONNECTIONS} connections, with an export`,
    client: "node",
    figures: { ...mergeSlices(mine), ...figuresOf({ dropped_share: dropped / requests }) },
    references: [{ name: WITHOUT, figures: mergeSlices(theirs) }],
    ratios: ratiosOf([
      { of: "rate", to: WITHOUT, value: rateRatio, better: "higher", compared: true },
      { of: "CPU", to: WITHOUT, value: quotient(cpuOfAll(mine), cpuOfAll(theirs)), better: "lower", compared: true },
    ]),
    targets:
      rateMin === undefined
        ? []
        : [atLeast("rate to no export", rateRatio, rateMin)].filter((target) => target !== undefined),
  };
  for (const koor of [exporting, alone]) await bench.stop(koor.child);
  return row;
}

async function* measureTelemetry(bench: Bench): AsyncGenerator<Row> {
  const receiver = bench.startJobs("bench/webhooks/receiver-process.js");
  const listen: WebhookJob = { kind: "listen" };
  const collector = `http://127.0.0.1:${await receiver.run<number>(listen)}`;
  for (const plan of PLANS) yield await measurePlan(bench, collector, plan);
}

export const telemetryScenario: Scenario = {
  name: "telemetry",
  measures: "writes on a server that exports over OpenTelemetry",
  build: measureTelemetry,
};
