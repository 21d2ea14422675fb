/** Tells the claims when the holder of a claim was last seen, by the directory of instances. Pure. */
import type { Holders } from "../claims/expiry.js";
import { type Directory, lastSeenAt } from "./directory.js";

export function holdersOf(directory: Directory): Holders {
  return {
    lastSeenOf: (id, now_ms) => {
      const entry = directory.get(id);
      return entry === undefined ? 0 : lastSeenAt(entry, now_ms);
    },
    watch: (id, watched) => {
      const entry = directory.get(id);
      if (entry !== undefined) entry.watched = watched;
    },
  };
}
