/**
 * Computes the metrics of the history from samples. A metric is a gauge, or a rate or a quantile over the time between
 * two samplings. Each row of FIGURES declares one metric. Routes are grouped by the parts of the API that users know,
 * for example tasks. Pure.
 */
import { HISTORY_METRICS, ROUTE_GROUPS, type HistoryMetric, type RouteGroup } from "../../../schemas/metrics.js";
import type { Sample, Samples } from "../../platform/measure/sample-set.js";
import { added, type Choose, type CumulativeHistogram, hasLabel, histogramOf, quantile, total } from "./samples.js";

/** The group of each route, by the first part of the route's name. All other routes are in the last group. */
const PREFIXES: ReadonlyMap<string, RouteGroup> = new Map([
  ["state", "state"],
  ["spec", "state"],
  ["events", "events"],
  ["instance", "agents"],
  ["liveness", "agents"],
  ["hook", "agents"],
  ["lease", "coordination"],
  ["task", "coordination"],
  ["message", "coordination"],
  ["wait", "coordination"],
  ["rule", "rules"],
  ["rules", "rules"],
  ["contract", "rules"],
  ["compliance", "rules"],
  ["mcp", "mcp"],
]);

/** Returns the group of a route by its name, such as `state.get`. */
export function groupOf(route: string): RouteGroup {
  return PREFIXES.get(route.split(".", 1)[0] ?? "") ?? "other";
}

/** The previous samples, and the seconds since they were taken. */
interface Previous {
  readonly before: Samples;
  readonly seconds: number;
}

/**
 * A function that computes a metric. Returns null if the metric is unknown, for example if there is no previous
 * sampling for a rate.
 */
type Figure = (now: Samples, since: Previous | null) => number | null;

function gauge(name: string, chosen?: Choose): Figure {
  return (now) => total(now, name, chosen);
}

/** Returns a figure that is the increase of a counter per second. */
function rate(name: string, chosen?: Choose): Figure {
  return (now, since) => {
    const counted = total(now, name, chosen);
    if (since === null || counted === null) return null;
    return Math.max(0, counted - (total(since.before, name, chosen) ?? 0)) / since.seconds;
  };
}

type HistogramOf = (samples: Samples) => CumulativeHistogram;

/**
 * Returns a function that computes and caches the histogram of samples. Several quantiles use the same histogram, and
 * the next sampling uses it again as the previous one.
 */
function histograms(name: string): HistogramOf {
  const known = new WeakMap<Samples, CumulativeHistogram>();
  return (samples) => {
    const histogram = known.get(samples) ?? histogramOf(samples, name);
    known.set(samples, histogram);
    return histogram;
  };
}

function quantileOf(of: HistogramOf, q: number): Figure {
  return (now, since) => (since === null ? null : quantile(added(of(now), of(since.before)), q));
}

/** Returns a figure that is the mean of a histogram's values. */
function mean(name: string): Figure {
  const sum = rate(`${name}_sum`);
  const count = rate(`${name}_count`);
  return (now, since) => {
    const counted = count(now, since);
    const summed = sum(now, since);
    return counted === null || summed === null || counted === 0 ? null : summed / counted;
  };
}

const refusedWith =
  (first: string): Choose =>
  ({ labels }) =>
    String(labels["status"]).startsWith(first);

const REQUESTS = "koor_http_requests_total";
const DURATION = "koor_http_request_duration_seconds";
const COMMIT = "koor_writer_commit_seconds";
const BATCH = "koor_writer_batch_calls";
const DELIVERIES = "koor_webhook_deliveries_total";
const LOOP_DELAY = "koor_event_loop_delay_seconds";

/** The metrics whose samples have the label of a route. */
const OF_ROUTES = [REQUESTS, `${DURATION}_bucket`] as const;

const knownGroups = new WeakMap<Samples, ReadonlyMap<RouteGroup, Samples>>();

/**
 * Returns the samples of the routes of a group. The samples of all groups are separated in one pass, because there may
 * be thousands: one for each route, status and bucket.
 */
function samplesOf(group: RouteGroup, samples: Samples): Samples {
  if (group === "all") return samples;
  const groups = knownGroups.get(samples) ?? splitGroups(samples);
  knownGroups.set(samples, groups);
  return groups.get(group) ?? new Map<string, Sample[]>();
}

function splitGroups(samples: Samples): ReadonlyMap<RouteGroup, Samples> {
  const groups = new Map(ROUTE_GROUPS.map((group) => [group, new Map<string, Sample[]>()]));
  const groupsOfRoutes = new Map<unknown, RouteGroup>();
  for (const name of OF_ROUTES) {
    const ofName = samples.get(name);
    if (ofName === undefined) continue;
    const lists = new Map(ROUTE_GROUPS.map((group): [RouteGroup, Sample[]] => [group, []]));
    for (const [group, list] of lists) groups.get(group)?.set(name, list);
    for (const sample of ofName) {
      const { route } = sample.labels;
      const group = groupsOfRoutes.get(route) ?? groupOf(String(route));
      groupsOfRoutes.set(route, group);
      lists.get(group)?.push(sample);
    }
  }
  return groups;
}

