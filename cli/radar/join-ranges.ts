/** Reduces the number of a file's line ranges to the maximum that a report may have. Pure; runs in the CLI process. */
import type { LineRange } from "./diff-output.js";

/** Returns the number of unchanged lines between two neighbouring ranges. */
function gapOf([, to]: LineRange, [from]: LineRange): number {
  return from - to - 1;
}

/**
 * Joins neighbouring ranges until at most `most` are left. Closes the smallest gaps first, so that as few unchanged
 * lines as possible count as changed. Of equal gaps, closes the first one first.
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
