/**
 * Defines the interface of a SQLite library, as far as Koor uses it: a database, a statement, and the names of errors.
 * Each adapter in this folder implements it for one library, and choice.ts selects the adapter. The interface is a
 * subset of better-sqlite3's, so that library needs no wrapper.
 */

/** The effect of a statement. */
export interface Changes {
  readonly changes: number;
  readonly lastInsertRowid: number | bigint;
}

/**
 * A compiled statement. Values are bound by position, or by name from one object. A result row is an object with a
 * member for each column. Integers are numbers, and blobs are Buffers.
 */
export interface Statement<Parameters extends unknown[], Row> {
  run(...parameters: Parameters): Changes;
  get(...parameters: Parameters): Row | undefined;
  all(...parameters: Parameters): Row[];
  /** Returns the rows one at a time. The same handle must not write until the iterator has ended. */
  iterate(...parameters: Parameters): IterableIterator<Row>;
  /** Makes the statement return the first column of each row. */
  pluck(): this;
  /** Makes the statement return each row as an array of its columns. */
  raw(): this;
}

/** One handle on a database, for one thread. */
export interface Db {
  /**
   * Whether a transaction is open on this handle, no matter how it was begun: by `transaction`, or by a plain SQL
   * statement.
   */
  readonly inTransaction: boolean;
  prepare<Parameters extends unknown[] | object = unknown[], Row = unknown>(
    sql: string,
  ): Parameters extends unknown[] ? Statement<Parameters, Row> : Statement<[Parameters], Row>;
  /** Runs SQL statements one after the other, without results. */
  exec(sql: string): unknown;
  /** Runs `PRAGMA text`. Returns its rows; with `simple`, only the first column of the first row. */
  pragma(text: string, options?: { readonly simple?: boolean }): unknown;
  /** Returns a function that runs `work` in a transaction. The transaction is rolled back if `work` throws. */
  transaction(work: () => void): () => void;
  /** Closes the handle with all of its statements and iterators. */
  close(): unknown;
}

export interface OpenOptions {
  /** Whether the handle is read-only. Opening a read-only handle never creates a file. */
  readonly readonly?: boolean;
  /** How long a statement waits while another handle holds the database, in ms; 5000 by default. */
  readonly timeoutMs?: number;
}

/** The names of the libraries, in the order in which they are tried. Operators use the same names. */
export const SQLITE_WAYS = ["node:sqlite", "better-sqlite3", "@photostructure/sqlite"] as const;
export type SqliteWay = (typeof SQLITE_WAYS)[number];

/** A library that was loaded and works with this Node. */
export interface SqliteLibrary {
  readonly way: SqliteWay;
  /**
   * Opens a handle.
   * @throws an error with one of SQLite's codes (`sqliteCode`)
   */
  open(path: string, options: OpenOptions): Db;
}

export const BUSY_TIMEOUT_MS_DEFAULT = 5000;
