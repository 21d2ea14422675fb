/** The view of the server: charts of the last 24 hours, which the server itself stores, and a table of the routes. */
import type { MetricRows } from "../../api/metric-history.js";
import { useResource } from "../../api/resource.js";
import { lastOf } from "../../api/rows.js";
import { count } from "../../base/format.js";
import { session } from "../../api/session.js";
import type { RouteGroup } from "../../api/types.js";
import { useAddressQuery } from "../../parts/address-query.js";
import { Choice, Fields } from "../../parts/fields.js";
import { ChartTimeFields, useChartTime } from "../../parts/chart-time.js";
import { HistoryChart } from "../../parts/history-chart.js";
import { useHistoryRows } from "../../parts/history-rows.js";
import { Failure } from "../../parts/notice.js";
import { Page } from "../../parts/page.js";
import { serverMetrics } from "../../api/server-metrics.js";
import { chartRows, ROUTE_GROUPS } from "./charts.js";
import { Cluster } from "./cluster.js";
import { Routes } from "./routes.js";

const CHART_HEIGHT = 130;

export function View() {
  const { query, set } = useAddressQuery();
  const time = useChartTime();
  const [routes] = ROUTE_GROUPS.find(([group]) => group === query["routes"]) ?? ROUTE_GROUPS[0];
  const charts = chartRows(routes);
  const { resource, rows } = useHistoryRows(
    ["writer_restarts", "cluster_lag", ...charts.flatMap(({ series }) => series.map(([, metric]) => metric))],
    time.spanS,
  );
  return (
    <Page title="System">
      <Failure of={resource} />
      <Facts rows={rows} />
      <Cluster rows={rows} />
      <Fields>
        <ChartTimeFields time={time} rows={rows} />
        <Choice<RouteGroup>
          label="Latency of"
          value={routes}
          choices={ROUTE_GROUPS}
          onChoose={(group) => set({ routes: group === "all" ? "" : group })}
        />
      </Fields>
      <div class="system-charts">
        {rows !== undefined &&
          charts.map((row, at) => (
            <HistoryChart
              key={at}
              of={row}
              rows={rows}
              height={CHART_HEIGHT}
              together="system"
              zoom={time.zoom}
              onZoom={time.onZoom}
            />
          ))}
      </div>
      <Routes />
    </Page>
  );
}

/** The server's version, uptime and addresses. */
function Facts({ rows }: { readonly rows: MetricRows | undefined }) {
  const metrics = useResource(serverMetrics).data.value;
  const restarts = rows === undefined ? null : lastOf(rows, "writer_restarts");
  const facts = [
    ["Version", session.value?.version ?? ""],
    ["Up", metrics !== undefined && metrics.uptime],
    ["API", metrics !== undefined && <span class="mono">{metrics.api_bind}</span>],
    ["Dashboard", metrics !== undefined && <span class="mono">{metrics.dashboard_bind}</span>],
    ["Writer restarts", restarts !== null && count(restarts)],
  ] as const;
  return (
    <dl class="system-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value === false ? "–" : value}</dd>
        </div>
      ))}
    </dl>
  );
}
