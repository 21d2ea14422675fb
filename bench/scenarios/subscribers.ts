/**
 * Measures events to reading subscribers: one at a time, where each event reaches all before the next is sent, and in
 * bursts of one array of 1 000. The reference is raw uWS, through a native topic and by a loop over its sockets. Runs
 * in the bench process.
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

/** Numbers of subscribers for which the design has a target for one event. */
const JUDGED_SUBSCRIBERS = 500;
const RAW_TOPIC = "raw uWS topic";
const RAW_LOOP = "raw uWS loop";
const CPU_TO_RAW_LOOP_MAX = 1.25;
const BURST_CPU_US_MAX = 1.5;
/** A burst has a target only where there are many subscribers, too: the publish itself is in the cost. */
const BURST_JUDGED_SUBSCRIBERS_MIN = 100;
const WARMUP_SUBSCRIBERS = 20;
const WARMUP_CONNECTIONS = 64;
const WARMUP_PUBLISHES = 20_000;
/** One burst to a thousand subscribers is a million deliveries. */
const BURST_MS_MAX = 30_000;

interface Kind {
  readonly what: string;
  readonly events_per_request: number;
}

const KINDS: readonly Kind[] = [
  { what: "one event at a time", events_per_request: 1 },
  { what: `bursts of ${BURST_EVENTS} events`, events_per_request: BURST_EVENTS },
];

function stretchOptions(bench: Bench, kind: Kind): StretchOptions {
  const { fan_out_slice_ms, bursts } = bench.settings;
  const { events_per_request } = kind;
  if (events_per_request === 1) return { events_per_request, duration_ms: fan_out_slice_ms };
  return { events_per_request, duration_ms: BURST_MS_MAX, publishes_max: bursts };
}

function makeRow(
  name: string,
  kind: Kind,
  subscribers: number,
  koor: Stretch[],
  topic: Stretch[],
  loop: Stretch[],
): Row {
  const is_burst = kind.events_per_request > 1;
  // With few subscribers the cost is that of the durable publish, which the raw server does not have.
  const cpu_counts = is_burst ? subscribers > 1 : subscribers >= JUDGED_SUBSCRIBERS;
  // Both sides run in every round: other load of the machine changes what a send costs, and meets both sides of a
  // round.
  const cpu_to_loop = medianQuotient(koor, loop, stretchCpuOf);
  const merged = mergeStretches(koor);
  const targets = [atMost("lost", merged["lost"], 0)];
  if (!is_burst && subscribers === JUDGED_SUBSCRIBERS)
    targets.push(atMost("CPU a delivery to raw uWS loop", cpu_to_loop, CPU_TO_RAW_LOOP_MAX));
  if (is_burst && subscribers >= BURST_JUDGED_SUBSCRIBERS_MIN)
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
        compared: is_burst,
      },
      {
        of: "CPU",
        to: RAW_TOPIC,
        value: medianQuotient(koor, topic, stretchCpuOf),
        better: "lower",
        compared: cpu_counts,
      },
      { of: "CPU", to: RAW_LOOP, value: cpu_to_loop, better: "lower", compared: cpu_counts },
    ]),
    targets: targets.filter((target) => target !== undefined),
  };
}

async function* measureSubscribers(bench: Bench): AsyncGenerator<Row> {
  const koor: Server = await startKoor(bench);
  const raw = await startRawUws(bench);
  const of_koor = bench.startJobs("bench/subscribers/subscriber-process.js");
  const of_raw = bench.startJobs("bench/subscribers/subscriber-process.js");
  const sides: readonly { readonly process: JobProcess; readonly server: Server }[] = [
    { process: of_koor, server: koor },
    { process: of_raw, server: raw },
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
  // The server publishes for a while first: one event at a time would take minutes to get both sides compiled.
  const generator = bench.startJobs("bench/load/generator.js");
  for (const { server } of sides) {
    const job: LoadJob = {
      ...makeHttpJob(server, [publishRequest(1)], WARMUP_CONNECTIONS, JOB_GRACE_MS),
      requests_max: WARMUP_PUBLISHES,
    };
    await generator.run(job);
  }
  await open(WARMUP_SUBSCRIBERS);
  for (const { process, server } of sides) {
    await measureStretch(process, server, { events_per_request: 1, duration_ms: bench.settings.warmup_ms });
    await measureStretch(process, server, { events_per_request: BURST_EVENTS, duration_ms: bench.settings.warmup_ms });
  }
  await close();

  for (const subscribers of bench.settings.subscribers) {
    await open(subscribers);
    for (const kind of KINDS) {
      if (kind.events_per_request > 1 && subscribers > bench.settings.burst_subscribers_max) continue;
      const name = `${kind.what}, ${subscribers} subscriber${subscribers === 1 ? "" : "s"}`;
      const options = stretchOptions(bench, kind);
      const stretches = { koor: [] as Stretch[], topic: [] as Stretch[], loop: [] as Stretch[] };
      for (let round = 0; round < bench.settings.fan_out_rounds; round++) {
        bench.progress(`${name}, round ${round + 1} of ${bench.settings.fan_out_rounds}`);
        stretches.koor.push(await measureSettled(of_koor, koor, options));
        stretches.topic.push(await measureSettled(of_raw, raw, { ...options, query: "?how=topic" }));
        stretches.loop.push(await measureSettled(of_raw, raw, { ...options, query: "?how=loop" }));
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
