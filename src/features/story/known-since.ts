/**
 * Finds the earliest time about which the database can answer. A request for an earlier time is rejected, because rows
 * that existed then may have been deleted since. Runs in the worker pool.
 */
import { type Failure, invalid } from "../../base/result.js";
import { formatTime } from "../../base/time.js";
import type { Db } from "../../platform/store/open.js";
import { listEntries } from "../audit/table.js";

/** The action of a restore in the audit log. */
const RESTORE = "restore";

/** Returns the time in ms of the newest restore of a snapshot; null if there was none. */
function restoredMs(db: Db): number | null {
  const all = { actor: null, action: RESTORE, from: null, to: null, before: null, limit: Number.MAX_SAFE_INTEGER };
  for (const { at, outcome } of listEntries(db, all)) if (outcome === "success") return at;
  return null;
}

/**
 * Returns the newest time in ms that was stored while the clock was ahead; null if there was none. Rows up to this time
 * are ambiguous: after the clock was set back, later rows got the same times (store/settle-times.ts).
 */
function aheadMs(db: Db): number | null {
  return db.prepare<[], number | null>("SELECT max(newest) FROM time_step").pluck().get() ?? null;
}

/**
 * Returns the earliest time in ms about which the database can answer; null if it can answer about every time. Returns
 * the failure if the requested time is earlier.
 */
export function knownSince(
  db: Db,
  { at, kept_from }: { readonly at: number; readonly kept_from: number | null },
): number | null | Failure {
  const bounds = [kept_from, restoredMs(db), aheadMs(db)].filter((bound) => bound !== null);
  const since = bounds.length === 0 ? null : Math.max(...bounds);
  return since === null || at >= since ? since : tooEarly(since);
}

/** Returns the failure for a time that is earlier than the stored data. */
export function tooEarly(sinceMs: number, what = ""): Failure {
  const since = formatTime(sinceMs);
  return invalid(`nothing is known${what} of a time before ${since}`, { since });
}
