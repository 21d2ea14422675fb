/**
 * What Koor uses of a SQLite library: a database, a statement, and what its errors are called. Each adapter beside this
 * file fills it for one library; which of them is used, choice.ts decides. The shapes are those of better-sqlite3,
 * which needs no wrapper so.
 */

/** What a statement changed. */
export interface Changes {
  readonly changes: number;
  readonly lastInsertRowid: number | bigint;
}

/**
 * A compiled statement. Values are bound by position, or by name from one object. Of what is read, integers are
 * numbers, blobs Buffers, and a row an object by its columns' names.
 */
export interface Statement<Parameters extends unknown[], Row> {
  run(...parameters: Parameters): Changes;
  get(...parameters: Parameters): Row | undefined;
  all(...parameters: Parameters): Row[];
  /** One row at a time; nothing may be written through the same handle until it has ended. */
  iterate(...parameters: Parameters): IterableIterator<Row>;
  /** From now on a row is its first column. */
  pluck(): this;
  /** From now on a row is an array of its columns. */
  raw(): this;
}

/** One handle on a database, for one thread. */
export interface Db {
  /** Whether a transaction is open, by whichever statement. */
  readonly inTransaction: boolean;
  prepare<Parameters extends unknown[] | object = unknown[], Row = unknown>(
    sql: string,
  ): Parameters extends unknown[] ? Statement<Parameters, Row> : Statement<[Parameters], Row>;
  /** Runs one statement after the other; what they answer is dropped. */
  exec(sql: string): unknown;
  /** Runs `PRAGMA text`: its rows, or the first column of the first row where that is `simple`. */
  pragma(text: string, options?: { readonly simple?: boolean }): unknown;
  /** A function that carries out `work` in a transaction, rolled back where it throws. */
  transaction(work: () => void): () => void;
  /** Also what statements and iterators of it hold. */
  close(): unknown;
}

export interface OpenOptions {
  /** Nothing can be written, and a file that is missing is not made. */
  readonly readonly?: boolean;
  /** How long a statement waits where another handle holds the database, in ms; 5000 where it is left out. */
  readonly timeout_ms?: number;
}

/** The ways to SQLite by the names that operators know, in the order in which they are tried. */
export const SQLITE_WAYS = ["node:sqlite", "better-sqlite3", "@photostructure/sqlite"] as const;
export type SqliteWay = (typeof SQLITE_WAYS)[number];

/** A library that is loaded and works. */
export interface SqliteLibrary {
  readonly way: SqliteWay;
  /** @throws an error with one of SQLite's codes (`sqliteCode`) */
  open(path: string, options: OpenOptions): Db;
}

export const BUSY_TIMEOUT_MS_DEFAULT = 5000;
