/** The overview, which shows agents, rates, the newest events and the newest changes at a glance. */
import { figures } from "../../api/recorder.js";
import { rowsSince } from "../../api/rows.js";
import { nowMs } from "../../base/clock.js";
import { perSecond } from "../../base/format.js";
import { Chart } from "../../parts/chart.js";
import { Page } from "../../parts/page.js";
import { Changed } from "./changed.js";
import { Tail } from "./tail.js";
import { Totals } from "./totals.js";

/** The time span of the charts. */
const RECENT_S = 10 * 60;
const CHART_HEIGHT = 104;

export function View() {
  return (
    <Page title="Overview">
      <Totals />
      <Rates />
      <div class="overview-lists">
        <Tail />
        <Changed />
      </div>
    </Page>
  );
}

function Rates() {
  const { times, columns } = rowsSince(figures.value, nowMs.peek() / 1000 - RECENT_S);
  const shared = { times, format: perSecond, height: CHART_HEIGHT, together: "overview" };
  return (
    <div class="columns">
      <Chart
        {...shared}
        label="Events a second, the last 10 minutes"
        series={[{ label: "published", values: columns.get("published") ?? [] }]}
      />
      <Chart
        {...shared}
        label="Writes a second, the last 10 minutes"
        series={[{ label: "writes", values: columns.get("writes") ?? [] }]}
      />
    </div>
  );
}
