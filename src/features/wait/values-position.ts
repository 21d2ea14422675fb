/**
 * Stores the position of values in a cursor, as a mark. It has the newest rows of state, specs and the audit log. So a
 * later call can wait for changes of any key since then, even if no earlier call named the key. Pure.
 */
import { type Cursor, nameOf } from "./cursor.js";

/** The ids of the newest rows in three tables: state, specs and the audit log. */
export interface ValuesPosition {
  readonly state: number;
  readonly spec: number;
  readonly audit: number;
}

const RADIX = 36;
const NUMBER = "([0-9a-z]{1,10})";
const MARK = new RegExp(`^${NUMBER}\\.${NUMBER}\\.${NUMBER}$`);
const NAME = nameOf("values");

/** Returns the position of values in a cursor; null if the cursor has none. */
export function readValuesPosition({ marks }: Cursor): ValuesPosition | null {
  const found = MARK.exec(marks.get(NAME) ?? "");
  if (found === null) return null;
  const [state = 0, spec = 0, audit = 0] = found.slice(1).map((text) => Number.parseInt(text, RADIX));
  return { state, spec, audit };
}

export function withValuesPosition({ state, spec, audit }: ValuesPosition, cursor: Cursor): Cursor {
  const mark = [state, spec, audit].map((id) => id.toString(RADIX)).join(".");
  return { ...cursor, marks: new Map(cursor.marks).set(NAME, mark) };
}
