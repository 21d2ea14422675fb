/** The range of the story view, and the chosen time in it. Both are stored in the query of the page's address. Pure. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../shared/duration.js";
import { timeIn } from "../../base/local-time.js";

export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The length of the default range, in ms. It is shorter than the day for which the server keeps leases that have ended.
 */
const RANGE_MS = 12 * HOUR_MS;
/** If the address has a time but no range, the page shows this much before and after the time, in ms. */
const AROUND_MS = 30 * MINUTE_MS;

/**
 * Returns the range in an address. If it has no end, it ends now. If it has neither an end nor a start, it is the last
 * 12 hours, or the time around `at`. An empty range is replaced by the 12 hours before its end.
 */
export function rangeIn(query: Readonly<Record<string, string>>, nowMs: number): Range {
  const [from, to, at] = [timeIn(query["from"]), timeIn(query["to"]), timeIn(query["at"])];
  const around = from === "" && to === "" && at !== "" ? Date.parse(at) : null;
  const end = around === null ? (to === "" ? nowMs : Date.parse(to)) : around + AROUND_MS;
  const toMs = Math.min(end, nowMs);
  const start = around === null ? (from === "" ? toMs - RANGE_MS : Date.parse(from)) : around - AROUND_MS;
  return { fromMs: start < toMs ? start : toMs - RANGE_MS, toMs };
}

/** Returns the chosen time in ms. If the address has none within the range, returns the end of the range. */
export function chosenIn(query: Readonly<Record<string, string>>, { fromMs, toMs }: Range): number {
  const at = Date.parse(timeIn(query["at"]));
  return at >= fromMs && at <= toMs ? at : toMs;
}

/** Returns the position of a time in the range, as a percentage. */
export function percentOf(atMs: number, { fromMs, toMs }: Range): number {
  return ((atMs - fromMs) / (toMs - fromMs)) * 100;
}

/** The possible distances between two marks on a time axis, in ms. */
const STEPS_MS = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * 1_000),
  ...[1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720].map((minutes) => minutes * MINUTE_MS),
  ...[1, 2, 7, 30].map((days) => days * DAY_MS),
];
/** The maximum number of steps between the marks of an axis. */
const DISTANCES_MAX = 6;

/** Returns the times of the marks on an axis, and the distance between them. Both are in ms. */
export function ticksOf({ fromMs, toMs }: Range): { readonly stepMs: number; readonly ticks: readonly number[] } {
  const stepMs =
    STEPS_MS.find((step) => (toMs - fromMs) / step <= DISTANCES_MAX) ?? Math.ceil((toMs - fromMs) / DISTANCES_MAX);
  // The marks are at full units in the user's time zone.
  const offsetMs = new Date(toMs).getTimezoneOffset() * MINUTE_MS;
  const first = Math.ceil((fromMs - offsetMs) / stepMs) * stepMs + offsetMs;
  const ticks: number[] = [];
  for (let at = first; at <= toMs; at += stepMs) ticks.push(at);
  return { stepMs, ticks };
}
