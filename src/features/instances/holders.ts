/**
 * Gives the lock engine the data of the instances that hold or request claims: when they were last seen, their parents
 * and their checkouts. All data comes from the directory of instances. Pure.
 */
import type { Applicant } from "../claims/contention.js";
import type { Holders } from "../claims/expiry.js";
import type { Directory } from "./directory.js";
import { lastSeenAt } from "./entry.js";

/** Returns an instance as an applicant for a claim. If no instance has this id, the applicant's id is "". */
export function applicantOf(directory: Directory, id: string): Applicant {
  const entry = directory.get(id);
  if (entry === undefined) return { holder: "", parent: null, checkout: null };
  return { holder: id, parent: entry.parent, checkout: entry.checkout?.id ?? null };
}

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
