/**
 * Durations as flags write them: `500ms`, `90s`, `10m`, `1h30m`, `1.5h`. Pure; runs in the command line's process.
 * The server reads the durations of its settings in the same form; its reader cannot be had here, since the command
 * line stands on the schemas alone.
 */
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const DURATION = /^(?:\d{1,9}(?:\.\d{1,9})?(?:ms|s|m|h))+$/;
const TERM = /([\d.]+)(ms|s|m|h)/g;

/** Milliseconds; undefined where the text is no duration. */
export function parseDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let total_ms = 0;
  for (const [, count = "", unit = ""] of text.matchAll(TERM)) total_ms += Number(count) * (UNIT_MS[unit] ?? 0);
  return Math.round(total_ms);
}

/** `1h30m`, `90s` as `1m30s`, for messages. */
export function formatDuration(ms: number): string {
  if (ms % 1_000 !== 0) return `${ms / 1_000}s`;
  const parts = [
    [Math.floor(ms / 3_600_000), "h"],
    [Math.floor(ms / 60_000) % 60, "m"],
    [Math.floor(ms / 1_000) % 60, "s"],
  ] as const;
  return parts.map(([count, unit]) => (count === 0 ? "" : `${count}${unit}`)).join("") || "0s";
}

/** Whole seconds, as the server counts them; a part of one counts as one. */
export function wholeSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.ceil(ms / 1_000);
}
