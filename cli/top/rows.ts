/** The rows of a view of `top`, and functions that sort and filter them. Pure; runs in the CLI process. */

export type Tone = "good" | "bad" | "odd" | "dim";

export interface Cell {
  readonly text: string;
  /** The number by which rows are sorted. If it is absent, they are sorted by the text. */
  readonly order?: number;
  readonly tone?: Tone;
}

export interface Column {
  readonly title: string;
  /** The minimum width, in columns of the terminal. */
  readonly min: number;
  /** The maximum width; absent for the column with the longest texts. */
  readonly max?: number;
  readonly isRight?: true;
  /** The rank of the column. On a narrow terminal, the columns with the highest ranks are left out first. */
  readonly rank: number;
}

export interface Row {
  /** Identifies the row, so that later answers find it again. */
  readonly key: string;
  /** One cell for each column. */
  readonly cells: readonly Cell[];
}

export interface View {
  readonly columns: readonly Column[];
  /** The rows in their own order, which is used until the user chooses a column for sorting. */
  readonly rows: readonly Row[];
}

export interface Sorting {
  /** The column by which rows are sorted; null means the rows' own order. */
  readonly column: number | null;
  readonly isReverse: boolean;
}

function compare(a: Cell | undefined, b: Cell | undefined): number {
  if (a?.order !== undefined && b?.order !== undefined) return a.order - b.order;
  const [left, right] = [a?.text ?? "", b?.text ?? ""];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Chooses the rows that contain a text, ignoring case, and sorts them. */
export function arrange({ rows }: View, filter: string, { column, isReverse }: Sorting): readonly Row[] {
  const wanted = filter.toLowerCase();
  const chosen = rows.filter(({ cells }) => cells.some(({ text }) => text.toLowerCase().includes(wanted)));
  const sorted = column === null ? chosen : chosen.toSorted((a, b) => compare(a.cells[column], b.cells[column]));
  return isReverse ? sorted.toReversed() : sorted;
}
