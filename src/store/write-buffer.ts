/**
 * Rows that are written together: one statement for many of them takes less than a statement each (a PUT's three rows
 * 3.5 instead of 4.9 µs, its share of the commit included). They wait in memory until `write`: whoever is to read such
 * a table asks for it before, and so does the batch before it commits. Runs in the writer.
 */
import type { Db, Statement } from "./open.js";

/** How many rows one statement may take: any number is the sum of a few of these. */
const ROWS_TOGETHER = [32, 16, 8, 4, 2, 1] as const;
const ROWS_MAX = ROWS_TOGETHER[0];

/** What a column takes. */
export type Column = string | number | Uint8Array | null;

/** Where the rows of one table go. */
export interface DeferredTable<Row extends readonly Column[]> {
  /** Puts a row off, behind those that were put off before. */
  add(...row: Row): void;
}

/** What waits until it is written. */
export interface Deferred {
  write(): void;
  /** Its transaction was rolled back. */
  forget(): void;
}

class Table<Row extends readonly Column[]> implements DeferredTable<Row>, Deferred {
  readonly #db: Db;
  readonly #insert: string;
  readonly #columns: number;
  readonly #statements = new Map<number, Statement<Column[], unknown>>();
  /** The columns of all rows that wait, one after the other. */
  #waiting: Column[] = [];

  constructor(db: Db, insert: string, columns: number) {
    this.#db = db;
    this.#insert = insert;
    this.#columns = columns;
  }

  add(...row: Row): void {
    for (const column of row) this.#waiting.push(column);
    if (this.#waiting.length === ROWS_MAX * this.#columns) this.write();
  }

  write(): void {
    const columns = this.#take();
    let at = 0;
    for (const rows of ROWS_TOGETHER) {
      const length = rows * this.#columns;
      for (; columns.length - at >= length; at += length) this.#statement(rows).run(...columns.slice(at, at + length));
    }
  }

  forget(): void {
    this.#take();
  }

  /** What waited, which does not any more. */
  #take(): readonly Column[] {
    const columns = this.#waiting;
    if (columns.length > 0) this.#waiting = [];
    return columns;
  }

  #statement(rows: number): Statement<Column[], unknown> {
    let statement = this.#statements.get(rows);
    if (statement === undefined) {
      const row = `(${new Array<string>(this.#columns).fill("?").join(", ")})`;
      statement = this.#db.prepare(`${this.#insert} VALUES ${new Array<string>(rows).fill(row).join(", ")}`);
      this.#statements.set(rows, statement);
    }
    return statement;
  }
}

/** The rows of one handle that are put off. */
export class WriteBuffer {
  readonly #db: Db;
  readonly #deferred: Deferred[] = [];

  constructor(db: Db) {
    this.#db = db;
  }

  /**
   * A table whose rows are put off.
   * @param insert the statement up to its rows, for example `INSERT INTO event`
   * @param columns how many each row has
   */
  into<Row extends readonly Column[]>(insert: string, columns: Row["length"]): DeferredTable<Row> {
    const table = new Table<Row>(this.#db, insert, columns);
    this.#deferred.push(table);
    return table;
  }

  /** Something else that waits with them. */
  add(deferred: Deferred): void {
    this.#deferred.push(deferred);
  }

  /** Writes all that was put off, rows of one table in their order. */
  write(): void {
    for (const deferred of this.#deferred) deferred.write();
  }

  /** Drops all that was put off: its transaction was rolled back. */
  forget(): void {
    for (const deferred of this.#deferred) deferred.forget();
  }
}
