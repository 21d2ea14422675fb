/** Formats points in time relative to now, for people: `3m ago`, `in 2h`. Pure; runs in the CLI process. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../shared/duration.js";

/** Matches the points in time in answers of the server. */
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

/** The units, from the largest down: the length in ms and the letter. */
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

/** Formats a timestamp as its distance from now, in the largest whole unit. Less than a second is `now`. */
export function formatRelativeTime(timestamp: string, nowMs: number): string {
  const distanceMs = Date.parse(timestamp) - nowMs;
  const lengthMs = Math.abs(distanceMs);
  const unit = UNITS.find(([ms]) => lengthMs >= ms);
  if (unit === undefined) return "now";
  const count = `${Math.floor(lengthMs / unit[0])}${unit[1]}`;
  return distanceMs < 0 ? `${count} ago` : `in ${count}`;
}
