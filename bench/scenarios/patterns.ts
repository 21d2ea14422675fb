/**
 * Measures the cost of matching events against patterns. It publishes while thousands of distinct patterns are
 * subscribed, none of which match, and subtracts the CPU time of the same publish without subscribers. Each event has a
 * topic of its own, so that caches of topics do not help. Runs in the bench process.
 */
import type { Bench } from "../bench.js";
import { closeSubscribers, measureStretch, openSubscribers, type Stretch } from "../fan-out.js";
import type { JobProcess } from "../job-process.js";
import { publishRequest, VALUE } from "../load/requests.js";
import type { Row, Scenario } from "../model.js";
import { BURST_EVENTS, JOB_GRACE_MS } from "../settings.js";
import { figuresOf } from "../statistics.js";
import { type Koor, readMetrics, startKoor } from "../targets/koor.js";
import { atMost } from "../throughput.js";

const MATCH_US_MAX = 100;
const PATTERNS_METRIC = "koor_subscriber_patterns";
const WARMUP_BURSTS = 3;

/** The kinds of patterns. None of them matches the topics of the events, which are `agents.<n>.done`. */
const SHAPES: readonly { readonly what: string; readonly pattern: (index: number) => string }[] = [
  { what: "literal first segment", pattern: (index) => `project-${index}.api.*` },
  { what: "wildcard first segment", pattern: (index) => `*.task-${index}.*` },
  { what: "wildcards inside segments", pattern: (index) => `a*s.?[x-z]${index}*.d[a-o]ne` },
  { what: "any depth", pattern: (index) => `**.contract-${index}` },
];

let topics = 0;

/** Makes a publish of an array of events. No topic occurs twice. */
function makeBurst(): ReturnType<typeof publishRequest> {
  const first = topics;
  topics += BURST_EVENTS;
  return publishRequest(BURST_EVENTS, VALUE, (index) => `agents.b${first + index}.done`);
}

function publishBursts(process: JobProcess, koor: Koor, bursts: number): Promise<Stretch> {
  const requests = Array.from({ length: bursts }, makeBurst);
  return measureStretch(process, koor, {
    requests,
    eventsPerRequest: BURST_EVENTS,
    delivered: false,
    duration_ms: JOB_GRACE_MS,
    publishesMax: bursts,
  });
}

function cpuAnEvent(stretch: Stretch): number | undefined {
  return stretch.cpu_us === undefined ? undefined : stretch.cpu_us / stretch.events;
}

async function* measurePatterns(bench: Bench): AsyncGenerator<Row> {
  const { patterns, patternBursts } = bench.settings;
  const koor = await startKoor(bench);
  const process = bench.startJobs("bench/subscribers/subscriber-process.js");
  await publishBursts(process, koor, WARMUP_BURSTS);
  for (const shape of SHAPES) {
    bench.progress(`${patterns} patterns, ${shape.what}`);
    const without = await publishBursts(process, koor, patternBursts);
    await openSubscribers(
      process,
      koor,
      Array.from({ length: patterns }, (_unused, index) => shape.pattern(index)),
      false,
    );
    const subscribed = (await readMetrics(koor)).get(PATTERNS_METRIC);
    if (subscribed !== patterns)
      throw new Error(`${patterns} patterns were subscribed, the server has ${subscribed ?? "none"}`);
    await publishBursts(process, koor, 1);
    const beside = await publishBursts(process, koor, patternBursts);
    await closeSubscribers(process);
    const cpuUs = cpuAnEvent(beside);
    const cpuWithoutUs = cpuAnEvent(without);
    const matchUs = cpuUs === undefined || cpuWithoutUs === undefined ? undefined : Math.max(0, cpuUs - cpuWithoutUs);
    yield {
      name: `one event against ${patterns} patterns, ${shape.what}`,
      client: "",
      figures: figuresOf({ cpu_us_an_event: cpuUs, match_us: matchUs, answer_p50_ms: beside.answer_p50_ms }),
      references: [
        {
          name: "no subscriber",
          figures: figuresOf({ cpu_us_an_event: cpuWithoutUs, answer_p50_ms: without.answer_p50_ms }),
        },
      ],
      // There is no ratio, because a quotient of two small costs is too noisy. The costs themselves are printed.
      ratios: [],
      targets: [atMost("match_us", matchUs, MATCH_US_MAX)].filter((target) => target !== undefined),
    };
  }
}

export const patternsScenario: Scenario = {
  name: "patterns",
  measures: "match cost of one event against thousands of distinct patterns",
  build: measurePatterns,
};
