/** A point in time: how long ago it was, the whole of it on hover, in the viewer's zone. */
import { now_ms } from "../base/clock.js";
import { ago, clockTime, fullTime } from "../base/format.js";

interface TimeProps {
  /** RFC 3339, as the API gives it. */
  readonly at: string;
  /** `ago`: 3 min ago; `clock`: 14:02:11. */
  readonly as?: "ago" | "clock";
}

export function Time({ at, as = "ago" }: TimeProps) {
  const ms = Date.parse(at);
  return (
    <time dateTime={at} title={fullTime(ms)}>
      {as === "ago" ? ago(ms, now_ms.value) : clockTime(ms, now_ms.value)}
    </time>
  );
}
