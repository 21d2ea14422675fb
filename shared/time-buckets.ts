/** Divides a time range into buckets of equal length, for a histogram. Pure. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "./duration.js";

/**
 * The lengths that a bucket may have, in ms. Each except the last two divides a day, so buckets begin at round times.
 */
const STEPS_MS = [
  ...[1, 5, 15, 30].map((seconds) => seconds * SECOND_MS),
  ...[1, 5, 15, 30].map((minutes) => minutes * MINUTE_MS),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR_MS),
  ...[1, 2, 7].map((days) => days * DAY_MS),
];

export interface TimeBuckets {
  /** The start of the first bucket, in ms since the epoch: a multiple of `stepMs`. */
  readonly fromMs: number;
  readonly stepMs: number;
  readonly count: number;
}

/**
 * Divides a range into at most `max` buckets, which are as short as possible.
 * @param fromMs in ms since the epoch, inclusive
 * @param toMs in ms since the epoch, inclusive, not before `fromMs`
 */
export function timeBuckets(fromMs: number, toMs: number, max: number): TimeBuckets {
  const countOf = (stepMs: number): number => Math.floor(toMs / stepMs) - Math.floor(fromMs / stepMs) + 1;
  let stepMs = STEPS_MS.find((step) => countOf(step) <= max) ?? 2 * (STEPS_MS.at(-1) ?? DAY_MS);
  // Allow at least two buckets, because a range may cross a boundary between two buckets, whatever their length.
  while (countOf(stepMs) > Math.max(2, max)) stepMs *= 2;
  return { fromMs: Math.floor(fromMs / stepMs) * stepMs, stepMs, count: countOf(stepMs) };
}
