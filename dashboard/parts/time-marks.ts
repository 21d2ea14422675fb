/** Computes the distances between two labels on the time axis of a chart. Pure. */

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
/** The space that a label needs, in px. Labels of the time axis are side by side. */
const LABEL_PX = 72;
/** Each step is at most this many times the previous step, except for steps of days. */
const STEP_FACTOR_MAX = 2.5;

/** The allowed distances between two labels, in s. */
export const TIME_STEPS_S: readonly number[] = [
  ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800],
  ...[1, 2, 3, 4, 6, 8, 12].map((hours) => hours * HOUR_S),
  ...[1, 2, 3, 7, 14, 28, 60, 120, 365].map((days) => days * DAY_S),
];

/**
 * Returns the minimum distance between two labels, in px, for an axis that is `px` long. It is so small that the
 * library never chooses a step longer than the axis. With a longer step, the library would draw a label beyond the end
 * of the axis, where it is cut off.
 */
export function labelSpace(px: number): number {
  return Math.min(LABEL_PX, px / STEP_FACTOR_MAX);
}
