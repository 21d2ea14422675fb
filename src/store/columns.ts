/**
 * Rows of many columns as objects. Libraries make them one property at a time: of 35 columns that is 4 of 10 µs, and 3
 * where it is done here. So a row is read as an array, and an object whose members look into it: 0.3 µs, where each is
 * looked at once.
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
