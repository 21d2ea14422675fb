/**
 * 200 subscribers that never read, beside 100 that do: what the healthy lose (nothing), how much slower
 * they and the publisher become, what the stalled drop, and what the server's memory grows by. The
 * reference is the same server a moment before the stalled ones came. Runs in the bench process.
 */
import type { Bench } from "../bench.js";
import { measureStretch, mergeStretches, openSubscribers, publishRateOf, type Stretch } from "../fan-out.js";
import type { JobProcess } from "../job-process.js";
import { makeJsonValue, publishRequest } from "../load/requests.js";
import type { Row, Scenario } from "../model.js";
import { readResidentBytes } from "../process-cost.js";
import { FILLING_BURST_EVENTS, FILLING_EVENT_BYTES, FILLING_EVENTS_MAX, JOB_GRACE_MS, STALLED_SUBSCRIBERS } from "../settings.js";
import { figuresOf, median, quotient, ratiosOf } from "../statistics.js";
import { type Koor, readMetrics, startKoor } from "../targets/koor.js";
import { atLeast, atMost } from "../throughput.js";
import { SUBSCRIBER_BUFFER_EVENTS_MAX } from "../../schemas/limits.js";

const HEALTHY_SUBSCRIBERS = 100;
const NONE_STALLED = "none stalled";
const SLOWDOWN_MAX = 0.1;
const DROPPED_METRIC = "koor_events_dropped_total";
const MIB = 1_048_576;

async function readDropped(koor: Koor): Promise<number> {
  return (await readMetrics(koor)).get(DROPPED_METRIC) ?? 0;
}

/** Publishes large events until every stalled subscriber drops all of a burst. Returns how many it took. */
async function fillStalledSockets(process: JobProcess, koor: Koor): Promise<number> {
  const requests = [publishRequest(FILLING_BURST_EVENTS, makeJsonValue(FILLING_EVENT_BYTES))];
  let dropped = await readDropped(koor);
  for (let events = 0; events < FILLING_EVENTS_MAX; events += FILLING_BURST_EVENTS) {
    await measureStretch(process, koor, { requests, events_per_request: FILLING_BURST_EVENTS, duration_ms: JOB_GRACE_MS, publishes_max: 1 });
    const now = await readDropped(koor);
    if (now - dropped === FILLING_BURST_EVENTS * STALLED_SUBSCRIBERS) return events + FILLING_BURST_EVENTS;
    dropped = now;
  }
  throw new Error(`${FILLING_EVENTS_MAX} events did not fill the sockets of subscribers that never read`);
}

async function measureRounds(bench: Bench, process: JobProcess, koor: Koor, what: string): Promise<Stretch[]> {
  const stretches: Stretch[] = [];
  for (let round = 0; round < bench.settings.stalled_rounds; round++) {
    bench.progress(`${what}, round ${round + 1} of ${bench.settings.stalled_rounds}`);
    stretches.push(await measureStretch(process, koor, { events_per_request: 1, duration_ms: bench.settings.stalled_slice_ms }));
  }
  return stretches;
}

async function* measureStalled(bench: Bench): AsyncGenerator<Row> {
  const koor = await startKoor(bench);
  const process = bench.startJobs("bench/subscribers/subscriber-process.js");
  await openSubscribers(process, koor, Array.from({ length: HEALTHY_SUBSCRIBERS }, () => "*"), false);
  await measureStretch(process, koor, { events_per_request: 1, duration_ms: bench.settings.warmup_ms });
  const alone = await measureRounds(bench, process, koor, `${HEALTHY_SUBSCRIBERS} subscribers, none stalled`);

  await openSubscribers(process, koor, Array.from({ length: STALLED_SUBSCRIBERS }, () => "*"), true);
  const resident_before = readResidentBytes(koor.pid);
  const filled_after = await fillStalledSockets(process, koor);
  const resident_after = readResidentBytes(koor.pid);
  const dropped_before = await readDropped(koor);
  const beside = await measureRounds(bench, process, koor, `${HEALTHY_SUBSCRIBERS} subscribers beside ${STALLED_SUBSCRIBERS} stalled`);
  const dropped = (await readDropped(koor)) - dropped_before;
  const events = beside.reduce((sum, stretch) => sum + stretch.events, 0);
  const growth_bytes = resident_before === undefined || resident_after === undefined ? undefined : Math.max(0, resident_after - resident_before);

  const rate = (stretches: readonly Stretch[]): number => median(stretches.map((stretch) => publishRateOf(stretch) ?? 0));
  const answer = (stretches: readonly Stretch[]): number => median(stretches.map((stretch) => stretch.answer_p50_ms));
  const rate_ratio = quotient(rate(beside), rate(alone));
  const answer_ratio = quotient(answer(beside), answer(alone));
  const merged = mergeStretches(beside);
  yield {
    name: `one event at a time, ${HEALTHY_SUBSCRIBERS} subscribers beside ${STALLED_SUBSCRIBERS} stalled`,
    client: "",
    figures: figuresOf({
      ...merged,
      filled_after_events: filled_after,
      dropped_per_stalled: dropped / STALLED_SUBSCRIBERS,
      events_meanwhile: events,
      memory_growth_mib: growth_bytes === undefined ? undefined : growth_bytes / MIB,
    }),
    references: [{ name: NONE_STALLED, figures: mergeStretches(alone) }],
    ratios: ratiosOf([
      { of: "rate", to: NONE_STALLED, value: rate_ratio, better: "higher", compared: true },
      { of: "answer time", to: NONE_STALLED, value: answer_ratio, better: "lower", compared: true },
    ]),
    targets: [
      atMost("lost by the healthy", merged["lost"], 0),
      atLeast("rate to none stalled", rate_ratio, 1 - SLOWDOWN_MAX),
      atMost("answer time to none stalled", answer_ratio, 1 + SLOWDOWN_MAX),
      atMost(
        `memory_growth_mib (${SUBSCRIBER_BUFFER_EVENTS_MAX} events each)`,
        growth_bytes === undefined ? undefined : growth_bytes / MIB,
        (STALLED_SUBSCRIBERS * SUBSCRIBER_BUFFER_EVENTS_MAX * FILLING_EVENT_BYTES) / MIB,
      ),
    ].filter((target) => target !== undefined),
  };
}

export const stalledSubscribersScenario: Scenario = {
  name: "stalled-subscribers",
  measures: "100 reading subscribers beside 200 that never read",
  build: measureStalled,
};
