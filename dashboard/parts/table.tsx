/**
 * Tables. A short table is part of the page. A long table scrolls in its own frame, and only the visible rows are
 * rendered.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { showRow, useScrollAnchor, type Growth } from "./scroll-anchor.js";
import { useVirtualRows } from "./virtual.js";

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => ComponentChildren;
  /**
   * The kind of column. `number` is aligned right, and `narrow` fits its content. `wide` takes the remaining width, and
   * its text is truncated if it is longer.
   */
  readonly kind?: "number" | "wide" | "narrow";
  /** Left out on a phone. */
  readonly optional?: true;
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
   * The side at which rows are added while the table is shown. Such a table always has its own frame, and keeps its
   * scroll position.
   */
  readonly grows?: Growth;
}

/** The minimum number of rows for which a table scrolls in its own frame. */
const LONG_ROWS = 100;

export function Table<Row>(props: TableProps<Row>) {
  return props.rows.length < LONG_ROWS && props.grows === undefined ? (
    <ShortTable {...props} />
  ) : (
    <LongTable {...props} />
  );
}

function classOf<Row>({ kind = "narrow", optional }: Column<Row>): string {
  return optional === true ? `cell-${kind} cell-optional` : `cell-${kind}`;
}

function Head<Row>({ columns }: Pick<TableProps<Row>, "columns">) {
  return (
    <thead>
      <tr>
        {columns.map((column) => (
          <th key={column.head} scope="col" class={classOf(column)}>
            {column.head}
          </th>
        ))}
      </tr>
    </thead>
  );
}

function RowOf<Row>({
  row,
  index,
  columns,
  isCurrent,
  toneOf,
  noteOf,
}: Pick<TableProps<Row>, "columns" | "isCurrent" | "toneOf" | "noteOf"> & {
  readonly row: Row;
  readonly index?: number;
}) {
  const tone = toneOf?.(row);
  const note = noteOf?.(row);
  return (
    <tr
      class={tone === undefined ? undefined : `row-${tone}`}
      aria-current={isCurrent?.(row) === true ? "true" : undefined}
      aria-rowindex={index === undefined ? undefined : index + 2}
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

function ShortTable<Row>({ label, columns, rows, keyOf, ...rest }: TableProps<Row>) {
  return (
    <div class="table-frame" role="region" aria-label={label} tabIndex={0}>
      <table aria-label={label}>
        <Head columns={columns} />
        <tbody>
          {rows.map((row) => (
            <RowOf key={keyOf(row)} row={row} columns={columns} {...rest} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function LongTable<Row>({ label, columns, rows, keyOf, grows, ...rest }: TableProps<Row>) {
  const frame = useRef<HTMLDivElement>(null);
  const { indexes, above, below } = useVirtualRows(rows.length, frame);
  const keys = useMemo(() => rows.map(keyOf), [rows]);
  useScrollAnchor(keys, frame, grows);
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
        <Head columns={columns} />
        <tbody>
          <Space height={above} columns={columns.length} />
          {indexes.map((index) => {
            const row = rows[index];
            return row === undefined ? null : (
              <RowOf key={keyOf(row)} row={row} index={index} columns={columns} {...rest} />
            );
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
