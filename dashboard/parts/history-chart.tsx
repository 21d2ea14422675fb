/** Draws charts of the metrics that the server keeps, and the choice of how long a time they show. */
import { type MetricRows, SPANS, type Span } from "../api/metric-history.js";
import type { HistoryMetric } from "../api/types.js";
import { Chart } from "./chart.js";
import { Choice } from "./fields.js";
import type { Zoom } from "./zoom.js";

export interface ChartRow {
  readonly label: string;
  readonly series: readonly (readonly [label: string, metric: HistoryMetric])[];
  readonly format: (value: number) => string;
  /** True only if the series are parts of a sum. Series that contain each other, such as quantiles, are not stacked. */
  readonly stacked?: true;
}

interface HistoryChartProps {
  readonly of: ChartRow;
  readonly rows: MetricRows;
  readonly height: number;
  /** Charts with the same text here show the same moment under the cursor. */
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
