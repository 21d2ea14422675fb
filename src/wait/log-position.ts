/**
 * Keeps in a cursor how far a cluster's log was, as a mark with the log's own name. A client that continues at a
 * lagging node is served there when the node has reached that position, so it sees neither old reports again nor a
 * false loss. Another log and a single server ignore the mark. Pure.
 */
import { type Cursor, nameOf } from "./cursor.js";

const RADIX = 36;
const MARK = /^[0-9a-z]{1,11}$/;

/**
 * The position that this log must have reached before the cursor is valid here; 0 if the cursor does not know the log.
 */
export function logPositionIn(log: string, { marks }: Cursor): number {
  const mark = marks.get(nameOf(log)) ?? "";
  return MARK.test(mark) ? Number.parseInt(mark, RADIX) : 0;
}

/** Adds the current position of a log to a cursor. */
export function withLogPosition(log: string, position: number, cursor: Cursor): Cursor {
  return { ...cursor, marks: new Map(cursor.marks).set(nameOf(log), position.toString(RADIX)) };
}
