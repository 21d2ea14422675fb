/** Draws charts of the metrics that the server stores. Also shows the field that chooses their time span. */
import { type MetricRows, SPANS, type Span } from "../api/metric-history.js";
import type { HistoryMetric } from "../api/types.js";
import { Chart } from "./chart.js";
import { Choice } from "./fields.js";
import type { Zoom } from "./zoom.js";

export interface ChartRow {
  readonly label: string;
  readonly series: readonly (readonly [label: string, metric: HistoryMetric])[];
  readonly format: (value: number) => string;
  /**
   * Set only if the series are parts of a sum. Series that include each other, such as quantiles, must not be stacked.
   */
  readonly stacked?: true;
}

interface HistoryChartProps {
  readonly of: ChartRow;
  readonly rows: MetricRows;
  readonly height: number;
  /** The name of a group of charts. All charts of the group show the moment under the cursor. */
  readonly together: string;
  readonly zoom: Zoom | null;
  readonly onZoom: (zoom: Zoom | null) => void;
}

export function HistoryChart({ of: row, rows, height, together, zoom, onZoom }: HistoryChartProps) {
  return (
    <Chart
      label={row.label}
      times={rows.times}
      series={row.series.map(([label, metric]) => ({ label, values: rows.columns.get(metric) ?? [] }))}
      format={row.format}
      stacked={row.stacked === true}
      height={height}
      together={together}
      zoom={zoom}
      onZoom={onZoom}
    />
  );
}

interface SpanChoiceProps {
  readonly span: Span;
  readonly onChoose: (span: Span) => void;
}

export function SpanChoice({ span, onChoose }: SpanChoiceProps) {
  return (
    <Choice<Span>
      label="Time"
      value={span}
      choices={SPANS.map(([word, text]) => [word, text] as const)}
      onChoose={onChoose}
    />
  );
}
