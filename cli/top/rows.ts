/** The rows of a view of `top`, sorting and filtering. Pure; runs in the CLI process. */

export type Tone = "good" | "bad" | "odd" | "dim";

export interface Cell {
  readonly text: string;
  /** The value by which rows are sorted; the text if it is absent. */
  readonly order?: number;
  readonly tone?: Tone;
}

export interface Column {
  readonly title: string;
  /** The least width in columns of the terminal. */
  readonly min: number;
  /** The greatest width; the column with the longest texts has none. */
  readonly max?: number;
  readonly isRight?: true;
  /** On a narrow terminal, the columns with the highest rank are left out first. */
  readonly rank: number;
}

export interface Row {
  /** Identifies the row in later answers. */
  readonly key: string;
  /** One cell for each column. */
  readonly cells: readonly Cell[];
}

export interface View {
  readonly columns: readonly Column[];
  /** The rows in their own order, which holds until a column is chosen for sorting. */
  readonly rows: readonly Row[];
}

export interface Sorting {
  /** The column by which rows are sorted; null for their own order. */
  readonly column: number | null;
  readonly isReverse: boolean;
}

function compare(a: Cell | undefined, b: Cell | undefined): number {
  if (a?.order !== undefined && b?.order !== undefined) return a.order - b.order;
  const [left, right] = [a?.text ?? "", b?.text ?? ""];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Chooses the rows that contain a text, in any case of letters, and sorts them. */
export function arrange({ rows }: View, filter: string, { column, isReverse }: Sorting): readonly Row[] {
  const wanted = filter.toLowerCase();
  const chosen = rows.filter(({ cells }) => cells.some(({ text }) => text.toLowerCase().includes(wanted)));
  const sorted = column === null ? chosen : chosen.toSorted((a, b) => compare(a.cells[column], b.cells[column]));
  return isReverse ? sorted.toReversed() : sorted;
}
