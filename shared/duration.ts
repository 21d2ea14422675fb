/**
 * Parses and formats durations in Go's style, such as `1h30m`. Flags, settings files and `uptime` contain such
 * durations. The caller checks the range of a duration. Pure: server, command line and dashboard use it.
 *
 * No library is used. Like Go, the parser adds up several terms, and rejects weeks and unknown words. The library
 * parse-duration accepts weeks and skips unknown words, and the library ms accepts only one term.
 */

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

const NS_PER_MS = 1_000_000n;
/**
 * The largest duration that Go's time.Duration can hold, in ns: 2^63 - 1, about 292 years. The limit also keeps the
 * result exact.
 */
const DURATION_NS_MAX = 9_223_372_036_854_775_807n;
/**
 * The maximum length of the text of a duration, in characters. No sensible duration is longer. The limit also keeps the
 * arithmetic on the digits short.
 */
const DURATION_TEXT_CHARS_MAX = 64;

/**
 * The length of each unit in ns. The values are literals, so that the bundler can remove this table from the
 * dashboard's scripts, which do not parse durations. The bundler would keep a computed value.
 */
const UNIT_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  "\u00b5s": 1_000n,
  "\u03bcs": 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const TERM = /(\d*)(?:\.(\d*))?(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/y;

/**
 * Parses a duration such as `500ms`, `90s`, `1h30m` or `1.5h`. Returns milliseconds, with a fraction if the duration
 * has a part below 1 ms. Returns undefined if the text is malformed, negative, or beyond the range of Go.
 */
export function parseDuration(text: string): number | undefined {
  if (text.length > DURATION_TEXT_CHARS_MAX) return undefined;
  let at = text.startsWith("+") ? 1 : 0;
  let totalNs = 0n;
  do {
    TERM.lastIndex = at;
    const term = TERM.exec(text);
    if (term === null) return undefined;
    const whole = term[1] ?? "";
    const fraction = term[2] ?? "";
    const unitNs = UNIT_NS[term[3] ?? ""];
    if (unitNs === undefined || whole.length + fraction.length === 0) return undefined;
    // Add whole nanoseconds, because floating point would not be exact: "1.1h" is exactly 3 960 000 ms.
    totalNs += (BigInt(whole + fraction) * unitNs) / 10n ** BigInt(fraction.length);
    at = TERM.lastIndex;
  } while (at < text.length);
  if (totalNs > DURATION_NS_MAX) return undefined;
  // Convert the whole milliseconds and the remainder separately, because a number cannot hold the nanoseconds of a year
  // exactly.
  return Number(totalNs / NS_PER_MS) + Number(totalNs % NS_PER_MS) / Number(NS_PER_MS);
}

/** Splits a duration into whole hours, minutes and seconds. The rest below a second is dropped. */
function splitDuration(ms: number): readonly [hours: number, minutes: number, seconds: number] {
  return [Math.floor(ms / HOUR_MS), Math.floor(ms / MINUTE_MS) % 60, Math.floor(ms / SECOND_MS) % 60];
}

/** Formats a duration as `45s`, `2m5s` or `3h24m10s`. Seconds are rounded down. A negative `ms` counts as zero. */
export function formatUptime(ms: number): string {
  const [hours, minutes, seconds] = splitDuration(Math.max(0, ms));
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}

/** Formats a duration for messages, for example as `1m30s`. Parts that are zero are left out (`1h`, not `1h0m0s`). */
export function formatDuration(ms: number): string {
  if (ms % SECOND_MS !== 0) return `${ms / SECOND_MS}s`;
  const [hours, minutes, seconds] = splitDuration(ms);
  const parts = [
    hours === 0 ? "" : `${hours}h`,
    minutes === 0 ? "" : `${minutes}m`,
    seconds === 0 ? "" : `${seconds}s`,
  ];
  return parts.join("") || "0s";
}
