/**
 * Whether the events behind a cursor are all there: they may have been pruned, or be those of another history. Pure.
 */
import type { EventReader } from "../events/table.js";
import type { Cursor } from "./cursor.js";

/**
 * `pruned`: some are not there any more. `elsewhere`: the cursor is of another history, which a restore has brought.
 */
export type CursorStatus = "here" | "pruned" | "elsewhere";

export function cursorStatusOf({ event, event_at }: Cursor, stored: EventReader): CursorStatus {
  const published_at = stored.timeOf(event);
  if (published_at !== undefined) return published_at === event_at ? "here" : "elsewhere";
  if (event > stored.last_id) return "elsewhere";
  return event + 1 < stored.first_id ? "pruned" : "here";
}
