/**
 * Measures the work of a node that does not need the log: reads of one key, and the delivery of events to many
 * subscribers. Compares each node with a single server, in alternating pairs. Runs in the bench process.
 */
import type { Bench } from "../bench.js";
import {
  closeSubscribers,
  deliveryRateOf,
  frontCpuOf,
  measureSettled,
  mergeStretches,
  openSubscribers,
  type Stretch,
} from "../fan-out.js";
import type { JobProcess } from "../job-process.js";
import { makeHttpJob } from "../load/http-job.js";
import { getRequest, keyOf } from "../load/requests.js";
import type { Row } from "../model.js";
import { withCpu } from "../process-cost.js";
import { BURST_EVENTS, CLUSTER_CONNECTIONS, CLUSTER_SUBSCRIBERS, JOB_GRACE_MS } from "../settings.js";
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
import type { KoorNode } from "../targets/koor-node.js";
import type { Server } from "../targets/server.js";
import { atLeast, atMost } from "../throughput.js";
import { ALONE } from "./writes.js";

const AS_FAST_MIN = 0.95;
const FRONT_CPU_MAX = 1.05;

export async function measureReads(bench: Bench, generator: JobProcess, node: KoorNode, alone: Server): Promise<Row> {
  const { clusterReadSliceMs, clusterReadRounds, warmupMs } = bench.settings;
  const name = `GET of a hot key, node ${node.node}, ${CLUSTER_CONNECTIONS} connections`;
  const run = (server: Server, durationMs: number): Promise<Slice> =>
    withCpu(server.pid, () =>
      generator.run<Slice>(makeHttpJob(server, [getRequest(keyOf(0))], CLUSTER_CONNECTIONS, durationMs)),
    );
  for (const server of [node, alone]) await run(server, warmupMs);
  const mine: Slice[] = [];
  const theirs: Slice[] = [];
  for (let round = 0; round < clusterReadRounds; round++) {
    bench.progress(`${name}, round ${round + 1} of ${clusterReadRounds}`);
    mine.push(await run(node, clusterReadSliceMs));
    theirs.push(await run(alone, clusterReadSliceMs));
  }
  const rate = medianQuotient(mine, theirs, rateOf);
  const cpu = quotient(cpuOfAll(mine), cpuOfAll(theirs));
  return {
    name,
    client: "node",
    figures: mergeSlices(mine),
    references: [{ name: ALONE, figures: mergeSlices(theirs) }],
    ratios: ratiosOf([
      { of: "rate", to: ALONE, value: rate, better: "higher", compared: true },
      { of: "CPU", to: ALONE, value: cpu, better: "lower", compared: true },
    ]),
    targets: [atLeast("rate to a server alone", rate, AS_FAST_MIN)].filter((target) => target !== undefined),
  };
}

/**
 * Returns the deliveries per second, counted from the first delivery of an event. The time until the event is stored
 * does not count.
 */
function spreadRateOf({ spread_p50_ms }: Stretch): number | undefined {
  return spread_p50_ms > 0 ? (CLUSTER_SUBSCRIBERS / spread_p50_ms) * 1_000 : undefined;
}

/**
 * A publish has to wait for the log, and this file does not measure the log. So the rate of single events is counted
 * from the first delivery of an event to its last. The rate of a burst includes the publish.
 */
const FAN_OUTS = [
  { what: "one event at a time", eventsPerRequest: 1, rateOf: spreadRateOf },
  { what: `bursts of ${BURST_EVENTS} events`, eventsPerRequest: BURST_EVENTS, rateOf: deliveryRateOf },
] as const;

/** Sends events to many subscribers of a node, and to the same number of subscribers of a single server. */
export async function* measureFanOut(
  bench: Bench,
  subscribers: { readonly ofNode: JobProcess; readonly ofAlone: JobProcess },
  node: KoorNode,
  alone: Server,
  which: string,
): AsyncGenerator<Row> {
  const { fanOutSliceMs, clusterReadRounds: fanOutRounds } = bench.settings;
  const sides = [
    { process: subscribers.ofNode, server: node as Server },
    { process: subscribers.ofAlone, server: alone },
  ];
  const patterns = Array.from({ length: CLUSTER_SUBSCRIBERS }, () => "*");
  for (const { process, server } of sides) await openSubscribers(process, server, patterns, false);
  for (const { what, eventsPerRequest, rateOf: fanOutRateOf } of FAN_OUTS) {
    const name = `${what} to ${CLUSTER_SUBSCRIBERS} subscribers of ${which}`;
    const options =
      eventsPerRequest === 1
        ? { eventsPerRequest, duration_ms: fanOutSliceMs }
        : { eventsPerRequest, duration_ms: JOB_GRACE_MS, publishesMax: 1 };
    for (const { process, server } of sides) await measureSettled(process, server, options);
    const [mine, theirs]: [Stretch[], Stretch[]] = [[], []];
    for (let round = 0; round < fanOutRounds; round++) {
      bench.progress(`${name}, round ${round + 1} of ${fanOutRounds}`);
      for (const [index, { process, server }] of sides.entries())
        (index === 0 ? mine : theirs).push(await measureSettled(process, server, options));
    }
    const asFast = medianQuotient(mine, theirs, fanOutRateOf);
    const cpu = medianQuotient(mine, theirs, frontCpuOf);
    const figures = (stretches: readonly Stretch[]) =>
      figuresOf({
        ...mergeStretches(stretches),
        spread_p50_ms: eventsPerRequest === 1 ? median(stretches.map((each) => each.spread_p50_ms)) : undefined,
      });
    yield {
      name,
      client: "",
      figures: figures(mine),
      references: [{ name: ALONE, figures: figures(theirs) }],
      ratios: ratiosOf([
        { of: "fan-out", to: ALONE, value: asFast, better: "higher", compared: true },
        { of: "front CPU", to: ALONE, value: cpu, better: "lower", compared: true },
      ]),
      targets: [
        atLeast("fan-out to a server alone", asFast, AS_FAST_MIN),
        atMost("front CPU a delivery to a server alone", cpu, FRONT_CPU_MAX),
      ].filter((target) => target !== undefined),
    };
  }
  for (const { process } of sides) await closeSubscribers(process);
}
