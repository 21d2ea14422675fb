/** Shows identical neighbours in a table as one row with a count. A click on the count shows them one by one. */
import { useMemo, useState } from "preact/hooks";
import { count, plural } from "../base/format.js";
import { groupRepeats, type Shown } from "./group-repeats.js";
import type { Column } from "./table.js";

type Key = string | number;

interface Repeats<Row> {
  readonly shown: readonly Shown<Row>[];
  /** Opens a group, or closes it. */
  readonly toggle: (key: Key) => void;
}

/** Returns the rows to show. `same` and `keyOf` must not change between calls. */
export function useRepeats<Row>(
  rows: readonly Row[],
  same: (a: Row, b: Row) => boolean,
  keyOf: (row: Row) => Key,
  grows: "head" | "end",
): Repeats<Row> {
  const [open, setOpen] = useState<ReadonlySet<Key>>(new Set());
  const shown = useMemo(() => groupRepeats(rows, { same, keyOf, grows, open }), [rows, grows, open]);
  const toggle = (key: Key): void =>
    setOpen((before) =>
      before.has(key) ? new Set([...before].filter((one) => one !== key)) : new Set([...before, key]),
    );
  return { shown, toggle };
}

/**
 * Converts columns for rows to columns for groups of rows. The column whose head is `head` also shows the count. A
 * table of groups cannot be sorted by its columns, because that would separate identical neighbours.
 */
export function repeatColumns<Row>(
  columns: readonly Omit<Column<Row>, "sort">[],
  head: string,
  toggle: (key: Key) => void,
): readonly Column<Shown<Row>>[] {
  return columns.map(({ cell, ...column }) => ({
    ...column,
    cell: (shown) =>
      column.head === head ? (
        <>
          {cell(shown.row)}
          <Count of={shown} toggle={toggle} />
        </>
      ) : (
        cell(shown.row)
      ),
  }));
}

function Count<Row>({
  of: { members, key, opened },
  toggle,
}: {
  readonly of: Shown<Row>;
  readonly toggle: (key: Key) => void;
}) {
  if (members.length === 1 && opened === null) return null;
  return (
    <button
      type="button"
      class="badge repeats"
      aria-expanded={opened !== null}
      aria-label={opened === null ? `Show ${plural(members.length, "identical row")}` : "Show identical rows as one"}
      onClick={() => toggle(opened ?? key)}
    >
      {opened === null ? `× ${count(members.length)}` : "−"}
    </button>
  );
}
