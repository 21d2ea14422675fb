/** The charts of the overview: tasks, leases, agents and events over time. */
import type { MetricRows } from "../../api/metric-history.js";
import { count, perSecond } from "../../base/format.js";
import { type ChartTime, ChartTimeFields } from "../../parts/chart-time.js";
import { Fields } from "../../parts/fields.js";
import { type ChartRow, HistoryChart } from "../../parts/history-chart.js";

const CHART_HEIGHT = 104;

/** Formats a label on the axis of a count. Values between integers get no label. */
const whole = (value: number): string => (Number.isInteger(value) ? count(value) : "");

const CHARTS: readonly ChartRow[] = [
  {
    label: "Open tasks",
    series: [
      ["claimed", "tasks_claimed"],
      ["asking", "tasks_input_required"],
      ["ready", "tasks_ready"],
      ["blocked", "tasks_blocked"],
    ],
    format: whole,
    opens: "events",
    // The series can be stacked, because each task is in exactly one state.
    stacked: true,
  },
  {
    label: "Leases",
    series: [
      ["held", "leases_held"],
      ["waiting", "leases_waiting"],
    ],
    format: whole,
    opens: "events",
  },
  {
    label: "Agents",
    series: [
      ["active", "agents_active"],
      ["stale", "agents_stale"],
    ],
    format: whole,
    opens: "events",
  },
  {
    label: "Events and writes per second",
    series: [
      ["events", "published"],
      ["writes", "writes"],
    ],
    format: perSecond,
    opens: "events",
  },
];
/** The metrics that the charts show. */
export const METRICS = CHARTS.flatMap(({ series }) => series.map(([, metric]) => metric));

interface ChartsProps {
  readonly rows: MetricRows | undefined;
  readonly time: ChartTime;
}

export function Charts({ rows, time }: ChartsProps) {
  return (
    <section class="section" aria-label="Over time">
      <div class="section-head">
        <h2>Over time</h2>
        <Fields>
          <ChartTimeFields time={time} rows={rows} />
        </Fields>
      </div>
      <div class="overview-charts">
        {CHARTS.map((row) =>
          rows === undefined ? (
            <div key={row.label} class="overview-chart-place" />
          ) : (
            <HistoryChart
              key={row.label}
              of={row}
              rows={rows}
              height={CHART_HEIGHT}
              together="overview"
              zoom={time.zoom}
              onZoom={time.onZoom}
            />
          ),
        )}
      </div>
    </section>
  );
}