/** Restricts a figure to the routes of a group. */
function ofGroup(group: RouteGroup, figure: Figure): Figure {
  return (now, since) =>
    figure(samplesOf(group, now), since === null ? null : { ...since, before: samplesOf(group, since.before) });
}

function ofRoutes(group: RouteGroup): [HistoryMetric, Figure][] {
  const durations = histograms(DURATION);
  return [
    [`requests_${group}`, ofGroup(group, rate(REQUESTS))],
    [`p50_${group}`, ofGroup(group, quantileOf(durations, 0.5))],
    [`p95_${group}`, ofGroup(group, quantileOf(durations, 0.95))],
    [`p99_${group}`, ofGroup(group, quantileOf(durations, 0.99))],
  ];
}

const ROUTES = Object.fromEntries(ROUTE_GROUPS.flatMap(ofRoutes)) as Readonly<
  Record<`${"requests" | "p50" | "p95" | "p99"}_${RouteGroup}`, Figure>
>;

const FIGURES: Readonly<Record<HistoryMetric, Figure>> = {
  agents_active: gauge("koor_instances", hasLabel("status", "active")),
  agents_stale: gauge("koor_instances", hasLabel("status", "stale")),
  agents_pending: gauge("koor_instances", hasLabel("status", "pending")),
  tasks_blocked: gauge("koor_tasks", hasLabel("state", "blocked")),
  tasks_ready: gauge("koor_tasks", hasLabel("state", "ready")),
  tasks_claimed: gauge("koor_tasks", hasLabel("state", "claimed")),
  tasks_input_required: gauge("koor_tasks", hasLabel("state", "input_required")),
  leases_held: gauge("koor_leases", hasLabel("state", "held")),
  leases_waiting: gauge("koor_leases", hasLabel("state", "waiting")),
  messages_unread: gauge("koor_messages_unread"),
  published: rate("koor_events_published_total"),
  delivered: rate("koor_events_delivered_total"),
  dropped: rate("koor_events_dropped_total"),
  subscribers: gauge("koor_subscribers"),
  subscriber_patterns: gauge("koor_subscriber_patterns"),
  refused: rate(REQUESTS, refusedWith("4")),
  failed: rate(REQUESTS, refusedWith("5")),
  in_flight: gauge("koor_http_requests_in_flight"),
  writes: rate(`${BATCH}_sum`),
  commits: rate(`${BATCH}_count`),
  batch_mean: mean(BATCH),
  commit_mean: mean(COMMIT),
  commit_p99: quantileOf(histograms(COMMIT), 0.99),
  writer_in_flight: gauge("koor_writer_in_flight"),
  writer_queue: gauge("koor_writer_queue_depth"),
  pool_queue: gauge("koor_pool_queue_depth"),
  webhook_queue: gauge("koor_webhook_queue"),
  webhook_delivered: rate(DELIVERIES, hasLabel("outcome", "delivered")),
  webhook_failed: rate(DELIVERIES, hasLabel("outcome", "failed")),
  webhook_dropped: rate(DELIVERIES, hasLabel("outcome", "dropped")),
  loop_p50: gauge(LOOP_DELAY, hasLabel("quantile", "0.5")),
  loop_p99: gauge(LOOP_DELAY, hasLabel("quantile", "0.99")),
  loop_max: gauge("koor_event_loop_delay_max_seconds"),
  memory: gauge("process_resident_memory_bytes"),
  heap: gauge("nodejs_heap_used_bytes"),
  cpu: rate("process_cpu_seconds_total"),
  wal: gauge("koor_wal_bytes"),
  state_keys: gauge("koor_state_keys"),
  writer_restarts: gauge("koor_writer_restarts_total"),
  cluster_lag: gauge("koor_cluster_lag_seconds"),
  ...ROUTES,
};

/** The samples at a time, in ms since the epoch. */
export interface Sampling {
  readonly atMs: number;
  readonly samples: Samples;
}

/**
 * Returns the current value of each metric, in the order of HISTORY_METRICS.
 * @param before the previous sampling; null if there is none
 */
export function figuresOf(now: Sampling, before: Sampling | null): readonly (number | null)[] {
  const since =
    before === null || now.atMs <= before.atMs
      ? null
      : { before: before.samples, seconds: (now.atMs - before.atMs) / 1_000 };
  return HISTORY_METRICS.map((name) => FIGURES[name](now.samples, since));
}
