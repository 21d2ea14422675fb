/**
 * The cursor of a wait: a text that the client keeps between two calls. So the server keeps no state for a client, and
 * loses nothing at a restart. The cursor has the id of an event. That event and all earlier ones count as reported. The
 * cursor also has a mark for each condition, which says what was reported.
 *
 * Cursors are parsed strictly, because a client may send a forged one. A cursor contains only data that the client has
 * already received. Pure.
 */
import { WAIT_CONDITIONS_MAX, WAIT_MARK_CHARACTERS_MAX } from "../../../schemas/limits/wait.js";
import { sha256 } from "../../base/crypto.js";

export interface Cursor {
  /** The id of an event. This event and all earlier ones count as reported. It is 0 if there were no events. */
  readonly event: number;
  /**
   * The time at which that event was published, in ms. A cursor from another history is recognized by this time: its
   * event may have the same id, but hardly the same time.
   */
  readonly eventAt: number;
  /** The name of the condition that was reported last; "" if none was reported. */
  readonly last: string;
  /**
   * The marks, by the names of the conditions. Three more values are stored as marks: the log position
   * (log-position.ts), the position of values (values-position.ts), and the newest reported rate limit (new-limits.ts).
   */
  readonly marks: ReadonlyMap<string, string>;
}

const VERSION = "1";
const SEPARATOR = "~";
const RADIX = 36;
/** The length of a condition's name. 8 characters are 48 bits, which is enough to distinguish 64 conditions. */
const NAME_CHARACTERS = 8;
const NAME = `[\\w-]{${NAME_CHARACTERS}}`;
const NUMBER = "[0-9a-z]{1,11}";
const MARK = `[\\w.-]{1,${WAIT_MARK_CHARACTERS_MAX}}`;
/**
 * The maximum number of marks. The three marks that belong to no condition are the log position, the position of
 * values, and the newest rate limit.
 */
const MARKS_MAX = WAIT_CONDITIONS_MAX + 3;
const CURSOR = new RegExp(
  `^${VERSION}~(${NUMBER})~(${NUMBER})~(${NAME})?((?:~${NAME}~${MARK}){0,${MARKS_MAX}})~(${NAME})$`,
);

/** Returns a short name for a condition: a digest of its identity. */
export function nameOf(identity: string): string {
  return digest(identity);
}

export function encodeCursor({ event, eventAt, last, marks }: Cursor): string {
  const fields = [VERSION, event.toString(RADIX), eventAt.toString(RADIX), last];
  for (const [name, mark] of marks) if (mark !== "") fields.push(name, mark);
  const text = fields.join(SEPARATOR);
  return text + SEPARATOR + digest(text);
}

/** Parses a cursor. Returns undefined if its form or its checksum shows that no server has written it. */
export function readCursor(text: string): Cursor | undefined {
  const [, event = "", eventAt = "", last = "", rest = "", sum] = CURSOR.exec(text) ?? [];
  if (sum === undefined || digest(text.slice(0, -sum.length - SEPARATOR.length)) !== sum) return undefined;
  const numbers = [Number.parseInt(event, RADIX), Number.parseInt(eventAt, RADIX)] as const;
  if (!numbers.every(Number.isSafeInteger)) return undefined;
  const fields = rest.split(SEPARATOR).slice(1);
  const marks = new Map<string, string>();
  for (let at = 0; at < fields.length; at += 2) marks.set(fields[at] ?? "", fields[at + 1] ?? "");
  return { event: numbers[0], eventAt: numbers[1], last, marks };
}

function digest(text: string): string {
  return sha256(text, "base64url").slice(0, NAME_CHARACTERS);
}
