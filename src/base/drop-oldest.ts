/**
 * Drops the oldest entry of a map if the map has more than `most` entries. The oldest is the one that was inserted
 * first. Pure but for the map.
 */
export function dropOldest<Key>(map: Map<Key, unknown>, most: number): void {
  if (map.size <= most) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
