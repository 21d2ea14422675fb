/**
 * Tests the history of metrics: the intervals of samples, the maximum number of samples, and the samples that a request
 * selects.
 */
import t from "tap";
import {
  HISTORY_OLDER_ROWS_MAX,
  HISTORY_OLDER_STEP_MS,
  HISTORY_RECENT_STEP_MS,
  HISTORY_ROW_BYTES,
  HISTORY_ROWS_MAX,
} from "../../../schemas/limits/metrics.js";
import { HISTORY_METRICS } from "../../../schemas/metrics.js";
import { DAY_MS, HOUR_MS, SECOND_MS } from "../../../shared/duration.js";
import type { Measured } from "../../platform/measure/exposition.js";
import { MetricHistory, metricsNamed } from "./history.js";

const START_MS = Date.UTC(2026, 1, 9);

/** A component with a counter that grows by one each second, and with a gauge. */
class Source implements Measured {
  nowMs = START_MS;
  sampled = 0;

  expose(out: Parameters<Measured["expose"]>[0]): void {
    this.sampled += 1;
    out
      .value("koor_events_published_total", "counter", "Events.", (this.nowMs - START_MS) / SECOND_MS)
      .value("koor_subscribers", "gauge", "Subscribers.", this.sampled);
  }
}

/** Creates a history, and calls its `tick` every `stepMs` until `ms` have passed. */
function historyOf(ms: number, stepMs: number): { history: MetricHistory; source: Source } {
  const source = new Source();
  const history = new MetricHistory([source]);
  for (; source.nowMs <= START_MS + ms; source.nowMs += stepMs) history.tick(source.nowMs);
  return { history, source };
}

const sinceStart = (time: string): number => (Date.parse(time) - START_MS) / SECOND_MS;

t.test("the first two samples are a second apart, the others ten", (t) => {
  const { history, source } = historyOf(32 * SECOND_MS, 250);
  const { started_at, times, metrics } = history.read(["published", "subscribers"], 0);
  t.equal(started_at, new Date(START_MS).toISOString());
  t.same(times.map(sinceStart), [0, 1, 11, 21, 31]);
  t.same(metrics, { published: [null, 1, 1, 1, 1], subscribers: [1, 2, 3, 4, 5] });
  t.equal(source.sampled, 5, "nothing is read between the samples");
  t.end();
});

t.test("older samples are two minutes apart, and a day of them is kept", (t) => {
  const { history, source } = historyOf(2 * DAY_MS, HISTORY_RECENT_STEP_MS);
  const { times, metrics } = history.read(HISTORY_METRICS, 0);
  const ages = times.map((time) => source.nowMs - Date.parse(time));
  t.ok(times.length <= HISTORY_ROWS_MAX);
  t.ok((ages[0] ?? 0) > DAY_MS - 2 * HISTORY_OLDER_STEP_MS && (ages[0] ?? 0) <= DAY_MS + HISTORY_OLDER_STEP_MS);
  const steps = ages.slice(1).map((age, at) => (ages[at] ?? 0) - age);
  const recent = steps.slice(-(HISTORY_ROWS_MAX - HISTORY_OLDER_ROWS_MAX - 1));
  t.same(new Set(recent), new Set([HISTORY_RECENT_STEP_MS]));
  const [between = 0, ...older] = steps.slice(0, -recent.length).toReversed();
  t.same(new Set(older), new Set([HISTORY_OLDER_STEP_MS]));
  t.ok(between <= HISTORY_OLDER_STEP_MS, "the first sample of the last hour follows soon");
  t.equal(ages.filter((age) => age <= HOUR_MS).length, HISTORY_ROWS_MAX - HISTORY_OLDER_ROWS_MAX);
  for (const name of HISTORY_METRICS) t.equal(metrics[name]?.length, times.length, name);
  t.same(new Set(metrics["published"]), new Set([1]), "a rate is one of the time since the sample before");
  t.end();
});

t.test("only samples from a time on are returned", (t) => {
  const { history } = historyOf(60 * SECOND_MS, SECOND_MS);
  const from = START_MS + 31 * SECOND_MS;
  t.same(history.read(["published"], from).times.map(sinceStart), [31, 41, 51]);
  t.same(history.read(["published"], from + 1).times.map(sinceStart), [41, 51], "the time itself is included");
  t.same(history.read(["published"], START_MS + DAY_MS), {
    started_at: new Date(START_MS).toISOString(),
    times: [],
    metrics: { published: [] },
  });
  t.end();
});

t.test("a sample has room for its metrics", (t) => {
  t.ok((HISTORY_METRICS.length + 1) * Float64Array.BYTES_PER_ELEMENT <= HISTORY_ROW_BYTES);
  t.equal(new Set(HISTORY_METRICS).size, HISTORY_METRICS.length, "names are unique");
  t.end();
});

t.test("metrics are named by a list", (t) => {
  t.same(metricsNamed(""), HISTORY_METRICS);
  t.same(metricsNamed(" writes , published,writes,"), ["published", "writes"]);
  t.match(metricsNamed("writes,fish"), { message: "unknown metric: fish" });
  t.end();
});
