/** Sorts and filters the rows of a view of `top`. Pure; runs in the CLI process. */

export type Tone = "good" | "bad" | "odd" | "dim";

export interface Cell {
  readonly text: string;
  /** The number by which rows are sorted. If it is absent, they are sorted by `text`. */
  readonly order?: number;
  readonly tone?: Tone;
}

export interface Column {
  readonly title: string;
  /** The minimum width, in columns of the terminal. */
  readonly min: number;
  /** The maximum width. Absent for the column whose texts are longest. */
  readonly max?: number;
  readonly isRight?: true;
  /** The order in which columns are left out on a narrow terminal. The highest rank is left out first. */
  readonly rank: number;
}

export interface Row {
  /** Identifies the row after later answers, when it may have another index. */
  readonly key: string;
  /** One cell for each column. */
  readonly cells: readonly Cell[];
}

export interface View {
  readonly columns: readonly Column[];
  /** The rows in their own order. It is used if the user has chosen no column for sorting. */
  readonly rows: readonly Row[];
}

export interface Sorting {
  /** The index of the column by which rows are sorted; null for their own order. */
  readonly column: number | null;
  readonly isReverse: boolean;
}

function compare(a: Cell | undefined, b: Cell | undefined): number {
  if (a?.order !== undefined && b?.order !== undefined) return a.order - b.order;
  const [left, right] = [a?.text ?? "", b?.text ?? ""];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Returns the rows that contain a text, sorted. Upper and lower case do not matter. */
export function arrange({ rows }: View, filter: string, { column, isReverse }: Sorting): readonly Row[] {
  const wanted = filter.toLowerCase();
  const chosen = rows.filter(({ cells }) => cells.some(({ text }) => text.toLowerCase().includes(wanted)));
  const sorted = column === null ? chosen : chosen.toSorted((a, b) => compare(a.cells[column], b.cells[column]));
  return isReverse ? sorted.toReversed() : sorted;
}
