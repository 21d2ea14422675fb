/**
 * Computes sums, histograms and quantiles from the samples of metrics, for the history of metrics and the figures of
 * routes. Pure.
 */
import type { Sample, Samples } from "../../platform/measure/sample-set.js";

/** A cumulative histogram: `below[i]` is the number of values up to `bounds[i]`. The last bound is infinite. */
export interface CumulativeHistogram {
  readonly bounds: readonly number[];
  readonly below: readonly number[];
}

export type Choose = (sample: Sample) => boolean;
const anyOf: Choose = () => true;

/** Returns a function that selects the samples that have this value of a label. */
export function hasLabel(label: string, value: string): Choose {
  return ({ labels }) => labels[label] === value;
}

/** Returns the sum of the metric's samples that the function `chosen` selects; null if the metric has no samples. */
export function total(samples: Samples, name: string, chosen: Choose = anyOf): number | null {
  const ofName = samples.get(name);
  if (ofName === undefined) return null;
  return ofName.reduce((sum, sample) => (chosen(sample) ? sum + sample.value : sum), 0);
}

/** Returns the sum of all histograms of a metric, for example those of all routes. */
export function histogramOf(samples: Samples, name: string): CumulativeHistogram {
  const below = new Map<number, number>();
  for (const sample of samples.get(`${name}_bucket`) ?? []) {
    const { le = "" } = sample.labels;
    const bound = le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le);
    below.set(bound, (below.get(bound) ?? 0) + sample.value);
  }
  const bounds = [...below.keys()].toSorted((a, b) => a - b);
  return { bounds, below: bounds.map((bound) => below.get(bound) ?? 0) };
}

/**
 * Returns the histogram of the values that were counted after `before` and up to `after`. `before` may have fewer
 * bounds, or none.
 */
export function added(after: CumulativeHistogram, before: CumulativeHistogram): CumulativeHistogram {
  const were = new Map(before.bounds.map((bound, at) => [bound, before.below[at] ?? 0]));
  return {
    bounds: after.bounds,
    below: after.below.map((count, at) => count - (were.get(after.bounds[at] ?? 0) ?? 0)),
  };
}

/**
 * Returns the `q` quantile. It is interpolated linearly within a bucket, like Prometheus' `histogram_quantile`. A value
 * above the last finite bound counts as that bound. Returns null if no value was counted.
 */
export function quantile({ bounds, below }: CumulativeHistogram, q: number): number | null {
  const count = below.at(-1) ?? 0;
  if (count <= 0) return null;
  const rank = q * count;
  const at = below.findIndex((counted) => counted >= rank);
  const upper = bounds[at] ?? Number.POSITIVE_INFINITY;
  const lower = bounds[at - 1] ?? 0;
  if (upper === Number.POSITIVE_INFINITY) return lower;
  const under = below[at - 1] ?? 0;
  const within = (below[at] ?? 0) - under;
  return within <= 0 ? upper : lower + (upper - lower) * ((rank - under) / within);
}
