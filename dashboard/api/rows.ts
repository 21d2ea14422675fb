/**
 * A table of values over time, with a column for each value, in the form that charts need. The number of rows is
 * limited: if there are too many, the oldest are removed. Pure.
 */

export interface Rows<Name extends string> {
  /** Seconds since the epoch, ascending. */
  readonly times: readonly number[];
  /** The values of each column, one for each time; null if there is no value. */
  readonly columns: ReadonlyMap<Name, readonly (number | null)[]>;
}

/** Returns an empty table. */
export function noRows<Name extends string>(names: readonly Name[]): Rows<Name> {
  return { times: [], columns: new Map(names.map((name) => [name, []])) };
}

/** Returns the table with one row appended. If it then has more than `most` rows, the oldest rows are removed. */
export function addRow<Name extends string>(
  { times, columns }: Rows<Name>,
  time: number,
  valueOf: (name: Name) => number | null,
  most: number,
): Rows<Name> {
  const surplus = Math.max(0, times.length + 1 - most);
  return {
    times: [...times.slice(surplus), time],
    columns: new Map([...columns].map(([name, values]) => [name, [...values.slice(surplus), valueOf(name)]])),
  };
}

/** Returns the rows whose time is `from` or later. */
export function rowsSince<Name extends string>({ times, columns }: Rows<Name>, from: number): Rows<Name> {
  const first = times.findIndex((time) => time >= from);
  const start = first === -1 ? times.length : first;
  return {
    times: times.slice(start),
    columns: new Map([...columns].map(([name, values]) => [name, values.slice(start)])),
  };
}

/** Returns the newest value of a column; null if there is none. */
export function lastOf<Name extends string>({ columns }: Rows<Name>, name: Name): number | null {
  return columns.get(name)?.at(-1) ?? null;
}
