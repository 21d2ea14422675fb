/**
 * Defines the interface of a SQLite library, as far as Koor uses it: a database, a statement, and the names of errors.
 * Each adapter in this folder implements it for one library, and choice.ts decides which one is used. The interface is
 * a part of that of better-sqlite3, which therefore needs no wrapper.
 */

/** The effect of a statement. */
export interface Changes {
  readonly changes: number;
  readonly lastInsertRowid: number | bigint;
}

/**
 * A compiled statement. Values are bound by position, or by name from one object. In results, integers are numbers,
 * blobs are Buffers, and a row is an object with a member for each column.
 */
export interface Statement<Parameters extends unknown[], Row> {
  run(...parameters: Parameters): Changes;
  get(...parameters: Parameters): Row | undefined;
  all(...parameters: Parameters): Row[];
  /** Returns the rows one at a time. Nothing may be written through the same handle until the iterator has ended. */
  iterate(...parameters: Parameters): IterableIterator<Row>;
  /** Makes the statement return the first column of each row. */
  pluck(): this;
  /** Makes the statement return each row as an array of its columns. */
  raw(): this;
}

/** One handle on a database, for one thread. */
export interface Db {
  /** Whether a transaction is open on this handle, whichever statement began it. */
  readonly inTransaction: boolean;
  prepare<Parameters extends unknown[] | object = unknown[], Row = unknown>(
    sql: string,
  ): Parameters extends unknown[] ? Statement<Parameters, Row> : Statement<[Parameters], Row>;
  /** Runs SQL statements one after the other, and drops their results. */
  exec(sql: string): unknown;
  /** Runs `PRAGMA text`. Returns its rows, or the first column of the first row if `simple`. */
  pragma(text: string, options?: { readonly simple?: boolean }): unknown;
  /** Returns a function that runs `work` in a transaction, which is rolled back if `work` throws. */
  transaction(work: () => void): () => void;
  /** Closes the handle, and all of its statements and iterators. */
  close(): unknown;
}

export interface OpenOptions {
  /** Whether the handle only reads. If so, a missing file is not created. */
  readonly readonly?: boolean;
  /** For how long a statement waits while another handle holds the database, in ms; 5000 by default. */
  readonly timeout_ms?: number;
}

/** The libraries, by the names that operators know, in the order in which they are tried. */
export const SQLITE_WAYS = ["node:sqlite", "better-sqlite3", "@photostructure/sqlite"] as const;
export type SqliteWay = (typeof SQLITE_WAYS)[number];

/** A library that is loaded and that works with this Node. */
export interface SqliteLibrary {
  readonly way: SqliteWay;
  /**
   * @throws an error with one of SQLite's codes (`sqliteCode`)
   */
  open(path: string, options: OpenOptions): Db;
}

export const BUSY_TIMEOUT_MS_DEFAULT = 5000;
