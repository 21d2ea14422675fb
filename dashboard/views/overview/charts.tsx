/** The charts of the overview: tasks, leases, agents and events over time. */
import { type MetricRows, SPANS, type Span } from "../../api/metric-history.js";
import type { HistoryMetric } from "../../api/types.js";
import { count, perSecond } from "../../base/format.js";
import { Chart } from "../../parts/chart.js";
import { Choice, Fields } from "../../parts/fields.js";

const CHART_HEIGHT = 104;

/** Formats a label on the axis of a count. Values between integers get no label. */
const whole = (value: number): string => (Number.isInteger(value) ? count(value) : "");

interface ChartRow {
  readonly label: string;
  readonly series: readonly (readonly [label: string, metric: HistoryMetric])[];
  readonly format: (value: number) => string;
  /** Whether the series are parts of a sum. A task is in one state, so states are stacked. */
  readonly stacked?: true;
}

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
    stacked: true,
  },
  {
    label: "Leases",
    series: [
      ["held", "leases_held"],
      ["waiting", "leases_waiting"],
    ],
    format: whole,
  },
  {
    label: "Agents",
    series: [
      ["active", "agents_active"],
      ["stale", "agents_stale"],
    ],
    format: whole,
  },
  {
    label: "Events and writes a second",
    series: [
      ["events", "published"],
      ["writes", "writes"],
    ],
    format: perSecond,
  },
];
/** The metrics that the charts show. */
export const METRICS = CHARTS.flatMap(({ series }) => series.map(([, metric]) => metric));

interface ChartsProps {
  readonly rows: MetricRows | undefined;
  readonly span: Span;
  readonly onChoose: (span: Span) => void;
}

export function Charts({ rows, span, onChoose }: ChartsProps) {
  return (
    <section class="section" aria-label="Over time">
      <div class="section-head">
        <h2>Over time</h2>
        <Fields>
          <Choice<Span>
            label="Time"
            value={span}
            choices={SPANS.map(([word, text]) => [word, text] as const)}
            onChoose={onChoose}
          />
        </Fields>
      </div>
      <div class="overview-charts">
        {CHARTS.map(({ label, series, format, stacked = false }) =>
          rows === undefined ? (
            <div key={label} class="overview-chart-place" />
          ) : (
            <Chart
              key={label}
              label={label}
              times={rows.times}
              series={series.map(([name, metric]) => ({ label: name, values: rows.columns.get(metric) ?? [] }))}
              format={format}
              stacked={stacked}
              height={CHART_HEIGHT}
              together="overview"
            />
          ),
        )}
      </div>
    </section>
  );
}
