/** Joins the changed line ranges of a file until there are few enough for a report. Pure; runs in the CLI process. */
import type { LineRange } from "./diff-output.js";

/** Returns the number of unchanged lines between two neighbouring ranges. */
function gapOf([, to]: LineRange, [from]: LineRange): number {
  return from - to - 1;
}

/**
 * Joins neighbouring ranges until at most `most` are left. The smallest gaps are closed first, so that few unchanged
 * lines count as changed. Among equal gaps, the first one is closed first.
 * @param ranges in ascending order
 */
export function joinRanges(ranges: readonly LineRange[], most: number): LineRange[] {
  if (ranges.length <= most) return [...ranges];
  const gaps = ranges.slice(1).map((range, at) => ({ at, gap: gapOf(ranges[at] ?? range, range) }));
  const closed = new Set(
    gaps
      .toSorted((a, b) => a.gap - b.gap || a.at - b.at)
      .slice(0, ranges.length - most)
      .map(({ at }) => at),
  );
  const joined: LineRange[] = [];
  for (const [at, range] of ranges.entries()) {
    const last = joined.at(-1);
    if (last !== undefined && closed.has(at - 1)) joined[joined.length - 1] = [last[0], Math.max(last[1], range[1])];
    else joined.push(range);
  }
  return joined;
}
