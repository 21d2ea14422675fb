/** Sorts the rows of a table by one of its columns. Pure. */

/** The value by which a row is sorted; null if the row has none. */
export type SortValue = string | number | null;

/**
 * The order of a table. `head` is the head of the column by which it is sorted. `down` is true if the largest value
 * comes first.
 */
export interface Order {
  readonly head: string;
  readonly down: boolean;
}

/**
 * Returns the order after a click on a head. The clicks lead from ascending to descending, and then back to the order
 * of the view.
 */
export function nextOrder(order: Order | null, head: string): Order | null {
  if (order?.head !== head) return { head, down: false };
  return order.down ? null : { head, down: true };
}

/**
 * Formats an order for the page's address. The text is the head of the column, with a `-` before it if the largest
 * value comes first. "" means no order.
 */
export function formatOrder(order: Order | null): string {
  return order === null ? "" : `${order.down ? "-" : ""}${order.head}`;
}

/** Parses an order from the page's address. If the table has no column with this head, the order has no effect. */
export function parseOrder(text = ""): Order | null {
  const down = text.startsWith("-");
  const head = down ? text.slice(1) : text;
  return head === "" ? null : { head, down };
}

/**
 * Returns the rows sorted by value. Equal rows keep their order, and rows without a value come last in both directions.
 */
export function sortRows<Row>(rows: readonly Row[], valueOf: (row: Row) => SortValue, down: boolean): readonly Row[] {
  return rows
    .map((row) => ({ row, value: valueOf(row) }))
    .sort((a, b) => {
      if (a.value === null || b.value === null) return Number(a.value === null) - Number(b.value === null);
      return (down ? -1 : 1) * compare(a.value, b.value);
    })
    .map(({ row }) => row);
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}
