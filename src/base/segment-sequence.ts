/**
 * Matches the segments of a glob against the segments of a path or a topic. A null segment of the glob stands for `**`
 * and matches any number of segments. Pure, any thread.
 *
 * After a mismatch, the search backtracks only to the last `**`, which then takes one more segment. An earlier `**`
 * need not take more, because the last one can take every segment that the earlier one would leave to it. So the number
 * of comparisons is at most the number of path segments times the number of glob segments.
 */

export interface SegmentMatcher {
  matches(segment: string): boolean;
}

/**
 * Returns whether the glob matches the whole path.
 * @param manyMin the minimum number of segments that a `**` takes: 1 in topic patterns, 0 in globs of files
 */
export function matchSegments(
  glob: readonly (SegmentMatcher | null)[],
  path: readonly string[],
  manyMin: 0 | 1,
): boolean {
  let globAt = 0;
  let at = 0;
  /** The index of the last `**` in the glob, and the offset in the path at which the segments that it takes end. */
  let manyAt = -1;
  let manyEnd = 0;
  while (at < path.length) {
    const segment = glob[globAt];
    if (segment === null) {
      manyAt = globAt++;
      at += manyMin;
      manyEnd = at;
    } else if (segment !== undefined && segment.matches(path[at] as string)) {
      globAt++;
      at++;
    } else if (manyAt >= 0) {
      at = ++manyEnd;
      globAt = manyAt + 1;
    } else {
      return false;
    }
  }
  if (manyMin === 0) while (glob[globAt] === null) globAt++;
  return globAt === glob.length;
}
