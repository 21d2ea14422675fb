/** Formats JSON texts as texts for people on a terminal. Pure; runs in the CLI process. */
import { escapeHidden } from "../../schemas/visible-text.js";
import { elementTexts, toOneLine } from "../../shared/json-text.js";
import { colorOfWord, type Color } from "./colors.js";
import { formatRelativeTime, isTimestamp } from "./relative-time.js";

/** A text for a terminal: one line without hidden characters. */
export interface Cell {
  readonly text: string;
  readonly color?: Color | undefined;
  readonly isNumber?: true;
}

/** The names of members whose words have colors. The texts of other members are a user's, and have none. */
const WORD_FIELDS: ReadonlySet<string> = new Set(["state", "status", "outcome", "severity", "importance"]);

export interface CellOptions {
  /** The time from which relative times count, in ms since the epoch. */
  readonly nowMs: number;
  /** Whether a time is followed by the point in time itself. */
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

/** Formats the JSON text of a field. A missing one and null are an empty text. A list of words has commas. */
export function formatCell(json: string | undefined, field: string, options: CellOptions): Cell {
  if (json === undefined || json === "null") return { text: "" };
  if (json.startsWith('"')) return formatString(JSON.parse(json) as string, field, options);
  if (!isContainer(json)) return /^[\d-]/.test(json) ? { text: json, isNumber: true } : { text: json };
  const elements = elementTexts(json);
  if (elements === undefined || elements.some(isContainer)) return { text: escapeHidden(toOneLine(json)) };
  return { text: elements.map((element) => formatCell(element, "", options).text).join(", ") };
}
