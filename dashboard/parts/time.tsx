/** Shows a point in time, relative to now or as a clock time. The tooltip has the full time in the user's time zone. */
import { nowMs } from "../base/clock.js";
import { ago, ahead, clockTime, fullTime } from "../base/format.js";

/** The formats: `ago` is "3 min ago", `ahead` is "in 3 min", and `clock` is "14:02:11". */
const WORDS = { ago, ahead, clock: clockTime } as const;

interface TimeProps {
  /** The time in RFC 3339, as the API returns it. */
  readonly at: string;
  readonly as?: keyof typeof WORDS;
}

export function Time({ at, as = "ago" }: TimeProps) {
  const ms = Date.parse(at);
  return (
    <time dateTime={at} title={fullTime(ms)}>
      {WORDS[as](ms, nowMs.value)}
    </time>
  );
}
