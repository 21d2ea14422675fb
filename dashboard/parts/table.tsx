/**
 * Tables. A short table is part of the page. A long table scrolls in its own frame, and only the visible rows are
 * rendered. The user sorts a table by the heads of its columns, and opens a row with a click anywhere in it.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { moveBetweenRows, openRow } from "./row-keys.js";
import type { AddressQuery } from "./address-query.js";
import { useRowSlots } from "./row-slots.js";
import { showRow, useScrollAnchor, type Growth } from "./scroll-anchor.js";
import { formatOrder, nextOrder, parseOrder, sortRows, type Order, type SortValue } from "./sort-rows.js";
import { useVirtualRows } from "./virtual.js";

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => ComponentChildren;
  /**
   * The kind of column. `number` is aligned right, and `narrow` fits its content. `wide` takes the remaining width, and
   * its text is truncated if it is longer.
   */
  readonly kind?: "number" | "wide" | "narrow";
  /** Set if the column is left out on a phone. */
  readonly optional?: true;
  /**
   * Returns the value by which a row is sorted if the user sorts by this column. If absent, the user cannot sort by it.
   */
  readonly sort?: (row: Row) => SortValue;
  /** Set if the link or button in this column opens the row. A click anywhere in the row then clicks it. */
  readonly opens?: true;
}

interface TableProps<Row> {
  /** The accessible name: the kind of things that the table lists. */
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string | number;
  /** Returns whether the row is the selected one, which is highlighted. */
  readonly isCurrent?: (row: Row) => boolean;
  /** The row's style. */
  readonly toneOf?: (row: Row) => "bad" | "warn" | "gap" | undefined;
  /** Returns a text that is shown instead of the row's cells, for example if the row is a gap between events. */
  readonly noteOf?: (row: Row) => string | undefined;
  /**
   * The side at which rows are added while the table is shown. If it is set, the table always has its own frame, and
   * keeps its scroll position. Its row elements are used again for other rows, so its cells must not have state of
   * their own.
   */
  readonly grows?: Growth;
  /** Set if each row is shown as a card on a phone: its cells are below each other, and none is truncated. */
  readonly cards?: true;
  /**
   * The query of the page's address, in which `sort` stores the order that the user has chosen. If absent, only the
   * table stores the order.
   */
  readonly orderIn?: AddressQuery;
  /** Reorders the sorted rows, for example to put subagents below their parents. */
  readonly arrange?: (sorted: readonly Row[]) => readonly Row[];
}

/** The order that the user has chosen, and the function that chooses another one. */
interface OrderProps {
  readonly order: Order | null;
  readonly onOrder: (head: string) => void;
}

/** The minimum number of rows for which a table scrolls in its own frame. */
const LONG_ROWS = 100;

export function Table<Row>(props: TableProps<Row>) {
  const { columns, rows, grows, cards, orderIn, arrange = same } = props;
  const [ownOrder, setOwnOrder] = useState<Order | null>(null);
  const order = orderIn === undefined ? ownOrder : parseOrder(orderIn.query["sort"]);
  const onOrder = (head: string): void => {
    const next = nextOrder(order, head);
    if (orderIn === undefined) setOwnOrder(next);
    else orderIn.set({ sort: formatOrder(next) });
  };
  const sort = columns.find(({ head }) => head === order?.head)?.sort;
  const sorted = useMemo(
    () => arrange(order === null || sort === undefined ? rows : sortRows(rows, sort, order.down)),
    [rows, order?.head, order?.down, sort, arrange],
  );
  const all = { ...props, rows: sorted, order, onOrder };
  return (
    <div class={cards === true ? "table-cards" : undefined} onClick={openRow} onKeyDown={moveBetweenRows}>
      {rows.length < LONG_ROWS && grows === undefined ? <ShortTable {...all} /> : <LongTable {...all} />}
    </div>
  );
}

function same<Row>(rows: readonly Row[]): readonly Row[] {
  return rows;
}

