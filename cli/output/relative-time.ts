/** Formats durations (`3m`), and times relative to now (`3m ago`, `in 2h`), for people. Pure. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../shared/duration.js";

/** Matches the timestamps in answers of the server. */
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

/** The units in descending order: their length in ms, and their letter. */
const UNITS: readonly (readonly [ms: number, letter: string])[] = [
  [365 * DAY_MS, "y"],
  [DAY_MS, "d"],
  [HOUR_MS, "h"],
  [MINUTE_MS, "m"],
  [SECOND_MS, "s"],
];

export function isTimestamp(text: string): boolean {
  return TIMESTAMP.test(text) && !Number.isNaN(Date.parse(text));
}

/**
 * Formats a duration in at most four characters: `7s`, `119s`, `2m`, `3h`, `20d`. Uses the largest unit of which the
 * duration has at least two. A negative duration counts as zero.
 */
export function formatLength(ms: number): string {
  const [unitMs, letter] = UNITS.find(([lengthMs]) => ms >= 2 * lengthMs) ?? [SECOND_MS, "s"];
  return `${Math.floor(Math.max(0, ms) / unitMs)}${letter}`;
}

/** Formats a timestamp relative to now. It is `now` if the difference is less than a second. */
export function formatRelativeTime(timestamp: string, nowMs: number): string {
  const distanceMs = Date.parse(timestamp) - nowMs;
  const lengthMs = Math.abs(distanceMs);
  if (lengthMs < SECOND_MS) return "now";
  return distanceMs < 0 ? `${formatLength(lengthMs)} ago` : `in ${formatLength(lengthMs)}`;
}
