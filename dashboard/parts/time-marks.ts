/** Computes the marks on the axes of a chart. Pure. */
import type { Zoom } from "./zoom.js";

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
/** The space that a label of the time axis needs, in px. Labels of the time axis are side by side. */
const TIME_PX = 66;
/** The minimum distance between two labels of the value axis, in px. */
const VALUE_PX = 26;

/** The allowed distances between two labels of the time axis, in s. */
const TIME_STEPS_S: readonly number[] = [
  ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800],
  ...[1, 2, 3, 4, 6, 8, 12].map((hours) => hours * HOUR_S),
  ...[1, 2, 3, 7, 14, 28, 60, 120, 365].map((days) => days * DAY_S),
];

export interface TimeMarks {
  /** The distance between two marks, in s. */
  readonly stepS: number;
  /** The times of the marks, in seconds since the epoch, ascending. */
  readonly timesS: readonly number[];
}

/**
 * Returns the marks of a time axis. They are at round times of the user's time zone. An axis that is longer than the
 * shortest step has at least one mark.
 * @param px the length of the axis
 * @param stepMinS the minimum distance between two marks; for bars, the distance between two bars
 */
export function timeMarks({ fromS, toS }: Zoom, px: number, stepMinS = 1): TimeMarks {
  const spanS = toS - fromS;
  const wantedS = Math.max(stepMinS, spanS / Math.max(1, Math.floor(px / TIME_PX)));
  const longestS = TIME_STEPS_S.findLast((stepS) => stepS <= spanS) ?? 1;
  const stepS = Math.max(stepMinS, Math.min(TIME_STEPS_S.find((step) => step >= wantedS) ?? longestS, longestS));
  const zoneS = new Date(fromS * 1_000).getTimezoneOffset() * 60;
  const firstS = Math.ceil((fromS - zoneS) / stepS) * stepS + zoneS;
  const count = Math.max(0, Math.floor((toS - firstS) / stepS) + 1);
  return { stepS, timesS: Array.from({ length: count }, (_, at) => firstS + at * stepS) };
}

/** Returns the marks of a value axis that begins at 0. The distance between two marks is a round number. */
export function valueMarks(most: number, px: number): number[] {
  const wanted = (most * VALUE_PX) / Math.max(px, VALUE_PX);
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = ([1, 2, 5].find((factor) => factor * power >= wanted) ?? 10) * power;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, at) => at * step);
}
