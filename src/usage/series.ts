/**
 * Encodes the series of a summary, with one entry for each hour or day. It also enforces the limits of an answer.
 * table.ts computes the sums. Pure.
 */
import { USAGE_SERIES_INTERVALS_MAX, USAGE_SERIES_SUMS_MAX } from "../../schemas/limits/usage.js";
import type { UsageInterval } from "../../schemas/usage.js";
import { invalid, type Failure } from "../base/result.js";
import { formatTime } from "../base/time.js";
import { encodeGroups, type GroupTotals } from "./totals.js";

/** The totals of one group in one interval, which begins at `start_ms`. */
export interface IntervalTotals {
  readonly start_ms: number;
  readonly group: GroupTotals;
}

/**
 * Returns the series as `[{"from","groups"}]`. If it would be too long, returns a 400 that says how to make it shorter.
 * @param sums the sums ordered by interval
 */
export function encodeSeries(sums: readonly IntervalTotals[], interval: UsageInterval): string | Failure {
  const intervals = new Map<number, GroupTotals[]>();
  for (const { start_ms, group } of sums) {
    const groups = intervals.get(start_ms);
    if (groups === undefined) intervals.set(start_ms, [group]);
    else groups.push(group);
  }
  const instead = interval === "hour" ? "take a larger interval or a smaller range" : "take a smaller range";
  if (intervals.size > USAGE_SERIES_INTERVALS_MAX)
    return invalid(`the series would have more than ${USAGE_SERIES_INTERVALS_MAX} ${interval}s with usage: ${instead}`);
  if (sums.length > USAGE_SERIES_SUMS_MAX)
    return invalid(`the series would have more than ${USAGE_SERIES_SUMS_MAX} sums of groups: ${instead}`);
  const entries = [...intervals].map(
    ([start_ms, groups]) => `{"from":"${formatTime(start_ms)}","groups":${encodeGroups(groups)}}`,
  );
  return `[${entries.join(",")}]`;
}
