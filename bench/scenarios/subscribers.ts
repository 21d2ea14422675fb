/**
 * Measures the delivery of events to subscribers that read them. Events are sent one at a time, each after the previous
 * one has reached all subscribers, or in bursts of one array with 1 000 events. The reference is raw uWS, which
 * delivers through a native topic or by a loop over its sockets. Runs in the bench process.
 */
import type { Bench } from "../bench.js";
import {
  closeSubscribers,
  deliveryRateOf,
  measureSettled,
  measureStretch,
  mergeStretches,
  openSubscribers,
  stretchCpuOf,
  type Stretch,
  type StretchOptions,
} from "../fan-out.js";
import type { JobProcess } from "../job-process.js";
import type { LoadJob } from "../load/generator.js";
import { makeHttpJob } from "../load/http-job.js";
import { publishRequest } from "../load/requests.js";
import type { Row, Scenario } from "../model.js";
import { BURST_EVENTS, JOB_GRACE_MS } from "../settings.js";
import { medianQuotient, ratiosOf } from "../statistics.js";
import { startKoor } from "../targets/koor.js";
import { startRawUws } from "../targets/raw-uws.js";
import type { Server } from "../targets/server.js";
import { atMost } from "../throughput.js";

/** The number of subscribers for which the design has a target for single events. */
const JUDGED_SUBSCRIBERS = 500;
const RAW_TOPIC = "raw uWS topic";
const RAW_LOOP = "raw uWS loop";
const CPU_TO_RAW_LOOP_MAX = 1.25;
const BURST_CPU_US_MAX = 1.5;
/**
 * The number of subscribers from which the design has a target for bursts. With fewer subscribers, the publish itself
 * is a large part of the cost.
 */
const BURST_JUDGED_SUBSCRIBERS_MIN = 100;
const WARMUP_SUBSCRIBERS = 20;
const WARMUP_CONNECTIONS = 64;
const WARMUP_PUBLISHES = 20_000;
/** The time limit of one burst. A burst to a thousand subscribers has a million deliveries. */
const BURST_MS_MAX = 30_000;

interface Kind {
  readonly what: string;
  readonly eventsPerRequest: number;
}

const KINDS: readonly Kind[] = [
  { what: "one event at a time", eventsPerRequest: 1 },
  { what: `bursts of ${BURST_EVENTS} events`, eventsPerRequest: BURST_EVENTS },
];

function stretchOptions(bench: Bench, kind: Kind): StretchOptions {
  const { fanOutSliceMs, bursts } = bench.settings;
  const { eventsPerRequest } = kind;
  if (eventsPerRequest === 1) return { eventsPerRequest, duration_ms: fanOutSliceMs };
  return { eventsPerRequest, duration_ms: BURST_MS_MAX, publishesMax: bursts };
}

function makeRow(
  name: string,
  kind: Kind,
  subscribers: number,
  koor: Stretch[],
  topic: Stretch[],
  loop: Stretch[],
): Row {
  const isBurst = kind.eventsPerRequest > 1;
  // With few subscribers, most of the CPU time is that of the durable publish, which the raw server does not do. The
  // ratio is then not compared.
  const cpuCounts = isBurst ? subscribers > 1 : subscribers >= JUDGED_SUBSCRIBERS;
  // Both sides run in every round, so that a change in the other load of the machine affects both sides of a round.
  const cpuToLoop = medianQuotient(koor, loop, stretchCpuOf);
  const merged = mergeStretches(koor);
  const targets = [atMost("lost", merged["lost"], 0)];
  if (!isBurst && subscribers === JUDGED_SUBSCRIBERS)
    targets.push(atMost("CPU a delivery to raw uWS loop", cpuToLoop, CPU_TO_RAW_LOOP_MAX));
  if (isBurst && subscribers >= BURST_JUDGED_SUBSCRIBERS_MIN)
    targets.push(atMost("cpu_us_a_delivery", merged["cpu_us_a_delivery"], BURST_CPU_US_MAX));
  return {
    name,
    client: "",
    figures: merged,
    references: [
      { name: RAW_TOPIC, figures: mergeStretches(topic) },
      { name: RAW_LOOP, figures: mergeStretches(loop) },
    ],
    ratios: ratiosOf([
      {
        of: "deliveries",
        to: RAW_TOPIC,
        value: medianQuotient(koor, topic, deliveryRateOf),
        better: "higher",
        compared: isBurst,
      },
      {
        of: "CPU",
        to: RAW_TOPIC,
        value: medianQuotient(koor, topic, stretchCpuOf),
        better: "lower",
        compared: cpuCounts,
      },
      { of: "CPU", to: RAW_LOOP, value: cpuToLoop, better: "lower", compared: cpuCounts },
    ]),
    targets: targets.filter((target) => target !== undefined),
  };
}

async function* measureSubscribers(bench: Bench): AsyncGenerator<Row> {
  const koor: Server = await startKoor(bench);
  const raw = await startRawUws(bench);
  const ofKoor = bench.startJobs("bench/subscribers/subscriber-process.js");
  const ofRaw = bench.startJobs("bench/subscribers/subscriber-process.js");
  const sides: readonly { readonly process: JobProcess; readonly server: Server }[] = [
    { process: ofKoor, server: koor },
    { process: ofRaw, server: raw },
  ];
  const open = async (count: number): Promise<void> => {
    for (const { process, server } of sides)
      await openSubscribers(
        process,
        server,
        Array.from({ length: count }, () => "*"),
        false,
      );
  };
  const close = async (): Promise<void> => {
    for (const { process } of sides) await closeSubscribers(process);
  };
  // The server first gets publishes from the load generator, which compiles its code. Single events with their
  // subscribers would take minutes for this.
  const generator = bench.startJobs("bench/load/generator.js");
  for (const { server } of sides) {
    const job: LoadJob = {
      ...makeHttpJob(server, [publishRequest(1)], WARMUP_CONNECTIONS, JOB_GRACE_MS),
      requestsMax: WARMUP_PUBLISHES,
    };
    await generator.run(job);
  }
  await open(WARMUP_SUBSCRIBERS);
  for (const { process, server } of sides) {
    await measureStretch(process, server, { eventsPerRequest: 1, duration_ms: bench.settings.warmupMs });
    await measureStretch(process, server, { eventsPerRequest: BURST_EVENTS, duration_ms: bench.settings.warmupMs });
  }
  await close();

  for (const subscribers of bench.settings.subscribers) {
    await open(subscribers);
    for (const kind of KINDS) {
      if (kind.eventsPerRequest > 1 && subscribers > bench.settings.burstSubscribersMax) continue;
      const name = `${kind.what}, ${subscribers} subscriber${subscribers === 1 ? "" : "s"}`;
      const options = stretchOptions(bench, kind);
      const stretches = { koor: [] as Stretch[], topic: [] as Stretch[], loop: [] as Stretch[] };
      for (let round = 0; round < bench.settings.fanOutRounds; round++) {
        bench.progress(`${name}, round ${round + 1} of ${bench.settings.fanOutRounds}`);
        stretches.koor.push(await measureSettled(ofKoor, koor, options));
        stretches.topic.push(await measureSettled(ofRaw, raw, { ...options, query: "?how=topic" }));
        stretches.loop.push(await measureSettled(ofRaw, raw, { ...options, query: "?how=loop" }));
      }
      yield makeRow(name, kind, subscribers, stretches.koor, stretches.topic, stretches.loop);
    }
    await close();
  }
}

export const subscribersScenario: Scenario = {
  name: "subscribers",
  measures: "events to 1, 100, 500 and 1 000 subscribers, one at a time and in bursts",
  build: measureSubscribers,
};
