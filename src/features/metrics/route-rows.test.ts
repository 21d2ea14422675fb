/** Tests the figures of routes that are computed from histograms. */
import t from "tap";
import { Histogram } from "../../platform/measure/histogram.js";
import { type MeasuredRoute, routeRows } from "./route-rows.js";

/** Returns a route with this number of answers for each status. Each answer took less than 0.4 ms. */
function routeOf(name: string, counts: Readonly<Record<number, number>>): MeasuredRoute {
  const byStatus = new Map(
    Object.entries(counts).map(([status, count]) => {
      const histogram = new Histogram([0.001, 1]);
      for (let at = 0; at < count; at++) histogram.observe(0.0004);
      return [Number(status), histogram];
    }),
  );
  return { name, byStatus };
}

t.test("there is a row for each route that was called, the most frequent first", (t) => {
  const rows = routeRows([
    routeOf("state.put", { 507: 1 }),
    routeOf("state.get", { 200: 90, 404: 10 }),
    routeOf("state.delete", {}),
    routeOf("audit.list", { 200: 1 }),
  ]);
  t.same(
    rows.map(({ route, requests, refused, failed, p50 }) => [route, requests, refused, failed, p50]),
    [
      ["state.get", 100, 10, 0, 0.0005],
      ["audit.list", 1, 0, 0, 0.0005],
      ["state.put", 1, 0, 1, 0.0005],
    ],
  );
  t.same(routeRows([]), []);
  t.end();
});

t.test("the quantiles are those of all statuses together", (t) => {
  const byStatus = new Map([200, 503].map((status) => [status, new Histogram([0.001, 1])]));
  for (let at = 0; at < 3; at++) byStatus.get(200)?.observe(0.0005);
  byStatus.get(503)?.observe(0.5);
  const [row] = routeRows([{ name: "a", byStatus }]);
  t.match(row, { requests: 4, failed: 1 });
  t.ok((row?.p50 ?? 0) < 0.001 && (row?.p95 ?? 0) > 0.001);
  t.end();
});
