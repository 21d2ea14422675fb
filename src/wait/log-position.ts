/**
 * How far a cluster's log was where a cursor was given out: kept among its marks, under the log's own name. Who goes on
 * at a node that lags is served there when it has come so far, so they are neither told again what they know nor that
 * something was lost. To another log, and to a server alone, it says nothing. Pure.
 */
import { type Cursor, nameOf } from "./cursor.js";

const RADIX = 36;
const MARK = /^[0-9a-z]{1,11}$/;

/** How far this log has to have come for a cursor to say something here; 0 where it does not know the log. */
export function logPositionIn(log: string, { marks }: Cursor): number {
  const mark = marks.get(nameOf(log)) ?? "";
  return MARK.test(mark) ? Number.parseInt(mark, RADIX) : 0;
}

/** The cursor as it is given out where the log is at this position. */
export function withLogPosition(log: string, position: number, cursor: Cursor): Cursor {
  return { ...cursor, marks: new Map(cursor.marks).set(nameOf(log), position.toString(RADIX)) };
}
