/**
 * Rows of many columns as objects. A library makes them one property at a time, which of 35 columns is 4 of 10 µs, and
 * of 5 it is still 1 where a row is read as an array and copied here. So it is an object whose members look into that.
 */
import type { Db } from "./open.js";

/** What each member of a row is in SQL. */
export type ColumnsOf<Row> = Readonly<Record<keyof Row & string, string>>;

/** What a SELECT asks for. */
export function selected(columns: Readonly<Record<string, string>>): string {
  return Object.entries(columns)
    .map(([name, sql]) => `${sql} AS "${name}"`)
    .join(", ");
}

/**
 * A statement that gives one row, whose members are its prototype's: it is to be read, not to be spread.
 * @param from what stands behind the columns
 */
export function prepareGet<Parameters extends unknown[], Row>(
  db: Db,
  columns: ColumnsOf<Row>,
  from: string,
): (...parameters: Parameters) => Row | undefined {
  const statement = db.prepare<unknown[], unknown[]>(`SELECT ${selected(columns)} ${from}`).raw();
  const Found = rowOver(Object.keys(columns));
  return (...parameters) => {
    const values = statement.get(...parameters);
    return values === undefined ? undefined : (new Found(values) as Row);
  };
}

/** A class of objects over arrays of columns. */
function rowOver(names: readonly string[]): new (values: readonly unknown[]) => object {
  class Found {
    constructor(readonly values: readonly unknown[]) {}
  }
  for (const [at, name] of names.entries())
    Object.defineProperty(Found.prototype, name, {
      get(this: Found) {
        return this.values[at];
      },
    });
  return Found;
}
