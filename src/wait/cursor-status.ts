/**
 * Checks whether all events after a cursor are still stored. They may have been pruned, or the cursor may be of another
 * history. Pure.
 */
import type { EventReader } from "../events/table.js";
import type { Cursor } from "./cursor.js";

/**
 * `pruned`: some events are not stored any more. `elsewhere`: the cursor is of another history, for example because a
 * snapshot was restored.
 */
export type CursorStatus = "here" | "pruned" | "elsewhere";

export function cursorStatusOf({ event, event_at }: Cursor, stored: EventReader): CursorStatus {
  const published_at = stored.timeOf(event);
  if (published_at !== undefined) return published_at === event_at ? "here" : "elsewhere";
  if (event > stored.last_id) return "elsewhere";
  return event + 1 < stored.first_id ? "pruned" : "here";
}
