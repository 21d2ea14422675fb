/** The charts of the overview: tasks, leases, agents and events over time. */
import type { MetricRows, Span } from "../../api/metric-history.js";
import { count, perSecond } from "../../base/format.js";
import { Fields } from "../../parts/fields.js";
import { type ChartRow, HistoryChart, SpanChoice } from "../../parts/history-chart.js";
import { ZoomButtons } from "../../parts/zoom-buttons.js";
import type { Zoom } from "../../parts/zoom.js";

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
    label: "Events and writes per second",
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
  /** The part of the span that the charts show; null for all of it. */
  readonly zoom: Zoom | null;
  readonly onZoom: (zoom: Zoom | null) => void;
}

export function Charts({ rows, span, onChoose, zoom, onZoom }: ChartsProps) {
  return (
    <section class="section" aria-label="Over time">
      <div class="section-head">
        <h2>Over time</h2>
        <Fields>
          <SpanChoice span={span} onChoose={onChoose} />
          <ZoomButtons rows={rows} zoom={zoom} onZoom={onZoom} />
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
              zoom={zoom}
              onZoom={onZoom}
            />
          ),
        )}
      </div>
    </section>
  );
}
