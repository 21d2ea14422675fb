/**
 * Formats one JSON object (a record) for a terminal. Each member has a line, with the values aligned. Nested members
 * have the names that `--fields` accepts, such as `holder.name`. A nested list of records becomes a table. Pure; runs
 * in the CLI process.
 */
import { escapeHidden } from "../../schemas/visible-text.js";
import { elementTexts, memberTexts } from "../../shared/json-text.js";
import { formatCell } from "./cell.js";
import { paint } from "./colors.js";
import { readField } from "./fields.js";
import type { Column } from "./lists.js";
import { formatTable } from "./table.js";
import { textWidth, wrapText } from "./text-width.js";

/** The maximum depth of nested members that get their own lines. Deeper members are printed as JSON. */
const DEPTH_MAX = 3;
const GAP = "  ";
/** The text that is printed for null and for an empty text. */
const NOTHING = "-";
/** The minimum width of values, in columns. If the terminal is narrower, it wraps the lines itself. */
const VALUE_WIDTH_MIN = 20;

export interface PersonOptions {
  /** The width of the terminal in columns. */
  readonly width: number;
  readonly hasColors: boolean;
  readonly nowMs: number;
}

/** A member of a record: its name, with dots for nested members, and its JSON text. */
type Field = readonly [name: string, json: string];

function listFields(record: string, prefix: string, depth: number): Field[] {
  return [...(memberTexts(record) ?? [])].flatMap(([member, json]): Field[] => {
    const name = prefix + member;
    const isNested = json.startsWith("{") && depth < DEPTH_MAX && memberTexts(json)?.size !== 0;
    return isNested ? listFields(json, `${name}.`, depth + 1) : [[name, json]];
  });
}

/** Returns the elements if the value is a list of records; undefined otherwise. */
function recordsOf(json: string): readonly string[] | undefined {
  const elements = json.startsWith("[") ? elementTexts(json) : undefined;
  return elements !== undefined && elements.length > 0 && elements.every((one) => one.startsWith("{"))
    ? elements
    : undefined;
}

/**
 * Formats a list of records for which no columns are declared. Each member that occurs in a record gets a column. If
 * records have both a name and an id, the id comes last, because the last columns are left out first.
 */
export function formatRecords(records: readonly string[], options: PersonOptions): string {
  const names = new Set(records.flatMap((record) => listFields(record, "", 1).map(([name]) => name)));
  const isNamed = (field: string): boolean => field.endsWith(".id") && names.has(field.replace(/id$/, "name"));
  const fields = [...names].toSorted((a, b) => Number(isNamed(a)) - Number(isNamed(b)));
  const columns = fields.map((field): Column => ({ field, wrap: true }));
  return formatColumns(records, columns, { ...options, mayOmit: true });
}

/** Formats a list of records as a table of the given columns. */
export function formatColumns(
  records: readonly string[],
  columns: readonly Column[],
  options: PersonOptions & { readonly mayOmit: boolean },
): string {
  const rows = records.map((record) =>
    columns.map(({ field }) => formatCell(readField(record, field), field, { nowMs: options.nowMs })),
  );
  return formatTable({ columns, rows }, options);
}

/** Formats a record. Each line ends with a line feed. */
export function formatRecord(record: string, options: PersonOptions): string {
  const fields = listFields(record, "", 1).map(([name, json]) => [escapeHidden(name), json] as const);
  const single = fields.filter(([, json]) => recordsOf(json) === undefined);
  const names = Math.max(0, ...single.map(([name]) => textWidth(name)));
  const width = Math.max(VALUE_WIDTH_MIN, options.width - names - GAP.length);
  const color = (text: string, of: Parameters<typeof paint>[1]): string => (options.hasColors ? paint(text, of) : text);
  const lines = single.flatMap(([name, json]) => {
    const cell = formatCell(json, name, { nowMs: options.nowMs, exactTimes: true });
    return wrapText(cell.text === "" ? NOTHING : cell.text, width).map((text, at) => {
      const label = at === 0 ? color(name, "bold") + " ".repeat(names - textWidth(name)) : " ".repeat(names);
      return `${label}${GAP}${color(text, cell.color)}\n`;
    });
  });
  const tables = fields.flatMap(([name, json]) => {
    const records = recordsOf(json);
    return records === undefined ? [] : [`\n${color(name, "bold")}:\n${formatRecords(records, options)}`];
  });
  return [...lines, ...tables].join("");
}
