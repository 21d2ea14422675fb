/** Draws charts of the metrics that the server stores. A point of a chart opens what happened at its time. */
import { useLocation } from "preact-iso/router";
import type { MetricRows } from "../api/metric-history.js";
import type { HistoryMetric } from "../api/types.js";
import { addressOf } from "../base/address.js";
import { query } from "../base/path.js";
import { Chart } from "./chart.js";
import type { Zoom } from "./zoom.js";

/** The target that a point of a chart opens: the words for it, the slug of its view, and the view's other filters. */
const OPENS = {
  events: ["the events of this time", "events", {}],
  changes: ["the changes of this time in Audit", "audit", {}],
  refusals: ["the refused calls of this time in Audit", "audit", { outcome: "error" }],
} as const;

export interface ChartRow {
  readonly label: string;
  readonly series: readonly (readonly [label: string, metric: HistoryMetric])[];
  readonly format: (value: number) => string;
  /**
   * Set only if the series are parts of a sum. Series that include each other, such as quantiles, must not be stacked.
   */
  readonly stacked?: true;
  readonly opens: keyof typeof OPENS;
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
  const { route } = useLocation();
  const [opens, slug, filters] = OPENS[row.opens];
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
      opens={opens}
      onOpen={({ fromS, toS }) => {
        // Both ends are inclusive.
        const [from, to] = [fromS * 1_000, toS * 1_000 - 1].map((ms) => new Date(ms).toISOString());
        route(addressOf(slug) + query({ ...filters, from, to }));
      }}
    />
  );
}
