/**
 * What needs nothing of the log, on each node as on a server alone, in turns in pairs: reads of one key, and one event
 * to many subscribers from the first delivery on. Runs in the bench process.
 */
import type { Bench } from "../bench.js";
import { closeSubscribers, measureSettled, mergeStretches, openSubscribers, type Stretch } from "../fan-out.js";
import type { JobProcess } from "../job-process.js";
import { makeHttpJob } from "../load/http-job.js";
import { getRequest, keyOf } from "../load/requests.js";
import type { Row } from "../model.js";
import { withCpu } from "../process-cost.js";
import { CLUSTER_CONNECTIONS, CLUSTER_SUBSCRIBERS } from "../settings.js";
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
import { atLeast } from "../throughput.js";
import { ALONE } from "./writes.js";

const AS_FAST_MIN = 0.95;

export async function measureReads(bench: Bench, generator: JobProcess, node: KoorNode, alone: Server): Promise<Row> {
  const { cluster_read_slice_ms, cluster_read_rounds, warmup_ms } = bench.settings;
  const name = `GET of a hot key, node ${node.node}, ${CLUSTER_CONNECTIONS} connections`;
  const run = (server: Server, duration_ms: number): Promise<Slice> =>
    withCpu(server.pid, () =>
      generator.run<Slice>(makeHttpJob(server, [getRequest(keyOf(0))], CLUSTER_CONNECTIONS, duration_ms)),
    );
  for (const server of [node, alone]) await run(server, warmup_ms);
  const mine: Slice[] = [];
  const theirs: Slice[] = [];
  for (let round = 0; round < cluster_read_rounds; round++) {
    bench.progress(`${name}, round ${round + 1} of ${cluster_read_rounds}`);
    mine.push(await run(node, cluster_read_slice_ms));
    theirs.push(await run(alone, cluster_read_slice_ms));
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

/** How fast events leave, without what it takes until one is stored. */
function spreadRateOf({ spread_p50_ms }: Stretch): number | undefined {
  return spread_p50_ms > 0 ? (CLUSTER_SUBSCRIBERS / spread_p50_ms) * 1_000 : undefined;
}

/**
 * One event at a time: until it is stored takes as long as the log does, so what is compared is from the first delivery
 * to the last.
 */
export async function measureFanOut(
  bench: Bench,
  subscribers: { readonly of_node: JobProcess; readonly of_alone: JobProcess },
  node: KoorNode,
  alone: Server,
  which: string,
): Promise<Row> {
  const { fan_out_slice_ms, cluster_read_rounds: fan_out_rounds } = bench.settings;
  const name = `one event at a time to ${CLUSTER_SUBSCRIBERS} subscribers of ${which}`;
  const sides = [
    { process: subscribers.of_node, server: node as Server, stretches: [] as Stretch[] },
    { process: subscribers.of_alone, server: alone, stretches: [] as Stretch[] },
  ];
  const patterns = Array.from({ length: CLUSTER_SUBSCRIBERS }, () => "*");
  for (const { process, server } of sides) await openSubscribers(process, server, patterns, false);
  const options = { events_per_request: 1, duration_ms: fan_out_slice_ms };
  for (const { process, server } of sides) await measureSettled(process, server, options);
  for (let round = 0; round < fan_out_rounds; round++) {
    bench.progress(`${name}, round ${round + 1} of ${fan_out_rounds}`);
    for (const { process, server, stretches } of sides) stretches.push(await measureSettled(process, server, options));
  }
  for (const { process } of sides) await closeSubscribers(process);
  const [mine = [], theirs = []] = sides.map(({ stretches }) => stretches);
  const as_fast = medianQuotient(mine, theirs, spreadRateOf);
  const figures = (stretches: readonly Stretch[]) =>
    figuresOf({
      ...mergeStretches(stretches),
      spread_p50_ms: median(stretches.map(({ spread_p50_ms }) => spread_p50_ms)),
    });
  return {
    name,
    client: "",
    figures: figures(mine),
    references: [{ name: ALONE, figures: figures(theirs) }],
    ratios: ratiosOf([{ of: "fan-out", to: ALONE, value: as_fast, better: "higher", compared: true }]),
    targets: [atLeast("fan-out to a server alone", as_fast, AS_FAST_MIN)].filter((target) => target !== undefined),
  };
}
