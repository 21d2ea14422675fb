/** Tells claims when their holders were last seen. The times come from the directory of instances. Pure. */
import type { Holders } from "../claims/expiry.js";
import { type Directory, lastSeenAt } from "./directory.js";

export function holdersOf(directory: Directory): Holders {
  return {
    lastSeenOf: (id, nowMs) => {
      const entry = directory.get(id);
      return entry === undefined ? 0 : lastSeenAt(entry, nowMs);
    },
    watch: (id, watched) => {
      const entry = directory.get(id);
      if (entry !== undefined) entry.watched = watched;
    },
  };
}
