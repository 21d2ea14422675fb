/**
 * Formats some settings as one text, so that nodes can compare them. These settings must be equal on every node. They
 * decide which data is stored. The text also says whether this build of SQLite can store a text with a NUL. Runs in the
 * writer thread.
 */
import type { StoreSettings } from "../../schemas/config.js";
import type { Db } from "../platform/store/open.js";
import { sqliteCode, TEXT_NOT_KEPT } from "../platform/store/sqlite/codes.js";

export function settingsOf({ state_history, state_events, event_history }: StoreSettings, db: Db): string {
  return (
    `--state-history ${state_history} --state-events=${state_events} --event-history ${event_history}` +
    (keepsNul(db) ? "" : ", an SQLite that refuses texts with a NUL")
  );
}

function keepsNul(db: Db): boolean {
  try {
    return db.prepare<[string], string>("SELECT ?").pluck().get("a\0b") === "a\0b";
  } catch (error) {
    if (sqliteCode(error) === TEXT_NOT_KEPT) return false;
    throw error;
  }
}
