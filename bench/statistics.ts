/**
 * Computes figures from slices: medians, quotients, and one set of figures for many slices. Pure; runs in the bench
 * process.
 */
import type { Figures, Ratio } from "./model.js";

/** The counts of a load generator in one slice. The times are those of single requests. */
export interface Slice {
  readonly requests: number;
  readonly elapsedMs: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
  /** The number of answers with another status than the expected one. */
  readonly refused: number;
  /** The number of connections that ended before their answer came. */
  readonly broken: number;
  /** The CPU time of the measured process during the slice; absent if the system does not report it. */
  readonly cpu_us?: number;
}

/** Returns the median of a list; 0 if the list is empty. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

/** Returns `a / b`, or undefined if the result is not a finite number. */
export function quotient(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined || a <= 0 || b <= 0) return undefined;
  return a / b;
}

/** Returns the figures without those that are undefined. */
export function figuresOf(figures: Readonly<Record<string, number | undefined>>): Figures {
  const kept: Record<string, number> = {};
  for (const [name, value] of Object.entries(figures))
    if (value !== undefined && Number.isFinite(value)) kept[name] = value;
  return kept;
}

/** Returns the ratios without those that could not be measured. */
export function ratiosOf(ratios: readonly (Omit<Ratio, "value"> & { readonly value: number | undefined })[]): Ratio[] {
  return ratios.flatMap((ratio) => (ratio.value === undefined ? [] : [{ ...ratio, value: ratio.value }]));
}

export function rateOf(slice: Slice): number {
  return (slice.requests / slice.elapsedMs) * 1_000;
}

/** Returns the CPU time per request of one slice, in microseconds. */
export function cpuOf(slice: Slice): number | undefined {
  return cpuOfAll([slice]);
}

/**
 * Returns the CPU time per request over all slices together, in microseconds. All slices are summed first, because a
 * slice is short beside the ticks in which the system counts. Returns undefined if the system reports no CPU time, or
 * if no request was answered.
 */
export function cpuOfAll(slices: readonly Slice[]): number | undefined {
  const known = slices.filter((slice) => slice.cpu_us !== undefined);
  const requests = known.reduce((sum, slice) => sum + slice.requests, 0);
  return requests === 0 ? undefined : known.reduce((sum, slice) => sum + (slice.cpu_us ?? 0), 0) / requests;
}

/**
 * Merges slices: takes the median of each time, the CPU time over all slices, and the sum of refused requests and
 * broken connections.
 */
export function mergeSlices(slices: readonly Slice[]): Figures {
  return figuresOf({
    requests_per_s: median(slices.map(rateOf)),
    p50_ms: median(slices.map((slice) => slice.p50_ms)),
    p99_ms: median(slices.map((slice) => slice.p99_ms)),
    max_ms: Math.max(...slices.map((slice) => slice.max_ms)),
    cpu_us: cpuOfAll(slices),
    refused: slices.reduce((sum, slice) => sum + slice.refused + slice.broken, 0),
  });
}

/**
 * Returns the median of the quotients of all rounds. Each round has its own quotient, because other load in a round
 * slows both of its sides. Returns undefined if a side has no figure.
 */
export function medianQuotient<T>(
  mine: readonly T[],
  theirs: readonly T[],
  figure: (slice: T) => number | undefined,
): number | undefined {
  const quotients: number[] = [];
  for (let round = 0; round < Math.min(mine.length, theirs.length); round++) {
    const a = mine[round];
    const b = theirs[round];
    if (a === undefined || b === undefined) continue;
    const value = quotient(figure(a), figure(b));
    if (value !== undefined) quotients.push(value);
  }
  return quotients.length === 0 ? undefined : median(quotients);
}
