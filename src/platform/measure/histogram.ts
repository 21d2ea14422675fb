/** A histogram with fixed bounds. It counts in plain numbers, because it is updated on hot paths. Pure. */

/** Upper bounds of the latency buckets, in seconds. */
export const LATENCY_BOUNDS_S: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
/** The upper bounds of the buckets for batch sizes, in calls. */
export const BATCH_BOUNDS_CALLS: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** A histogram with one bucket for each bound, and a last bucket for all values above the bounds. */
export class Histogram {
  readonly counts: Float64Array;
  sum = 0;
  count = 0;

  constructor(readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.bounds.length && value > (this.bounds[at] as number)) at++;
    this.counts[at] = (this.counts[at] as number) + 1;
    this.sum += value;
    this.count += 1;
  }
}
