/**
 * Lays out a table for the width of a terminal. If the table is too wide, the last columns shrink first. If this is not
 * enough, the last columns are left out. Pure; runs in the CLI process.
 */
import { escapeHidden } from "../../schemas/visible-text.js";
import type { Cell } from "./cell.js";
import { paint } from "./colors.js";
import type { Column } from "./lists.js";
import { padText, textWidth, truncateText, wrapText } from "./text-width.js";

/** The blanks between two columns. */
const GAP = "  ";
/** The minimum width of a column that declares none. A time, a state and most titles fit into it. */
const MIN_WIDTH = 12;
/** The minimum width of every column if the declared minimums do not fit into the terminal. */
const NARROW_WIDTH = 8;
/** The maximum number of lines of one row. */
const ROW_LINES_MAX = 4;

export interface Table {
  readonly columns: readonly Column[];
  /** One cell for each column. */
  readonly rows: readonly (readonly Cell[])[];
}

export interface TableOptions {
  /** The width of the terminal in columns. */
  readonly width: number;
  readonly hasColors: boolean;
  /** Whether a column may be left out, because all its cells are empty or because there is no room for it. */
  readonly mayOmit: boolean;
}

interface Placed {
  readonly column: Column;
  /** The index of the column's cell in each row. */
  readonly at: number;
  readonly title: string;
  /** The width of the longest cell or the title. */
  readonly natural: number;
  width: number;
  readonly isNumeric: boolean;
}

function titleOf({ field, title }: Column): string {
  // The name of a field may come from a user's data, so it may have invisible characters.
  return escapeHidden(
    title ??
      field
        .replace(/\.name$/, "")
        .replace(/[._]/g, " ")
        .toUpperCase(),
  );
}

function place(column: Column, at: number, rows: Table["rows"]): Placed {
  const title = titleOf(column);
  let natural = textWidth(title);
  let isNumeric = rows.length > 0;
  for (const row of rows) {
    const cell = row[at];
    natural = Math.max(natural, textWidth(cell?.text ?? ""));
    if (!cell?.isNumber && cell?.text !== "") isNumeric = false;
  }
  return { column, at, title, natural, width: natural, isNumeric };
}

function totalOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + GAP.length * Math.max(0, widths.length - 1);
}

function minOf({ column, natural }: Placed): number {
  return column.keep ? natural : Math.min(natural, column.min ?? MIN_WIDTH);
}

/** Shrinks columns until the table fits, the last column first. `least` returns the minimum width of a column. */
function shrink(placed: readonly Placed[], width: number, least: (one: Placed) => number): void {
  let surplus = totalOf(placed.map((one) => one.width)) - width;
  for (const one of placed.toReversed()) {
    if (surplus <= 0) return;
    const given = Math.min(surplus, Math.max(0, one.width - least(one)));
    one.width -= given;
    surplus -= given;
  }
}

/** Leaves out the last columns until the others fit at their minimum widths. */
function omitLast(placed: readonly Placed[], width: number): readonly Placed[] {
  let shown = placed;
  while (totalOf(shown.map(minOf)) > width) {
    const last = shown.findLastIndex(({ column }) => !column.keep);
    if (last < 0) break;
    shown = shown.toSpliced(last, 1);
  }
  return shown;
}

/** Chooses the columns that are printed, and their widths. */
function fit(placed: readonly Placed[], { width, mayOmit }: TableOptions): readonly Placed[] {
  const shown = mayOmit ? omitLast(placed, width) : placed;
  shrink(shown, width, minOf);
  shrink(shown, width, ({ natural }) => Math.min(natural, NARROW_WIDTH));
  shrink(shown, width, () => 1);
  return shown;
}

function cellLines(cell: Cell | undefined, { column, width }: Placed): readonly string[] {
  const text = cell?.text ?? "";
  return column.wrap ? wrapText(text, width, ROW_LINES_MAX) : [truncateText(text, width)];
}

/** Formats the table, with a line of titles. Each line ends with a line feed. */
export function formatTable({ columns, rows }: Table, options: TableOptions): string {
  const placed = columns.map((column, at) => place(column, at, rows));
  const filled = placed.filter(({ at }) => !options.mayOmit || rows.some((row) => row[at]?.text !== ""));
  const shown = fit(filled, options);
  const color = (text: string, cell: Cell["color"]): string => (options.hasColors ? paint(text, cell) : text);
  const write = (text: string, one: Placed, cellColor: Cell["color"]): string => {
    const padded = padText(text, one.width, one.isNumeric);
    // The blanks stay without color, so that those at the end of a line can be removed.
    return padded.replace(text, () => color(text, cellColor));
  };
  const lines = [shown.map((one) => write(truncateText(one.title, one.width), one, "bold")).join(GAP)];
  for (const row of rows) {
    const cells = shown.map((one) => ({ one, cell: row[one.at], texts: cellLines(row[one.at], one) }));
    const height = Math.max(1, ...cells.map(({ texts }) => texts.length));
    for (let line = 0; line < height; line++)
      lines.push(cells.map(({ one, cell, texts }) => write(texts[line] ?? "", one, cell?.color)).join(GAP));
  }
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}
