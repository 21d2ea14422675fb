/** The distances between two labels on the time axis of a chart. Pure. */

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
/** The space that a label needs, px. Labels of the time axis are side by side. */
const LABEL_PX = 72;
/** The factor between two steps is at most this one, except among days. */
const STEP_FACTOR_MAX = 2.5;

/** The allowed distances, s. */
export const TIME_STEPS_S: readonly number[] = [
  ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800],
  ...[1, 2, 3, 4, 6, 8, 12].map((hours) => hours * HOUR_S),
  ...[1, 2, 3, 7, 14, 28, 60, 120, 365].map((days) => days * DAY_S),
];

/**
 * Returns the least distance between two labels, px, for an axis of `px`. It is so small that the chosen step is never
 * longer than the axis: without a label within the axis, the library draws one beyond its end, where it is cut off.
 */
export function labelSpace(px: number): number {
  return Math.min(LABEL_PX, px / STEP_FACTOR_MAX);
}
