/**
 * Measures the cost of webhooks. It measures deliveries to receivers that do nothing, beside undici alone, which sends
 * the same bodies to the same receiver. It also measures durable publishes beside a webhook whose receiver is dead, and
 * beside a webhook that subscribes to none of the events, each against a server without webhooks. Runs in the bench
 * process.
 */
import type { Bench } from "../bench.js";
import type { JobProcess } from "../job-process.js";
import { makeHttpJob } from "../load/http-job.js";
import { publishRequest, TOPIC, VALUE } from "../load/requests.js";
import type { Row, Scenario } from "../model.js";
import { withCpu } from "../process-cost.js";
import { JOB_GRACE_MS } from "../settings.js";
import {
  cpuOfAll,
  figuresOf,
  median,
  medianQuotient,
  mergeSlices,
  quotient,
  rateOf,
  ratiosOf,
  type Slice,
} from "../statistics.js";
import { type Koor, startKoor } from "../targets/koor.js";
import { atLeast } from "../throughput.js";
import type { WebhookJob } from "../webhooks/receiver-process.js";

const RAW = "undici alone";
const WITHOUT = "no webhook";
const LANES = [1, 16];
const RATE_BESIDE_OTHERS_MIN = 0.9;
const PUBLISH_CONNECTIONS = 64;
/** The URL of an address at which no server listens. */
const DEAD_URL = "http://127.0.0.1:1/";

async function post(koor: Koor, path: string, body: string): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${koor.port}${path}`, { method: "POST", body });
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
  await answer.text();
}

function addWebhook(koor: Koor, id: string, url: string, patterns: readonly string[]): Promise<void> {
  return post(koor, "/api/webhooks", JSON.stringify({ id, url, patterns, secret: "bench" }));
}

const run = <Result>(process: JobProcess, job: WebhookJob): Promise<Result> => process.run<Result>(job);

function sliceOf(requests: number, elapsedMs: number): Slice {
  return { requests, elapsedMs, p50_ms: 0, p99_ms: 0, max_ms: 0, refused: 0, broken: 0 };
}

async function timed(requests: number, work: () => Promise<unknown>): Promise<Slice> {
  const startedMs = performance.now();
  await work();
  return sliceOf(requests, performance.now() - startedMs);
}

async function* measureDeliveries(bench: Bench): AsyncGenerator<Row> {
  const { webhookEvents, rounds } = bench.settings;
  const receiver = bench.startJobs("bench/webhooks/receiver-process.js");
  const sender = bench.startJobs("bench/webhooks/receiver-process.js");
  const port = await run<number>(receiver, { kind: "listen" });
  const written = `"event_id":1000001,"created_at":"2026-02-09T14:30:00.123Z"`;
  const body = `{"topic":"${TOPIC}","data":${VALUE},"source":"",${written}}`;
  for (const lanes of LANES) {
    const koor = await startKoor(bench);
    for (let lane = 0; lane < lanes; lane++)
      await addWebhook(koor, `w${lane}`, `http://127.0.0.1:${port}/`, ["bench.**"]);
    const events = Math.ceil(webhookEvents / lanes);
    const deliveries = events * lanes;
    const { body: burst = "" } = publishRequest(events);
    const deliver = (): Promise<Slice> =>
      withCpu(koor.pid, () =>
        timed(deliveries, async () => {
          const all = run<number>(receiver, { kind: "await", count: deliveries, duration_ms: JOB_GRACE_MS });
          await post(koor, "/api/events/publish", events === 1 ? `[${burst}]` : burst);
          await all;
        }),
      );
    const alone = (): Promise<Slice> =>
      withCpu(sender.pid, () =>
        timed(deliveries, async () => {
          const all = run<number>(receiver, { kind: "await", count: deliveries, duration_ms: JOB_GRACE_MS });
          await run(sender, { kind: "send", port, lanes, requests: events, body, duration_ms: JOB_GRACE_MS });
          await all;
        }),
      );
    const mine: Slice[] = [];
    const theirs: Slice[] = [];
    for (const warm of [deliver, alone]) await warm();
    for (let round = 0; round < rounds; round++) {
      bench.progress(`deliveries to ${lanes} webhooks, round ${round + 1} of ${rounds}`);
      mine.push(await deliver());
      theirs.push(await alone());
    }
    const figures = (slices: readonly Slice[]): ReturnType<typeof figuresOf> =>
      figuresOf({ deliveries_per_s: median(slices.map(rateOf)), cpu_us_a_delivery: cpuOfAll(slices) });
    yield {
      name: `deliveries to ${lanes} webhook${lanes === 1 ? "" : "s"}`,
      client: "",
      figures: figures(mine),
      references: [{ name: RAW, figures: figures(theirs) }],
      ratios: ratiosOf([
        { of: "rate", to: RAW, value: medianQuotient(mine, theirs, rateOf), better: "higher", compared: true },
        { of: "CPU", to: RAW, value: quotient(cpuOfAll(mine), cpuOfAll(theirs)), better: "lower", compared: true },
      ]),
      targets: [],
    };
    await bench.stop(koor.child);
  }
}

/** Measures publishes on a server with a webhook and on one without, in alternation. */
async function measurePublishBeside(bench: Bench, what: string, patterns: readonly string[]): Promise<Row> {
  const { sliceMs, warmupMs, rounds } = bench.settings;
  const [beside, alone] = [await startKoor(bench), await startKoor(bench)];
  await addWebhook(beside, "w", DEAD_URL, patterns);
  const generator = bench.startJobs("bench/load/generator.js");
  const publish = (koor: Koor, durationMs: number): Promise<Slice> =>
    withCpu(koor.pid, () =>
      generator.run<Slice>(makeHttpJob(koor, [publishRequest(1)], PUBLISH_CONNECTIONS, durationMs)),
    );
  for (const koor of [beside, alone]) await publish(koor, warmupMs);
  const mine: Slice[] = [];
  const theirs: Slice[] = [];
  for (let round = 0; round < rounds; round++) {
    bench.progress(`publish beside ${what}, round ${round + 1} of ${rounds}`);
    mine.push(await publish(beside, sliceMs));
    theirs.push(await publish(alone, sliceMs));
  }
  const rateRatio = medianQuotient(mine, theirs, rateOf);
  const row: Row = {
    name: `publish, ${PUBLISH_CONNECTIONS} connections, beside ${what}`,
    client: "node",
    figures: mergeSlices(mine),
    references: [{ name: WITHOUT, figures: mergeSlices(theirs) }],
    ratios: ratiosOf([
      { of: "rate", to: WITHOUT, value: rateRatio, better: "higher", compared: true },
      { of: "CPU", to: WITHOUT, value: quotient(cpuOfAll(mine), cpuOfAll(theirs)), better: "lower", compared: true },
    ]),
    targets: patterns.includes("**")
      ? []
      : [atLeast("rate to no webhook", rateRatio, RATE_BESIDE_OTHERS_MIN)].filter((target) => target !== undefined),
  };
  for (const koor of [beside, alone]) await bench.stop(koor.child);
  return row;
}

async function* measureWebhooks(bench: Bench): AsyncGenerator<Row> {
  yield* measureDeliveries(bench);
  yield await measurePublishBeside(bench, "a webhook that wants none of it", ["other.*"]);
  yield await measurePublishBeside(bench, "a webhook whose receiver is dead", ["**"]);
}

export const webhooksScenario: Scenario = {
  name: "webhooks",
  measures: "deliveries to webhooks, and publishes beside dead ones",
  build: measureWebhooks,
};
