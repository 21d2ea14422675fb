/** Collects the samples of components as numbers, for code that computes with them. Pure. */
import { Exposition, type Measured } from "./exposition.js";
import type { Histogram } from "./histogram.js";

/** A sample of a metric: its labels and its value. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/**
 * The samples by metric name. A histogram has three names: the metric's name with `_bucket`, `_sum` and `_count`.
 */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

class SampleSet extends Exposition {
  readonly samples = new Map<string, Sample[]>();

  override metric(): this {
    return this;
  }

  override sample(name: string, value: number, labels: Sample["labels"] = {}): this {
    const known = this.samples.get(name);
    if (known === undefined) this.samples.set(name, [{ labels, value }]);
    else known.push({ labels, value });
    return this;
  }

  override histogram(name: string, histogram: Histogram, labels: Sample["labels"] = {}): this {
    let below = 0;
    for (const [at, bound] of histogram.bounds.entries()) {
      below += histogram.counts[at] ?? 0;
      this.sample(`${name}_bucket`, below, { ...labels, le: bound });
    }
    this.sample(`${name}_bucket`, histogram.count, { ...labels, le: "+Inf" });
    return this.sample(`${name}_sum`, histogram.sum, labels).sample(`${name}_count`, histogram.count, labels);
  }
}

/** Reads the current samples of components. */
export function readSamples(measured: readonly Measured[]): Samples {
  const set = new SampleSet();
  for (const one of measured) one.expose(set);
  return set.samples;
}
