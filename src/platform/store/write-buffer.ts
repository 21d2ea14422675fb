/**
 * Buffers rows in memory, and writes many of them with one statement. One statement for each row would be slower: the
 * three rows of a PUT take 3.5 µs instead of 4.9 µs, including their share of the commit. The batch calls `finish`
 * before it commits. A reader of a buffered table must call `write` first. Runs in the writer.
 */
import type { Db, Statement } from "./open.js";

/**
 * How many rows one prepared statement can write. Any number of rows is a sum of these numbers, so few statements are
 * needed (37 = 32 + 4 + 1).
 */
const ROWS_TOGETHER = [32, 16, 8, 4, 2, 1] as const;
const ROWS_MAX = ROWS_TOGETHER[0];

/** The types of values that a buffered column can have. */
export type Column = string | number | Uint8Array | null;

/** Receives the rows of one table. */
export interface BufferedTable<Row extends readonly Column[]> {
  /** Adds a row to the end of the buffer. */
  add(...row: Row): void;
}

/** Rows and other changes that wait in memory until `write` is called. */
export interface BufferedWrites {
  write(): void;
  /** Drops the buffered writes. Called when their transaction was rolled back. */
  forget(): void;
}

class Table<Row extends readonly Column[]> implements BufferedTable<Row>, BufferedWrites {
  readonly #buffer: WriteBuffer;
  readonly #db: Db;
  readonly #insert: string;
  readonly #columns: number;
  readonly #statements = new Map<number, Statement<Column[], unknown>>();
  /** The values of all buffered rows, one row after the other. */
  #waiting: Column[] = [];

  constructor(buffer: WriteBuffer, db: Db, insert: string, columns: number) {
    this.#buffer = buffer;
    this.#db = db;
    this.#insert = insert;
    this.#columns = columns;
  }

  add(...row: Row): void {
    if (this.#waiting.length === 0) this.#buffer.add(this);
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

  /** Returns the values of the buffered rows, and empties the buffer. */
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

/** The write buffer of one database handle. */
export class WriteBuffer {
  readonly #db: Db;
  /**
   * The tables, and other writers, with something to write. All other tables cost nothing at a commit. It is an array,
   * because a Set allocates a new table whenever it is cleared.
   */
  #dirty: BufferedWrites[] = [];
  /** The buffered writes that only `finish` writes, just before the commit. */
  #last: BufferedWrites[] = [];

  constructor(db: Db) {
    this.#db = db;
  }

  /**
   * Opens a buffer for one table.
   * @param insert the statement before its `VALUES`, for example `INSERT INTO event`
   * @param columns the number of columns in each row
   */
  into<Row extends readonly Column[]>(insert: string, columns: Row["length"]): BufferedTable<Row> {
    return new Table<Row>(this, this.#db, insert, columns);
  }

  /** Adds buffered writes. The next `write` writes them. Adding the same writes twice has no further effect. */
  add(waiting: BufferedWrites): void {
    this.#dirty.push(waiting);
  }

  /**
   * Adds buffered writes that only `finish` writes. They may wait until the commit, because a model has the rows in
   * memory, and no method reads their table. If many calls change the same row, it is written only once. Adding the
   * same writes twice has no further effect.
   */
  addLast(waiting: BufferedWrites): void {
    this.#last.push(waiting);
  }

  /** Writes everything that is buffered. Called before the commit. */
  finish(): void {
    this.write();
    if (this.#last.length === 0) return;
    for (const waiting of this.#last) waiting.write();
    this.#last = [];
  }

  /**
   * Writes everything that is buffered, except the writes that were added by `addLast`. The rows of a table are written
   * in the order in which they were added.
   */
  write(): void {
    if (this.#dirty.length === 0) return;
    for (const waiting of this.#dirty) waiting.write();
    this.#dirty = [];
  }

  /** Drops everything that is buffered. Called when the transaction was rolled back. */
  forget(): void {
    for (const waiting of [...this.#dirty, ...this.#last]) waiting.forget();
    this.#dirty = [];
    this.#last = [];
  }
}
