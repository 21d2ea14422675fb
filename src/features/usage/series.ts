/**
 * Encodes the series of a summary, which has one entry for each hour or day. Rejects a series that is too long for an
 * answer. table.ts computes the sums. Pure.
 */
import { LIST_BYTES_MAX } from "../../../schemas/limits/answers.js";
import { USAGE_SERIES_INTERVALS_MAX, USAGE_SERIES_SUMS_MAX } from "../../../schemas/limits/usage.js";
import type { UsageInterval } from "../../../schemas/usage.js";
import { invalid, type Failure } from "../../base/result.js";
import { formatTime } from "../../base/time.js";
import { encodeGroup, type GroupTotals } from "./totals.js";

/** The totals of one group in one interval, which begins at `start_ms`. */
export interface IntervalTotals {
  readonly start_ms: number;
  readonly group: GroupTotals;
}

/**
 * Returns the series as `[{"from","groups"}]`. If it is too long for an answer, returns a 400 that says how to make it
 * shorter.
 * @param sums the sums, sorted by interval; reading stops as soon as the series is too long
 */
export function encodeSeries(
  sums: Iterable<IntervalTotals>,
  interval: UsageInterval,
  bytesMax = LIST_BYTES_MAX,
): string | Failure {
  const instead = interval === "hour" ? "take a larger interval or a smaller range" : "take a smaller range";
  const tooLong = (bound: string): Failure => invalid(`the series would have more than ${bound}: ${instead}`);
  const pieces: string[] = [];
  let start: number | undefined;
  let intervals = 0;
  let count = 0;
  let bytes = 0;
  for (const { start_ms, group } of sums) {
    let piece = ",";
    if (start_ms !== start) {
      start = start_ms;
      intervals += 1;
      piece = `${intervals === 1 ? "" : "}},"}{"from":"${formatTime(start_ms)}","groups":{`;
    }
    piece += encodeGroup(group);
    count += 1;
    bytes += Buffer.byteLength(piece);
    if (intervals > USAGE_SERIES_INTERVALS_MAX) return tooLong(`${USAGE_SERIES_INTERVALS_MAX} ${interval}s with usage`);
    if (count > USAGE_SERIES_SUMS_MAX) return tooLong(`${USAGE_SERIES_SUMS_MAX} sums of groups`);
    if (bytes > bytesMax) return tooLong(`${bytesMax} bytes`);
    pieces.push(piece);
  }
  return `[${pieces.join("")}${intervals === 0 ? "" : "}}"}]`;
}
