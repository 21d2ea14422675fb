/**
 * Collects the metrics of components as plain data, for the thread that exports them. Names and types are the same as
 * in the output for Prometheus (docs/http-api.md "GET /metrics"). Pure.
 */
import { Exposition, type Measured } from "../../platform/measure/exposition.js";
import type { Histogram } from "../../platform/measure/histogram.js";

export type Labels = Readonly<Record<string, string | number>>;

/** A value of a metric. */
export interface FigurePoint {
  readonly labels: Labels;
  readonly value: number;
}

/** A histogram. `counts` has one item for each of `bounds`, and a last item for the values above all bounds. */
export interface HistogramPoint {
  readonly labels: Labels;
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

/** A metric with its values. */
export interface Figure {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly points: FigurePoint[];
  readonly histograms: HistogramPoint[];
}

class FigureSet extends Exposition {
  readonly figures = new Map<string, Figure>();

  override metric(name: string, type: "counter" | "gauge" | "histogram" | "summary", help: string): this {
    // OpenTelemetry does not let programs export summaries. So the quantiles of a summary become gauges, and its sum
    // and count become counters.
    this.#add(name, type === "summary" ? "gauge" : type, help);
    if (type !== "summary") return this;
    this.#add(`${name}_sum`, "counter", help);
    this.#add(`${name}_count`, "counter", help);
    return this;
  }

  override sample(name: string, value: number, labels: Labels = {}): this {
    // Skip a value that is not a finite number, because it cannot be exported. A quantile without values is an example.
    if (Number.isFinite(value)) this.figures.get(name)?.points.push({ labels, value });
    return this;
  }

  override histogram(name: string, { bounds, counts, sum, count }: Histogram, labels: Labels = {}): this {
    const within = bounds.map((_bound, at) => counts[at] ?? 0);
    const above = count - within.reduce((total, one) => total + one, 0);
    this.figures.get(name)?.histograms.push({ labels, bounds: [...bounds], counts: [...within, above], sum, count });
    return this;
  }

  /** The metrics that have values. For example, the quantiles of an empty summary have none. */
  get list(): Figure[] {
    return [...this.figures.values()].filter(({ points, histograms }) => points.length + histograms.length > 0);
  }

  #add(name: string, type: Figure["type"], help: string): void {
    this.figures.set(name, { name, help, type, points: [], histograms: [] });
  }
}

/** Reads the current metrics of components. */
export function readFigures(measured: readonly Measured[]): Figure[] {
  const set = new FigureSet();
  for (const one of measured) one.expose(set);
  return set.list;
}
