/**
 * Computes the figures of charts from the samples of `/metrics`. A figure is a gauge, or a rate or quantile between two
 * scrapes. Each row of FIGURES declares one figure. Routes are grouped by the parts of the API that users know. Pure.
 */
import { readNumber, type Exposition, type Sample } from "./exposition.js";

/** The group of each route, by the first part of the route's name. All other routes are in the last group. */
const PREFIXES: Readonly<Record<string, RouteGroup>> = {
  state: "State and specs",
  spec: "State and specs",
  events: "Events",
  instance: "Agents",
  liveness: "Agents",
  rule: "Rules and contracts",
  rules: "Rules and contracts",
  contract: "Rules and contracts",
  compliance: "Rules and contracts",
  mcp: "MCP",
};
export const ROUTE_GROUPS = ["State and specs", "Events", "Agents", "Rules and contracts", "MCP", "Other"] as const;
export type RouteGroup = (typeof ROUTE_GROUPS)[number];
export const ALL_ROUTES = "All routes";
export type RouteChoice = RouteGroup | typeof ALL_ROUTES;

/** Returns the group of a route by its name, such as `state.get`. */
export function groupOf(route: string): RouteGroup {
  const [prefix = ""] = route.split(".", 1);
  return Object.hasOwn(PREFIXES, prefix) ? (PREFIXES[prefix] ?? "Other") : "Other";
}

/** A cumulative histogram: `below[i]` is the number of values up to `bounds[i]`. The last bound is infinite. */
export interface Histogram {
  readonly bounds: readonly number[];
  readonly below: readonly number[];
}

type Choose = (sample: Sample) => boolean;
const anyOf: Choose = () => true;

/** Returns the sum of the metric's samples that the function `chosen` selects; null if the metric has no samples. */
export function total(scrape: Exposition, name: string, chosen: Choose = anyOf): number | null {
  const samples = scrape.get(name);
  if (samples === undefined) return null;
  return samples.reduce((sum, sample) => (chosen(sample) ? sum + sample.value : sum), 0);
}

/** Returns the sum of the metric's histograms that the function `chosen` selects. */
export function histogramOf(scrape: Exposition, name: string, chosen: Choose = anyOf): Histogram {
  const below = new Map<number, number>();
  for (const sample of scrape.get(`${name}_bucket`) ?? []) {
    if (!chosen(sample)) continue;
    const bound = readNumber(sample.labels["le"] ?? "");
    below.set(bound, (below.get(bound) ?? 0) + sample.value);
  }
  const bounds = [...below.keys()].toSorted((a, b) => a - b);
  return { bounds, below: bounds.map((bound) => below.get(bound) ?? 0) };
}

/**
 * Returns the histogram of the values that were counted between two scrapes. `before` may have fewer bounds, or none.
 */
export function added(after: Histogram, before: Histogram): Histogram {
  const were = new Map(before.bounds.map((bound, at) => [bound, before.below[at] ?? 0]));
  return {
    bounds: after.bounds,
    below: after.below.map((count, at) => count - (were.get(after.bounds[at] ?? 0) ?? 0)),
  };
}

/**
 * Returns the `q` quantile. It is interpolated linearly within a bucket, like Prometheus' `histogram_quantile`. A value
 * above the last finite bound counts as that bound. Returns null if no value was counted.
 */
export function quantile({ bounds, below }: Histogram, q: number): number | null {
  const count = below.at(-1) ?? 0;
  if (count <= 0) return null;
  const rank = q * count;
  const at = below.findIndex((counted) => counted >= rank);
  const upper = bounds[at] ?? Number.POSITIVE_INFINITY;
  const lower = bounds[at - 1] ?? 0;
  if (upper === Number.POSITIVE_INFINITY) return lower;
  const under = below[at - 1] ?? 0;
  const within = (below[at] ?? 0) - under;
  return within <= 0 ? upper : lower + (upper - lower) * ((rank - under) / within);
}

/** The previous scrape, and the seconds since then. It is used only if the server was not restarted since then. */
interface Previous {
  readonly before: Exposition;
  readonly seconds: number;
}

/**
 * A function that computes a figure. Returns null if the figure is unknown, for example because a rate needs two
 * scrapes.
 */
type Figure = (now: Exposition, since: Previous | null) => number | null;

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

type HistogramOf = (scrape: Exposition) => Histogram;

/**
 * Returns a function that computes and caches the histogram of a scrape. The cache helps because several quantiles use
 * the same histogram, and the next scrape is compared with it.
 */
