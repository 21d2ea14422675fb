/** Converts JSON values to short texts for a terminal. Pure; runs in the CLI process. */
import { escapeHidden } from "../../schemas/visible-text.js";
import { elementTexts, toOneLine } from "../../shared/json-text.js";
import { colorOfWord, type Color } from "./colors.js";
import { formatRelativeTime, isTimestamp } from "./relative-time.js";

/** A text for the terminal. It is one line and has no invisible characters. */
export interface Cell {
  readonly text: string;
  readonly color?: Color | undefined;
  readonly isNumber?: true;
}

/** The members whose value is a fixed word with a color. Other texts come from users, and are not colored. */
const WORD_FIELDS: ReadonlySet<string> = new Set(["state", "status", "outcome", "severity", "importance"]);

export interface CellOptions {
  /** The current time in ms since the epoch. Relative times such as `3m ago` are computed from it. */
  readonly nowMs: number;
  /** Whether the exact time is printed after a relative time. */
  readonly exactTimes?: boolean;
}

function isContainer(json: string): boolean {
  return json.startsWith("{") || json.startsWith("[");
}

function formatString(text: string, field: string, { nowMs, exactTimes }: CellOptions): Cell {
  if (isTimestamp(text)) {
    const relative = formatRelativeTime(text, nowMs);
    return exactTimes ? { text: `${relative} (${text})` } : { text: relative, color: "dim" };
  }
  const name = field.slice(field.lastIndexOf(".") + 1);
  return { text: escapeHidden(text), color: WORD_FIELDS.has(name) ? colorOfWord(text) : undefined };
}

/**
 * Formats the JSON text of a field. A missing field and null become "". The elements of a list are separated by commas.
 */
export function formatCell(json: string | undefined, field: string, options: CellOptions): Cell {
  if (json === undefined || json === "null") return { text: "" };
  if (json.startsWith('"')) return formatString(JSON.parse(json) as string, field, options);
  if (!isContainer(json)) return /^[\d-]/.test(json) ? { text: json, isNumber: true } : { text: json };
  const elements = elementTexts(json);
  if (elements === undefined || elements.some(isContainer)) return { text: escapeHidden(toOneLine(json)) };
  return { text: elements.map((element) => formatCell(element, "", options).text).join(", ") };
}
