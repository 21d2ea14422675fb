/** Groups items, so that the same problem of many agents is one row. Pure. */

/** Items that have the same cause. There is at least one. */
export type Repeats<T> = readonly [T, ...T[]];

/**
 * Groups items for which `sameOf` returns the same text. The items of a group keep their order. The groups are in the
 * order of their first items.
 */
export function repeatsOf<T>(items: readonly T[], sameOf: (item: T) => string): Repeats<T>[] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const same = sameOf(item);
    const group = groups.get(same);
    if (group === undefined) groups.set(same, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

/** Returns the earliest of some times, which are in RFC 3339. */
export function earliest(times: Repeats<string>): string {
  return times.reduce((first, time) => (Date.parse(time) < Date.parse(first) ? time : first));
}
