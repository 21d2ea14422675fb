/** Collects the samples of components as numbers, for code that computes with them. Pure. */
import { Exposition, type Measured } from "./exposition.js";

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
}

/** Reads the current samples of components. */
export function readSamples(measured: readonly Measured[]): Samples {
  const set = new SampleSet();
  for (const one of measured) one.expose(set);
  return set.samples;
}
