/**
 * The kind of records for events. Events keep their ids, so that subscribers can continue from their cursors after a
 * restore.
 */
import { COUNTED, JSON_VALUE, rowKind, TEXT, TIME } from "./rows.js";

export const EVENT_KIND = rowKind({
  name: "event",
  table: "event",
  columns: { id: COUNTED, topic: TEXT, created_at: TIME, source: TEXT, data: JSON_VALUE },
  order: "id",
  timed: "created_at",
});
