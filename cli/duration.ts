/**
 * Parses and formats durations of flags: `500ms`, `90s`, `10m`, `1h30m`, `1.5h`. The server's settings have the same
 * format, but the server's parser cannot be imported here, because the command line depends only on the schemas. Pure;
 * runs in the CLI process.
 */
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const DURATION = /^(?:\d{1,9}(?:\.\d{1,9})?(?:ms|s|m|h))+$/;
const TERM = /([\d.]+)(ms|s|m|h)/g;

/** Returns the duration in milliseconds; undefined if the text is not a duration. */
export function parseDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let total_ms = 0;
  for (const [, count = "", unit = ""] of text.matchAll(TERM)) total_ms += Number(count) * (UNIT_MS[unit] ?? 0);
  return Math.round(total_ms);
}

/** Formats a duration for messages, in the largest units: `1h30m`, and `1m30s` for 90 seconds. */
export function formatDuration(ms: number): string {
  if (ms % 1_000 !== 0) return `${ms / 1_000}s`;
  const parts = [
    [Math.floor(ms / 3_600_000), "h"],
    [Math.floor(ms / 60_000) % 60, "m"],
    [Math.floor(ms / 1_000) % 60, "s"],
  ] as const;
  return parts.map(([count, unit]) => (count === 0 ? "" : `${count}${unit}`)).join("") || "0s";
}

/** Converts milliseconds to whole seconds, which is the server's unit. Rounds up. */
export function wholeSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.ceil(ms / 1_000);
}
