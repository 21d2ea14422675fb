/**
 * Measures 200 stalled subscribers, which never read, beside 100 healthy ones. The healthy subscribers must lose
 * nothing. It measures how much slower they and the publisher get, how many events are dropped for the stalled ones,
 * and how much the server's memory grows. The reference is a second server with the same events and only the healthy
 * subscribers, in alternation. Runs in the bench process.
 */
import { SUBSCRIBER_BUFFER_EVENTS_MAX } from "../../schemas/limits/events.js";
import type { Bench } from "../bench.js";
import { measureStretch, mergeStretches, openSubscribers, publishRateOf, type Stretch } from "../fan-out.js";
import type { JobProcess } from "../job-process.js";
import { makeJsonValue, publishRequest } from "../load/requests.js";
import type { Row, Scenario } from "../model.js";
import { readResidentBytes } from "../process-cost.js";
import {
  FILLING_BURST_EVENTS,
  FILLING_EVENT_BYTES,
  FILLING_EVENTS_MAX,
  JOB_GRACE_MS,
  STALLED_SUBSCRIBERS,
} from "../settings.js";
import { figuresOf, medianQuotient, ratiosOf } from "../statistics.js";
import { type Koor, readMetrics, startKoor } from "../targets/koor.js";
import { atLeast, atMost } from "../throughput.js";

const HEALTHY_SUBSCRIBERS = 100;
const NONE_STALLED = "none stalled";
const SLOWDOWN_MAX = 0.1;
const DROPPED_METRIC = "koor_events_dropped_total";
const MIB = 1_048_576;

async function readDropped(koor: Koor): Promise<number> {
  return (await readMetrics(koor)).get(DROPPED_METRIC) ?? 0;
}

/** One side of the comparison: a server, the process that holds its subscribers, and the figures of both. */
interface Side {
  readonly koor: Koor;
  readonly process: JobProcess;
  readonly stretches: Stretch[];
}

async function startSide(bench: Bench): Promise<Side> {
  const side = {
    koor: await startKoor(bench),
    process: bench.startJobs("bench/subscribers/subscriber-process.js"),
    stretches: [],
  };
  await openSubscribers(
    side.process,
    side.koor,
    Array.from({ length: HEALTHY_SUBSCRIBERS }, () => "*"),
    false,
  );
  await measureStretch(side.process, side.koor, { eventsPerRequest: 1, duration_ms: bench.settings.warmupMs });
  return side;
}

async function publishLarge({ process, koor }: Side): Promise<void> {
  const requests = [publishRequest(FILLING_BURST_EVENTS, makeJsonValue(FILLING_EVENT_BYTES))];
  await measureStretch(process, koor, {
    requests,
    eventsPerRequest: FILLING_BURST_EVENTS,
    duration_ms: JOB_GRACE_MS,
    publishesMax: 1,
  });
}

/**
 * Publishes large events until the sockets of the stalled subscribers are full, so that each of them drops all events
 * of a burst. The other server gets the same events.
 * @returns the number of events
 */
async function fillStalledSockets(beside: Side, alone: Side): Promise<number> {
  let dropped = await readDropped(beside.koor);
  for (let events = FILLING_BURST_EVENTS; events <= FILLING_EVENTS_MAX; events += FILLING_BURST_EVENTS) {
    await publishLarge(beside);
    await publishLarge(alone);
    const now = await readDropped(beside.koor);
    if (now - dropped === FILLING_BURST_EVENTS * STALLED_SUBSCRIBERS) return events;
    dropped = now;
  }
  throw new Error(`${FILLING_EVENTS_MAX} events did not fill the sockets of subscribers that never read`);
}

function growthMib(before: number | undefined, after: number | undefined): number | undefined {
  return before === undefined || after === undefined ? undefined : Math.max(0, after - before) / MIB;
}

async function* measureStalled(bench: Bench): AsyncGenerator<Row> {
  const { stalledRounds, stalledSliceMs } = bench.settings;
  const what = `${HEALTHY_SUBSCRIBERS} subscribers beside ${STALLED_SUBSCRIBERS} stalled`;
  const alone = await startSide(bench);
  const beside = await startSide(bench);
  const residentAlone = readResidentBytes(alone.koor.pid);
  const residentBeside = readResidentBytes(beside.koor.pid);
  await openSubscribers(
    beside.process,
    beside.koor,
    Array.from({ length: STALLED_SUBSCRIBERS }, () => "*"),
    true,
  );
  bench.progress(`${what}: filling the sockets of the stalled`);
  const filledAfter = await fillStalledSockets(beside, alone);
  const growthAlone = growthMib(residentAlone, readResidentBytes(alone.koor.pid));
  const growthBeside = growthMib(residentBeside, readResidentBytes(beside.koor.pid));

  const droppedBefore = await readDropped(beside.koor);
  for (let round = 0; round < stalledRounds; round++) {
    bench.progress(`${what}, round ${round + 1} of ${stalledRounds}`);
    for (const side of [alone, beside]) {
      side.stretches.push(
        await measureStretch(side.process, side.koor, { eventsPerRequest: 1, duration_ms: stalledSliceMs }),
      );
    }
  }
  const dropped = (await readDropped(beside.koor)) - droppedBefore;
  const events = beside.stretches.reduce((sum, stretch) => sum + stretch.events, 0);
  const rateRatio = medianQuotient(beside.stretches, alone.stretches, publishRateOf);
  const answerRatio = medianQuotient(beside.stretches, alone.stretches, (stretch) => stretch.answer_p50_ms);
  const figures = mergeStretches(beside.stretches);
  yield {
    name: `one event at a time, ${what}`,
    client: "",
    figures: figuresOf({
      ...figures,
      memory_growth_mib: growthBeside,
      filled_after_events: filledAfter,
      dropped_per_stalled: dropped / STALLED_SUBSCRIBERS,
      events_meanwhile: events,
    }),
    references: [
      {
        name: NONE_STALLED,
        figures: figuresOf({ ...mergeStretches(alone.stretches), memory_growth_mib: growthAlone }),
      },
    ],
    ratios: ratiosOf([
      { of: "rate", to: NONE_STALLED, value: rateRatio, better: "higher", compared: true },
      { of: "answer time", to: NONE_STALLED, value: answerRatio, better: "lower", compared: true },
    ]),
    targets: [
      atMost("lost by the healthy", figures["lost"], 0),
      atLeast("rate to none stalled", rateRatio, 1 - SLOWDOWN_MAX),
      atMost("answer time to none stalled", answerRatio, 1 + SLOWDOWN_MAX),
      atMost(
        `memory_growth_mib (${SUBSCRIBER_BUFFER_EVENTS_MAX} events each)`,
        growthBeside,
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
