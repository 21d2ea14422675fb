/** The figures of routes from samples. */
import t from "tap";
import type { Sample } from "../../platform/measure/sample-set.js";
import { routeRows } from "./route-rows.js";

type Named = readonly [name: string, sample: Sample];

function counted(route: string, status: number, count: number): Named[] {
  const labels = { route, status };
  const bucket = "koor_http_request_duration_seconds_bucket";
  return [
    ["koor_http_requests_total", { labels, value: count }],
    [bucket, { labels: { ...labels, le: 0.001 }, value: count }],
    [bucket, { labels: { ...labels, le: "+Inf" }, value: count }],
  ];
}

function rowsOf(named: readonly Named[]) {
  const samples = new Map<string, Sample[]>();
  for (const [name, sample] of named) samples.set(name, [...(samples.get(name) ?? []), sample]);
  return routeRows(samples);
}

t.test("there is a row for each route that was called, the most frequent first", (t) => {
  const rows = rowsOf([
    ...counted("state.put", 507, 1),
    ...counted("state.get", 200, 90),
    ...counted("state.get", 404, 10),
    ...counted("audit.list", 200, 1),
  ]);
  t.same(
    rows.map(({ route, requests, refused, failed, p50 }) => [route, requests, refused, failed, p50]),
    [
      ["state.get", 100, 10, 0, 0.0005],
      ["audit.list", 1, 0, 0, 0.0005],
      ["state.put", 1, 0, 1, 0.0005],
    ],
  );
  t.same(rowsOf([]), []);
  t.end();
});
