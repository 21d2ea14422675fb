/** Figures from two scrapes: rates, quantiles by route group, and a restarted server. */
import t from "tap";
import { parseExposition } from "./exposition.js";
import { added, FIGURE_NAMES, figuresOf, groupOf, quantile, routeRows, type Scrape } from "./figures.js";

/** Returns a scrape at a given uptime. */
function scrape(uptimeS: number, lines: readonly string[]): Scrape {
  return {
    at_ms: 1_000_000 + uptimeS * 1000,
    samples: parseExposition([`koor_uptime_seconds ${uptimeS}`, ...lines, ""].join("\n")),
  };
}

/** Returns the samples of a route: the number of requests of at most 1 ms, of at most 10 ms, and longer. */
function route(name: string, status: number, counts: readonly [number, number, number]): string[] {
  const labels = `route="${name}",status="${status}"`;
  const [fast, slow, rest] = counts;
  const all = fast + slow + rest;
  return [
    `koor_http_requests_total{${labels}} ${all}`,
    `koor_http_request_duration_seconds_bucket{${labels},le="0.001"} ${fast}`,
    `koor_http_request_duration_seconds_bucket{${labels},le="0.01"} ${fast + slow}`,
    `koor_http_request_duration_seconds_bucket{${labels},le="+Inf"} ${all}`,
  ];
}

t.test("rates need two scrapes of one run", (t) => {
  const first = scrape(10, ["koor_events_published_total 5", "koor_subscribers 2"]);
  const second = scrape(14, ["koor_events_published_total 25", "koor_subscribers 3"]);
  const restartedScrape = scrape(1, ["koor_events_published_total 7", "koor_subscribers 1"]);
  t.equal(figuresOf(first, null).get("published"), null, "one scrape has no rate");
  t.equal(figuresOf(first, null).get("subscribers"), 2, "but has the current values");
  t.equal(figuresOf(second, first).get("published"), 5);
  t.equal(figuresOf(second, first).get("subscribers"), 3);
  const restarted = figuresOf({ ...restartedScrape, at_ms: second.at_ms + 5000 }, second);
  t.equal(restarted.get("published"), null, "a restarted server counts from zero");
  t.equal(restarted.get("subscribers"), 1);
  t.end();
});

t.test("every name has a figure, and an unknown one is null", (t) => {
  const nothing = figuresOf(scrape(2, []), scrape(1, []));
  t.same([...nothing.keys()], FIGURE_NAMES);
  for (const [name, value] of nothing) t.equal(value, null, name);
  t.end();
});

t.test("requests and latencies are summed by group of routes", (t) => {
  const before = scrape(10, [...route("state.get", 200, [100, 0, 0]), ...route("events.publish", 200, [0, 50, 0])]);
  const after = scrape(20, [
    ...route("state.get", 200, [200, 0, 0]),
    ...route("state.put", 404, [0, 0, 10]),
    ...route("events.publish", 200, [0, 70, 0]),
  ]);
  const figures = figuresOf(after, before);
  t.equal(figures.get("requests All routes"), 13, "a new route counts from zero");
  t.equal(figures.get("requests State and specs"), 11);
  t.equal(figures.get("requests Events"), 2);
  t.equal(figures.get("requests MCP"), 0);
  t.equal(figures.get("refused"), 1);
  t.equal(figures.get("failed"), 0);
  t.equal(Math.round((figures.get("p50 Events") ?? 0) * 1e6), 5500, "half way through the bucket of 1 to 10 ms");
  t.equal(figures.get("p50 State and specs"), 0.00055, "only requests between the scrapes count");
  t.equal(figures.get("p99 State and specs"), 0.01, "above the last bound the quantile is the bound");
  t.equal(figures.get("p99 MCP"), null, "there were no requests");
  t.end();
});

t.test("each route has a group", (t) => {
  for (const [name, group] of [
    ["state.get", "State and specs"],
    ["spec.projects", "State and specs"],
    ["rules.validate", "Rules and contracts"],
    ["mcp", "MCP"],
    ["prometheus", "Other"],
    ["unrouted", "Other"],
    ["constructor", "Other"],
    ["", "Other"],
  ] as const)
    t.equal(groupOf(name), group, name);
  t.end();
});

t.test("quantiles are defined at their edges", (t) => {
  t.equal(quantile({ bounds: [], below: [] }, 0.5), null);
  t.equal(quantile({ bounds: [1, Number.POSITIVE_INFINITY], below: [0, 0] }, 0.5), null);
  t.equal(quantile({ bounds: [Number.POSITIVE_INFINITY], below: [3] }, 0.5), 0);
  t.equal(quantile({ bounds: [1, 2, Number.POSITIVE_INFINITY], below: [4, 4, 4] }, 1), 1, "upper buckets are empty");
  t.same(
    added({ bounds: [1, 2], below: [3, 5] }, { bounds: [1, 2], below: [3, 4] }).below,
    [0, 1],
    "only requests between the scrapes count",
  );
  t.end();
});

t.test("there is a row for each route that was called", (t) => {
  const { samples } = scrape(5, [
    ...route("state.get", 200, [90, 0, 0]),
    ...route("state.get", 404, [10, 0, 0]),
    ...route("state.put", 507, [0, 1, 0]),
  ]);
  t.same(
    routeRows(samples).map(({ route: name, count, refused, failed }) => [name, count, refused, failed]),
    [
      ["state.get", 100, 10, 0],
      ["state.put", 1, 0, 1],
    ],
  );
  t.same(routeRows(scrape(5, []).samples), []);
  t.end();
});
