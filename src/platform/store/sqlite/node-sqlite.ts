/**
 * Adapts two libraries to the interface in library.ts. node:sqlite is built into Node. @photostructure/sqlite has the
 * same API, because it is a port of node:sqlite to Node's stable binary interface. The adapter hides how both differ
 * from better-sqlite3.
 */
import { createRequire } from "node:module";
import {
  BUSY_TIMEOUT_MS_DEFAULT,
  type Changes,
  type Db,
  type SqliteLibrary,
  type SqliteWay,
  type Statement,
} from "./library.js";
import { sqliteError, TEXT_NOT_KEPT } from "./codes.js";

/** The part of a statement of these libraries that the adapter uses. */
interface NativeStatement {
  run(...parameters: unknown[]): Changes;
  get(...parameters: unknown[]): unknown[] | undefined;
  all(...parameters: unknown[]): unknown[][];
  iterate(...parameters: unknown[]): Iterator<unknown[]>;
  columns(): readonly { readonly name: string | null }[];
  setReturnArrays(on: boolean): void;
  setAllowUnknownNamedParameters(on: boolean): void;
  setReadBigInts(on: boolean): void;
}

/** The part of a database of these libraries that the adapter uses. */
interface NativeDatabase {
  readonly isTransaction: boolean;
  prepare(sql: string): NativeStatement;
  exec(sql: string): void;
  close(): void;
}

interface NativeModule {
  readonly DatabaseSync: new (path: string, options: object) => NativeDatabase;
}

/** The size of the page cache; better-sqlite3's build has the same default. A negative size is in KiB. */
const CACHE_SIZE_KIB = -16_000;

type Make<Row> = (columns: unknown[]) => Row;

/**
 * Throws if a text contains a NUL, because the libraries would silently truncate the text there. Node 22 truncates it
 * when it reads the text, and @photostructure/sqlite when it binds the text.
 */
function checkTexts(parameters: readonly unknown[]): void {
  for (const value of parameters) {
    if (typeof value === "string") {
      if (value.includes("\0")) throw sqliteError("a text holds a NUL, which this SQLite cannot keep", TEXT_NOT_KEPT);
    } else if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value))
      checkTexts(Object.values(value));
  }
}

/**
 * Runs a read that may return integers beyond 2^53, and rounds them as better-sqlite3 does. For such an integer, the
 * two libraries throw. The read is then repeated with all integers as BigInts.
 */
function withLargeIntegers<Read>(statement: NativeStatement, read: () => Read): Read {
  try {
    return read();
  } catch (error) {
    // If an integer is too large, `all` of @photostructure/sqlite throws an error that has neither a code of Node nor
    // one of SQLite.
    const { code, errcode } = error as { readonly code?: string; readonly errcode?: number };
    if (code !== "ERR_OUT_OF_RANGE" && !(code === "ERR_SQLITE_ERROR" && errcode === undefined)) throw error;
    statement.setReadBigInts(true);
    try {
      return read();
    } finally {
      statement.setReadBigInts(false);
    }
  }
}

/**
 * Converts a value to the type that better-sqlite3 returns. A byte array becomes a Buffer over the same memory. A
 * BigInt becomes a number.
 */
