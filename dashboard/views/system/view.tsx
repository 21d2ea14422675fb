/** The view of the server: charts, and a table of the routes. The charts begin when the page was opened. */
import { total } from "../../api/figures.js";
import { ALL_ROUTES, ROUTE_GROUPS, type RouteChoice } from "../../api/figures.js";
import { figures, lastScrape, scrapes } from "../../api/recorder.js";
import { rowsSince } from "../../api/rows.js";
import { useResource } from "../../api/resource.js";
import { nowMs } from "../../base/clock.js";
import { count, duration, fullTime } from "../../base/format.js";
import { session } from "../../api/session.js";
import { useAddressQuery } from "../../parts/address-query.js";
import { Chart } from "../../parts/chart.js";
import { Choice, Fields } from "../../parts/fields.js";
import { Failure } from "../../parts/notice.js";
import { Page } from "../../parts/page.js";
import { serverMetrics } from "../../api/server-metrics.js";
import { chartRows } from "./charts.js";
import { Cluster } from "./cluster.js";
import { Routes } from "./routes.js";

const CHART_HEIGHT = 130;

/** The time spans of the charts, each with its word in the page's address. "" is the default. */
const RANGES = [
  ["5m", "5 minutes", 5 * 60],
  ["", "15 minutes", 15 * 60],
  ["1h", "1 hour", 60 * 60],
  ["all", "Since the page was opened", Number.POSITIVE_INFINITY],
] as const;
type Range = (typeof RANGES)[number][0];

const CHOICES: readonly RouteChoice[] = [ALL_ROUTES, ...ROUTE_GROUPS];

export function View() {
  const { query, set } = useAddressQuery();
  const [range, , seconds] = RANGES.find(([word]) => word === query["range"]) ?? RANGES[1];
  const routes = CHOICES.find((choice) => choice === query["routes"]) ?? ALL_ROUTES;
  const rows = rowsSince(figures.value, nowMs.peek() / 1000 - seconds);
  return (
    <Page title="System">
      <Failure of={scrapes} />
      <Facts />
      <Cluster />
      <Fields>
        <Choice<Range>
          label="Time"
          value={range}
          choices={RANGES.map(([word, text]) => [word, text] as const)}
          onChoose={(word) => set({ range: word })}
        />
        <Choice<RouteChoice>
          label="Latency of"
          value={routes}
          choices={CHOICES.map((choice) => [choice, choice] as const)}
          onChoose={(choice) => set({ routes: choice === ALL_ROUTES ? "" : choice })}
        />
      </Fields>
      <div class="system-charts">
        {chartRows(routes).map(({ label, series, format, stacked = false }, at) => (
          <Chart
            key={at}
            label={label}
            times={rows.times}
            series={series.map(([name, figure]) => ({ label: name, values: rows.columns.get(figure) ?? [] }))}
            format={format}
            stacked={stacked}
            height={CHART_HEIGHT}
            together="system"
          />
        ))}
      </div>
      <Routes />
    </Page>
  );
}

/** The server's version, uptime and addresses. */
function Facts() {
  const metrics = useResource(serverMetrics).data.value;
  const scrape = lastScrape.value;
  const uptimeS = scrape === null ? null : total(scrape.samples, "koor_uptime_seconds");
  const restarts = scrape === null ? null : total(scrape.samples, "koor_writer_restarts_total");
  const facts = [
    ["Version", session.value?.version ?? ""],
    [
      "Up",
      scrape !== null && uptimeS !== null && (
        <span title={`since ${fullTime(scrape.at_ms - uptimeS * 1000)}`}>{duration(uptimeS * 1000)}</span>
      ),
    ],
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
