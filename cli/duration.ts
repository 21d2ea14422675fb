/** Parses durations in flags: `500ms`, `90s`, `10m`, `1h30m`, `1.5h`. Pure; runs in the CLI process. */
import { parseDuration, SECOND_MS } from "../shared/duration.js";

/** Matches a duration in a flag. The settings accept more forms, such as `.5s`, `+5s` and `100us`. */
const FLAG_DURATION = /^(?:\d{1,9}(?:\.\d{1,9})?(?:ms|s|m|h))+$/;

/** Converts a duration to whole milliseconds; undefined if the text is not a valid duration. */
export function parseFlagDuration(text: string): number | undefined {
  const ms = FLAG_DURATION.test(text) ? parseDuration(text) : undefined;
  return ms === undefined ? undefined : Math.round(ms);
}

/** Converts milliseconds to seconds, the unit of the server's times. Rounds up. */
export function wholeSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.ceil(ms / SECOND_MS);
}
