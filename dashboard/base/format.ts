/** Formats numbers, times and sizes for people. Times are formatted for the user's locale and time zone. Pure. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../shared/duration.js";

const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const DAY = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const HOUR = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const COUNT = new Intl.NumberFormat("en");
const DOLLARS = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const SMALL = new Intl.NumberFormat("en", { maximumSignificantDigits: 2, minimumSignificantDigits: 2 });
const TWO_DIGITS = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** Formats a date and time in full, in the user's time zone. */
export function fullTime(ms: number): string {
  return FULL.format(ms);
}

/** Formats the time of day as `14:02:11`. If it is not today, adds the date. */
export function clockTime(ms: number, nowMs: number): string {
  const today = new Date(ms).toDateString() === new Date(nowMs).toDateString();
  return today ? CLOCK.format(ms) : `${DAY.format(ms)} ${CLOCK.format(ms)}`;
}

/**
 * Formats a label of a chart's time axis, such as `14:00`. If the labels are close together, it has seconds. At
 * midnight, or if the labels are far apart, it is the date.
 * @param atS seconds since the epoch
 * @param stepS seconds between two labels
 */
export function axisTime(atS: number, stepS: number): string {
  const at = new Date(atS * 1_000);
  const beginsDay = at.getHours() === 0 && at.getMinutes() === 0 && at.getSeconds() === 0;
  if (stepS * 1_000 >= DAY_MS || beginsDay) return DAY.format(at);
  return stepS * 1_000 < MINUTE_MS ? CLOCK.format(at) : HOUR.format(at);
}

/** Formats a duration with its largest unit: `4 s`, `12 min`, `3 h`, `5 d`. */
export function duration(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.max(0, Math.floor(ms / SECOND_MS))} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < DAY_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  return `${Math.floor(ms / DAY_MS)} d`;
}

/** Formats a time in the past, relative to now: `just now`, `12 min ago`. */
export function ago(ms: number, nowMs: number): string {
  const passed = nowMs - ms;
  return passed < 2 * SECOND_MS ? "just now" : `${duration(passed)} ago`;
}

/** Formats a time in the future, relative to now: `in 12 min`; `now` if less than a second is left. */
export function ahead(ms: number, nowMs: number): string {
  const left = ms - nowMs;
  return left < SECOND_MS ? "now" : `in ${duration(left)}`;
}

/** Formats an integer: `1,234`. */
export function count(value: number): string {
  return COUNT.format(value);
}

/** Formats a number in short form: `1.2K`. */
export function compact(value: number): string {
  return COMPACT.format(value);
}

/** Formats a size in bytes: `1.2 MB`. */
export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let at = 0;
  let rest = value;
  // A value that would be rounded to 1000 is shown as 1.0 of the next larger unit instead.
  while (rest >= 999.5 && at < units.length - 1) {
    rest /= 1000;
    at += 1;
  }
  return `${at > 0 ? twoDigits(rest) : Math.round(rest)} ${units[at]}`;
}

/** Formats US dollars: `$0.0042`, `$12.40`. */
export function dollars(value: number): string {
  if (value === 0) return "$0";
  if (value >= 0.0995) return `$${DOLLARS.format(value)}`;
  return value < 0.000_01 ? "under $0.00001" : `$${SMALL.format(value)}`;
}

/** Formats a number with two significant digits; from 100 on, as an integer. Never uses an exponent. */
function twoDigits(value: number): string {
  return value >= 99.5 ? COUNT.format(Math.round(value)) : TWO_DIGITS.format(value);
}

/** Formats a number of seconds with a suitable unit: `240 µs`, `3.1 ms`, `120 ms`, `1.2 s`. */
export function seconds(value: number): string {
  if (value === 0) return "0 s";
  if (value < 0.000_999_5) return `${twoDigits(value * 1e6)} µs`;
  return value < 0.9995 ? `${twoDigits(value * 1e3)} ms` : `${twoDigits(value)} s`;
}

/** Formats a rate per second: `0.2/s`, `12/s`, `1.2K/s`. */
export function perSecond(value: number): string {
  return `${value < 1000 ? twoDigits(value) : compact(value)}/s`;
}

/** Formats a fraction as a percentage: `0.4 %`, `12 %`. */
export function share(value: number): string {
  return `${twoDigits(value * 100)} %`;
}

/** Formats a count together with its noun: `1 event`, `3 events`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