function classOf<Row>({ kind = "narrow", optional, opens }: Column<Row>): string {
  return `cell-${kind}${optional === true ? " cell-optional" : ""}${opens === true ? " cell-opens" : ""}`;
}

function Head<Row>({ columns, order, onOrder }: Pick<TableProps<Row>, "columns"> & OrderProps) {
  return (
    <thead>
      <tr>
        {columns.map((column) => {
          const { head, sort } = column;
          const sorted = head !== order?.head ? undefined : order.down ? "descending" : "ascending";
          return (
            <th key={head} scope="col" class={classOf(column)} aria-sort={sorted}>
              {sort === undefined ? (
                head
              ) : (
                <button type="button" class="button-bare sort" onClick={() => onOrder(head)}>
                  {head}
                </button>
              )}
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

function RowOf<Row>({
  row,
  index,
  slot,
  columns,
  isCurrent,
  toneOf,
  noteOf,
}: Pick<TableProps<Row>, "columns" | "isCurrent" | "toneOf" | "noteOf"> & {
  readonly row: Row;
  readonly index?: number;
  readonly slot?: number | undefined;
}) {
  const tone = toneOf?.(row);
  const note = noteOf?.(row);
  return (
    <tr
      class={tone === undefined ? undefined : `row-${tone}`}
      aria-current={isCurrent?.(row) === true ? "true" : undefined}
      aria-rowindex={index === undefined ? undefined : index + 2}
      data-slot={slot}
    >
      {note === undefined ? (
        columns.map((column) => (
          <td key={column.head} class={classOf(column)}>
            {column.cell(row)}
          </td>
        ))
      ) : (
        <td colSpan={columns.length}>{note}</td>
      )}
    </tr>
  );
}

function ShortTable<Row>({ label, columns, rows, keyOf, order, onOrder, ...rest }: TableProps<Row> & OrderProps) {
  return (
    <div class="table-frame" role="region" aria-label={label} tabIndex={0}>
      <table aria-label={label}>
        <Head columns={columns} order={order} onOrder={onOrder} />
        <tbody>
          {rows.map((row) => (
            <RowOf key={keyOf(row)} row={row} columns={columns} {...rest} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function LongTable<Row>({ label, columns, rows, keyOf, grows, order, onOrder, ...rest }: TableProps<Row> & OrderProps) {
  const frame = useRef<HTMLDivElement>(null);
  const { indexes, above, below } = useVirtualRows(rows.length, frame);
  const keys = useMemo(() => rows.map(keyOf), [rows]);
  useScrollAnchor(keys, frame, grows);
  const first = indexes[0] ?? 0;
  const slots = useRowSlots(grows === undefined ? [] : keys.slice(first, first + indexes.length), frame);
  const { isCurrent } = rest;
  const current = isCurrent === undefined ? -1 : rows.findIndex(isCurrent);
  useEffect(() => {
    if (current >= 0 && frame.current !== null) showRow(frame.current, current);
  }, [keys[current]]);
  return (
    <div
      class={grows === undefined ? "table-frame table-long" : "table-frame table-long table-grows"}
      ref={frame}
      role="region"
      aria-label={label}
      tabIndex={0}
    >
      <table aria-label={label} aria-rowcount={rows.length + 1}>
        <Head columns={columns} order={order} onOrder={onOrder} />
        <tbody>
          <Space height={above} columns={columns.length} />
          {indexes.map((index) => {
            const row = rows[index];
            if (row === undefined) return null;
            const key = keyOf(row);
            const slot = slots.get(key);
            return <RowOf key={slot ?? key} row={row} index={index} slot={slot} columns={columns} {...rest} />;
          })}
          <Space height={below} columns={columns.length} />
        </tbody>
      </table>
    </div>
  );
}

/** Empty space in place of rows that are not rendered. */
function Space({ height, columns }: { readonly height: number; readonly columns: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden="true" class="row-space">
      <td colSpan={columns} style={{ height: `${height}px` }} />
    </tr>
  );
}