function levelled(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (!(value instanceof Uint8Array)) return value;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

class NodeIterator<Row> implements IterableIterator<Row> {
  readonly #rows: Iterator<unknown[]>;
  readonly #make: Make<Row>;

  constructor(rows: Iterator<unknown[]>, make: Make<Row>) {
    this.#rows = rows;
    this.#make = make;
  }

  next(): IteratorResult<Row> {
    const { done, value } = this.#rows.next() as IteratorResult<unknown[], undefined>;
    return done === true ? { done, value: undefined } : { done: false, value: this.#make(value) };
  }

  return(): IteratorResult<Row> {
    this.#rows.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.iterator](): this {
    return this;
  }
}

class NodeStatement<Parameters extends unknown[], Row> implements Statement<Parameters, Row> {
  readonly #statement: NativeStatement;
  readonly #checksTexts: boolean;
  #make: Make<Row>;

  /**
   * @param db the statement's database. The reference keeps it alive, because @photostructure/sqlite closes a database
   * that is garbage-collected
   */
  constructor(
    readonly db: NativeDatabase,
    statement: NativeStatement,
    checksTexts: boolean,
  ) {
    this.#statement = statement;
    this.#checksTexts = checksTexts;
    // Read rows as arrays. Even with building an object from each array, this is faster than reading the libraries' own
    // objects.
    statement.setReturnArrays(true);
    statement.setAllowUnknownNamedParameters(true);
    let names: string[] | undefined;
    this.#make = (columns) => {
      names ??= statement.columns().map(({ name }) => name ?? "");
      const row: Record<string, unknown> = {};
      for (let at = 0; at < names.length; at++) row[names[at] as string] = levelled(columns[at]);
      return row as Row;
    };
  }

  run(...parameters: Parameters): Changes {
    if (this.#checksTexts) checkTexts(parameters);
    return this.#statement.run(...parameters);
  }

  get(...parameters: Parameters): Row | undefined {
    if (this.#checksTexts) checkTexts(parameters);
    const statement = this.#statement;
    const columns = withLargeIntegers(statement, () => statement.get(...parameters));
    return columns === undefined ? undefined : this.#make(columns);
  }

  all(...parameters: Parameters): Row[] {
    if (this.#checksTexts) checkTexts(parameters);
    const statement = this.#statement;
    return withLargeIntegers(statement, () => statement.all(...parameters)).map((columns) => this.#make(columns));
  }

  iterate(...parameters: Parameters): IterableIterator<Row> {
    if (this.#checksTexts) checkTexts(parameters);
    return new NodeIterator(this.#statement.iterate(...parameters), this.#make);
  }

  pluck(): this {
    this.#make = (columns) => levelled(columns[0]) as Row;
    return this;
  }

  raw(): this {
    this.#make = (columns) => columns.map(levelled) as Row;
    return this;
  }
}

class NodeDatabase implements Db {
  readonly #db: NativeDatabase;
  readonly #checksTexts: boolean;
  #open = true;

  constructor(db: NativeDatabase, checksTexts: boolean) {
    this.#db = db;
    this.#checksTexts = checksTexts;
  }

  get inTransaction(): boolean {
    return this.#db.isTransaction;
  }

  prepare<Parameters extends unknown[] | object = unknown[], Row = unknown>(
    sql: string,
  ): Parameters extends unknown[] ? Statement<Parameters, Row> : Statement<[Parameters], Row> {
    const statement = new NodeStatement<unknown[], Row>(this.#db, this.#db.prepare(sql), this.#checksTexts);
    return statement as unknown as Parameters extends unknown[]
      ? Statement<Parameters, Row>
      : Statement<[Parameters], Row>;
  }

  exec(sql: string): void {
    this.#db.exec(sql);
  }

  pragma(text: string, { simple = false }: { readonly simple?: boolean } = {}): unknown {
    const statement = this.prepare(`PRAGMA ${text}`);
    if (simple) return statement.pluck().get();
    return statement.all();
  }

  transaction(work: () => void): () => void {
    return () => {
      this.exec("BEGIN");
      try {
        work();
        this.exec("COMMIT");
      } catch (error) {
        if (this.inTransaction) this.exec("ROLLBACK");
        throw error;
      }
    };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    // Roll back an open transaction. Otherwise @photostructure/sqlite would keep the handle and its locks until the
    // handle's last statement is garbage-collected.
    if (this.inTransaction) this.exec("ROLLBACK");
    this.#db.close();
  }
}

function libraryOf(way: SqliteWay, module: NativeModule): SqliteLibrary {
  const { DatabaseSync } = module;
  const probe = new DatabaseSync(":memory:", {});
  const statement = probe.prepare("SELECT ?");
  statement.setReturnArrays(true);
  const checksTexts = statement.get("a\0b")?.[0] !== "a\0b";
  probe.close();
  return {
    way,
    open: (path, { readonly = false, timeoutMs = BUSY_TIMEOUT_MS_DEFAULT }) => {
      const db = new DatabaseSync(path, { readOnly: readonly, timeout: timeoutMs });
      db.exec(`PRAGMA cache_size = ${CACHE_SIZE_KIB}`);
      return new NodeDatabase(db, checksTexts);
    },
  };
}

/**
 * @throws if this Node was built without node:sqlite
 */
export function loadNodeSqlite(): SqliteLibrary {
  const load = createRequire(import.meta.url);
  const emitWarning = process.emitWarning.bind(process);
  // Suppress warnings during the load, because node:sqlite warns in each thread that it is experimental, and the
  // operator does not need that warning.
  process.emitWarning = () => undefined;
  try {
    return libraryOf("node:sqlite", load("node:sqlite") as NativeModule);
  } finally {
    process.emitWarning = emitWarning;
  }
}

/**
 * Loads @photostructure/sqlite.
 * @throws if the package is not installed, or has no binary for this system
 */
export function loadPort(): SqliteLibrary {
  const load = createRequire(import.meta.url);
  return libraryOf("@photostructure/sqlite", load("@photostructure/sqlite") as NativeModule);
}
