/** Drops the entry that was put into a map longest ago, where there are more than `most`. Pure but for the map. */
export function dropOldest<Key>(map: Map<Key, unknown>, most: number): void {
  if (map.size <= most) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
