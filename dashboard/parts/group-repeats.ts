/** Groups identical neighbouring rows, so that a list shows them as one row with a count. Pure. */

type Key = string | number;

/** A row that is shown. It is a single row, or the first row of a group. */
export interface Shown<Row> {
  readonly row: Row;
  readonly key: Key;
  /** The rows for which this row stands, including itself. */
  readonly members: readonly Row[];
  /**
   * The key of the group, if this is the first row of an opened group. The rows of an opened group are shown one by
   * one. Otherwise null.
   */
  readonly opened: Key | null;
}

interface Rules<Row> {
  /** Returns whether two rows count as identical. */
  readonly same: (a: Row, b: Row) => boolean;
  readonly keyOf: (row: Row) => Key;
  /**
   * The side at which rows are added. The key of a group is the key of its oldest row. So the key stays the same while
   * the group grows.
   */
  readonly grows: "head" | "end";
  /** The keys of the groups that the user has opened. */
  readonly open: ReadonlySet<Key>;
}

/** Returns the rows to show, in order. */
export function groupRepeats<Row>(rows: readonly Row[], { same, keyOf, grows, open }: Rules<Row>): Shown<Row>[] {
  const shown: Shown<Row>[] = [];
  let start = 0;
  for (let end = 1; end <= rows.length; end++) {
    const [before, row] = [rows[end - 1] as Row, rows[end]];
    if (end < rows.length && same(before, row as Row)) continue;
    const first = rows[start] as Row;
    const members = rows.slice(start, end);
    const key = keyOf(grows === "head" ? before : first);
    if (members.length > 1 && open.has(key))
      for (const [at, member] of members.entries())
        shown.push({ row: member, key: keyOf(member), members: [member], opened: at === 0 ? key : null });
    else shown.push({ row: first, key, members, opened: null });
    start = end;
  }
  return shown;
}