function histograms(name: string, chosen?: Choose): HistogramOf {
  const known = new WeakMap<Exposition, Histogram>();
  return (scrape) => {
    const histogram = known.get(scrape) ?? histogramOf(scrape, name, chosen);
    known.set(scrape, histogram);
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

const has =
  (label: string, value: string): Choose =>
  ({ labels }) =>
    labels[label] === value;

const inGroup =
  (group: RouteChoice): Choose =>
  ({ labels }) =>
    group === ALL_ROUTES || groupOf(labels["route"] ?? "") === group;

const refusedWith =
  (first: string): Choose =>
  ({ labels }) =>
    labels["status"]?.startsWith(first) === true;

const REQUESTS = "koor_http_requests_total";
const DURATION = "koor_http_request_duration_seconds";
const COMMIT = "koor_writer_commit_seconds";
const BATCH = "koor_writer_batch_calls";
const DELIVERIES = "koor_webhook_deliveries_total";
const LOOP_DELAY = "koor_event_loop_delay_seconds";

const SINGLE = {
  refused: rate(REQUESTS, refusedWith("4")),
  failed: rate(REQUESTS, refusedWith("5")),
  inFlight: gauge("koor_http_requests_in_flight"),
  writes: rate(`${BATCH}_sum`),
  commits: rate(`${BATCH}_count`),
  batch_mean: mean(BATCH),
  commit_mean: mean(COMMIT),
  commit_p99: quantileOf(histograms(COMMIT), 0.99),
  writer_in_flight: gauge("koor_writer_in_flight"),
  writer_queue: gauge("koor_writer_queue_depth"),
  pool_queue: gauge("koor_pool_queue_depth"),
  published: rate("koor_events_published_total"),
  delivered: rate("koor_events_delivered_total"),
  dropped: rate("koor_events_dropped_total"),
  subscribers: gauge("koor_subscribers"),
  subscriber_patterns: gauge("koor_subscriber_patterns"),
  webhook_queue: gauge("koor_webhook_queue"),
  webhook_delivered: rate(DELIVERIES, has("outcome", "delivered")),
  webhook_failed: rate(DELIVERIES, has("outcome", "failed")),
  webhook_dropped: rate(DELIVERIES, has("outcome", "dropped")),
  loop_p50: gauge(LOOP_DELAY, has("quantile", "0.5")),
  loop_p99: gauge(LOOP_DELAY, has("quantile", "0.99")),
  loop_max: gauge("koor_event_loop_delay_max_seconds"),
  memory: gauge("process_resident_memory_bytes"),
  heap: gauge("nodejs_heap_used_bytes"),
  cpu: rate("process_cpu_seconds_total"),
  wal: gauge("koor_wal_bytes"),
  state_keys: gauge("koor_state_keys"),
} satisfies Readonly<Record<string, Figure>>;

type OfRoutes = `${"requests" | "p50" | "p95" | "p99"} ${RouteChoice}`;
export type FigureName = keyof typeof SINGLE | OfRoutes;

function ofRoutes(group: RouteChoice): [FigureName, Figure][] {
  const chosen = inGroup(group);
  const durations = histograms(DURATION, chosen);
  return [
    [`requests ${group}`, rate(REQUESTS, chosen)],
    [`p50 ${group}`, quantileOf(durations, 0.5)],
    [`p95 ${group}`, quantileOf(durations, 0.95)],
    [`p99 ${group}`, quantileOf(durations, 0.99)],
  ];
}

/** All figures by name. */
const FIGURES: ReadonlyMap<FigureName, Figure> = new Map([
  ...(Object.entries(SINGLE) as [FigureName, Figure][]),
  ...[ALL_ROUTES, ...ROUTE_GROUPS].flatMap((group) => ofRoutes(group as RouteChoice)),
]);
export const FIGURE_NAMES: readonly FigureName[] = [...FIGURES.keys()];

/** The samples of a scrape and its time, in ms since the epoch. */
export interface Scrape {
  readonly at_ms: number;
  readonly samples: Exposition;
}

const uptimeOf = ({ samples }: Scrape): number => total(samples, "koor_uptime_seconds") ?? 0;

/**
 * Returns the current value of every figure, by the figure's name.
 * @param before the previous scrape, if there is one
 */
export function figuresOf(now: Scrape, before: Scrape | null): ReadonlyMap<FigureName, number | null> {
  // The previous scrape is ignored if the server was restarted since, because its counters then began at zero again.
  const sameRun = before !== null && uptimeOf(now) >= uptimeOf(before) && now.at_ms > before.at_ms;
  const since = sameRun ? { before: before.samples, seconds: (now.at_ms - before.at_ms) / 1000 } : null;
  return new Map([...FIGURES].map(([name, figure]) => [name, figure(now.samples, since)]));
}

/** A route's number of calls and latencies since the server's start. */
export interface RouteRow {
  readonly route: string;
  readonly count: number;
  /** The number of answers with a 4xx status. */
  readonly refused: number;
  /** The number of answers with a 5xx status. */
  readonly failed: number;
  readonly p50: number | null;
  readonly p95: number | null;
}

/** Returns the routes that were called, the most frequent first. */
export function routeRows(samples: Exposition): RouteRow[] {
  const routes = new Set((samples.get(REQUESTS) ?? []).map(({ labels }) => labels["route"] ?? ""));
  const rows = [...routes].map((route): RouteRow => {
    const ofRoute = has("route", route);
    const withStatus = (first: string): number =>
      total(samples, REQUESTS, (sample) => ofRoute(sample) && refusedWith(first)(sample)) ?? 0;
    const durations = histogramOf(samples, DURATION, ofRoute);
    return {
      route,
      count: total(samples, REQUESTS, ofRoute) ?? 0,
      refused: withStatus("4"),
      failed: withStatus("5"),
      p50: quantile(durations, 0.5),
      p95: quantile(durations, 0.95),
    };
  });
  return rows.toSorted((a, b) => b.count - a.count || a.route.localeCompare(b.route));
}
