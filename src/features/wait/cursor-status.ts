/**
 * Finds out whether all events after a cursor are still stored. Some may have been pruned, or the cursor may belong to
 * another history. Pure.
 */
import type { EventReader } from "../events/table.js";
import type { Cursor } from "./cursor.js";

/**
 * The status of a cursor. `here`: all events after it are still stored. `pruned`: some events after it are no longer
 * stored. `elsewhere`: the cursor belongs to another history, for example because a snapshot was restored.
 */
export type CursorStatus = "here" | "pruned" | "elsewhere";

export function cursorStatusOf({ event, eventAt }: Cursor, stored: EventReader): CursorStatus {
  const publishedAt = stored.timeOf(event);
  if (publishedAt !== undefined) return publishedAt === eventAt ? "here" : "elsewhere";
  if (event > stored.lastId) return "elsewhere";
  return event + 1 < stored.firstId ? "pruned" : "here";
}
