/**
 * Tests the metrics of the history that are computed from two samplings: rates, and quantiles for each group of routes.
 */
import t from "tap";
import { HISTORY_METRICS, type HistoryMetric } from "../../../schemas/metrics.js";
import type { Sample } from "../../platform/measure/sample-set.js";
import { figuresOf, groupOf, type Sampling } from "./figures.js";

type Row = readonly [name: string, labels: Sample["labels"], value: number];

function sampling(atS: number, rows: readonly Row[]): Sampling {
  const samples = new Map<string, Sample[]>();
  for (const [name, labels, value] of rows) samples.set(name, [...(samples.get(name) ?? []), { labels, value }]);
  return { atMs: atS * 1_000, samples };
}

/**
 * Returns the samples of a route. `counts` has the numbers of requests that took up to 1 ms, from 1 ms to 10 ms, and
 * longer.
 */
function route(name: string, status: number, counts: readonly [number, number, number]): Row[] {
  const [fast, slow, rest] = counts;
  const all = fast + slow + rest;
  const bucket = (le: string | number, value: number): Row => [
    "koor_http_request_duration_seconds_bucket",
    { route: name, status, le },
    value,
  ];
  return [
    ["koor_http_requests_total", { route: name, status }, all],
    bucket(0.001, fast),
    bucket(0.01, fast + slow),
    bucket("+Inf", all),
  ];
}

/** Returns a function that finds a metric by its name. */
function figures(now: Sampling, before: Sampling | null): (name: HistoryMetric) => number | null | undefined {
  const values = figuresOf(now, before);
  return (name) => values[HISTORY_METRICS.indexOf(name)];
}

t.test("rates need two samplings, and gauges one", (t) => {
  const first = sampling(10, [
    ["koor_events_published_total", {}, 5],
    ["koor_subscribers", {}, 2],
    ["koor_tasks", { state: "ready" }, 4],
    ["koor_tasks", { state: "claimed" }, 1],
  ]);
  const second = sampling(14, [
    ["koor_events_published_total", {}, 25],
    ["koor_subscribers", {}, 3],
  ]);
  t.equal(figures(first, null)("published"), null);
  t.equal(figures(first, null)("subscribers"), 2);
  t.equal(figures(first, null)("tasks_claimed"), 1, "states are apart");
  t.equal(figures(second, first)("published"), 5);
  t.equal(figures(second, first)("subscribers"), 3);
  t.equal(figures(second, second)("published"), null, "no time has passed");
  t.end();
});

t.test("an unknown metric is null", (t) => {
  const values = figuresOf(sampling(2, []), sampling(1, []));
  t.equal(values.length, HISTORY_METRICS.length);
  t.ok(values.every((value) => value === null));
  t.end();
});

t.test("requests and latencies are summed by group of routes", (t) => {
  const before = sampling(10, [...route("state.get", 200, [100, 0, 0]), ...route("events.publish", 200, [0, 50, 0])]);
  const after = sampling(20, [
    ...route("state.get", 200, [200, 0, 0]),
    ...route("state.put", 404, [0, 0, 10]),
    ...route("events.publish", 200, [0, 70, 0]),
  ]);
  const of = figures(after, before);
  t.equal(of("requests_all"), 13, "a new route counts from zero");
  t.equal(of("requests_state"), 11);
  t.equal(of("requests_events"), 2);
  t.equal(of("requests_mcp"), 0);
  t.equal(of("refused"), 1);
  t.equal(of("failed"), 0);
  t.equal(Math.round((of("p50_events") ?? 0) * 1e6), 5500, "half way through the bucket of 1 to 10 ms");
  t.equal(of("p50_state"), 0.00055, "only requests between the samplings count");
  t.equal(of("p99_state"), 0.01, "above the last bound the quantile is the bound");
  t.equal(of("p99_mcp"), null, "there were no requests");
  t.end();
});

t.test("each route has a group", (t) => {
  for (const [name, group] of [
    ["state.get", "state"],
    ["spec.projects", "state"],
    ["rules.validate", "rules"],
    ["task.claim", "coordination"],
    ["hook.call", "agents"],
    ["mcp", "mcp"],
    ["prometheus", "other"],
    ["constructor", "other"],
    ["", "other"],
  ] as const)
    t.equal(groupOf(name), group, name);
  t.end();
});
