/**
 * A table of values over time, with a column for each value, as charts need it. The values come from the server's
 * history of metrics, and newer parts of the history extend the table. Pure.
 */

export interface Rows<Name extends string> {
  /** The times of the rows, in seconds since the epoch, ascending. */
  readonly times: readonly number[];
  /** The values of each column, one for each time; null if there is no value. */
  readonly columns: ReadonlyMap<Name, readonly (number | null)[]>;
}

/** A part of the server's history of metrics. */
export interface HistoryPart {
  /** The times of the rows in RFC 3339, ascending. */
  readonly times: readonly string[];
  readonly metrics: Readonly<Record<string, readonly (number | null)[]>>;
}

/**
 * The maximum time between two rows that the chart connects, in s. After a longer time it shows a gap, because the
 * server was off. Two intervals of the server's older samples are shorter than this.
 */
const GAP_S = 300;

/** Returns an empty table. */
export function noRows<Name extends string>(names: readonly Name[]): Rows<Name> {
  return { times: [], columns: new Map(names.map((name) => [name, []])) };
}

/** Returns the table with the rows of the part that are later than its last row. */
export function addPart<Name extends string>({ times, columns }: Rows<Name>, part: HistoryPart): Rows<Name> {
  const added = part.times.map((time) => Date.parse(time) / 1_000);
  const last = times.at(-1);
  const known = last === undefined ? 0 : added.filter((time) => time <= last).length;
  const first = added[known];
  if (first === undefined) return { times, columns };
  const gap = last !== undefined && first - last > GAP_S;
  return {
    times: [...times, ...(gap ? [last + 1] : []), ...added.slice(known)],
    columns: new Map(
      [...columns].map(([name, values]) => [
        name,
        [...values, ...(gap ? [null] : []), ...(part.metrics[name]?.slice(known) ?? [])],
      ]),
    ),
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
