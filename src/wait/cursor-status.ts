/**
 * Checks whether all events after a cursor are still stored. They may have been pruned, or the cursor may belong to
 * another history. Pure.
 */
import type { EventReader } from "../events/table.js";
import type { Cursor } from "./cursor.js";

/**
 * The status of a cursor. `here`: all events after it are stored. `pruned`: some events after it are no longer stored.
 * `elsewhere`: the cursor belongs to another history, for example because a snapshot was restored.
 */
export type CursorStatus = "here" | "pruned" | "elsewhere";

export function cursorStatusOf({ event, event_at }: Cursor, stored: EventReader): CursorStatus {
  const published_at = stored.timeOf(event);
  if (published_at !== undefined) return published_at === event_at ? "here" : "elsewhere";
  if (event > stored.last_id) return "elsewhere";
  return event + 1 < stored.first_id ? "pruned" : "here";
}
