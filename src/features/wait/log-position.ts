/**
 * Stores a position in the log of a cluster in a cursor. The position is a mark under the name of the log. If the
 * client then calls a node that lags behind, the node first waits until it has reached the position. So the client does
 * not get old reports again, and the node does not mistake the cursor for one from another history.
 *
 * Nodes of another log, and single servers, ignore the mark. Pure.
 */
import { type Cursor, nameOf } from "./cursor.js";

const RADIX = 36;
const MARK = /^[0-9a-z]{1,11}$/;

/**
 * Returns the position in this log that a node must reach before it uses the cursor. Returns 0 if the cursor has none.
 */
export function logPositionIn(log: string, { marks }: Cursor): number {
  const mark = marks.get(nameOf(log)) ?? "";
  return MARK.test(mark) ? Number.parseInt(mark, RADIX) : 0;
}

/** Adds the current position of a log to a cursor. */
export function withLogPosition(log: string, position: number, cursor: Cursor): Cursor {
  return { ...cursor, marks: new Map(cursor.marks).set(nameOf(log), position.toString(RADIX)) };
}
