/** Moves through the times of a range: from event to event, and at a speed. Pure. */
import type { Range } from "./range.js";

/** The speeds. Each has the number of seconds of the range that are played in a second, and the text of the option. */
export const SPEEDS: readonly (readonly [speed: number, words: string])[] = [
  [1, "1 s/s"],
  [10, "10 s/s"],
  [60, "1 min/s"],
  [600, "10 min/s"],
  [3_600, "1 h/s"],
  [21_600, "6 h/s"],
];
/** The time in which the range is played if the user has not chosen a speed, in ms. */
const PLAYED_IN_MS = 60_000;

/** Returns the slowest speed at which the range is played within a minute. */
export function speedOf({ fromMs, toMs }: Range): number {
  const [found] = SPEEDS.find(([speed]) => (toMs - fromMs) / speed <= PLAYED_IN_MS) ?? SPEEDS.at(-1) ?? [1];
  return found;
}

/**
 * Returns how many of the times are at or before a given time.
 * @param times ascending
 */
export function countUntil(times: readonly number[], atMs: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Returns the time of the next event; the end of the range if there is none.
 * @param times ascending
 */
export function nextTime(times: readonly number[], atMs: number, { toMs }: Range): number {
  return Math.min(times[countUntil(times, atMs)] ?? toMs, toMs);
}

/**
 * Returns the time of the previous event; the start of the range if there is none.
 * @param times ascending
 */
export function previousTime(times: readonly number[], atMs: number, { fromMs }: Range): number {
  return Math.max(times[countUntil(times, atMs - 1) - 1] ?? fromMs, fromMs);
}
