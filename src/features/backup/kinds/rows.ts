/**
 * Builds a kind whose records are the rows of one table. Each column is one member of the record. Such a kind only
 * declares the member and the type of each column. The code for reading, checking and writing is here. Most kinds are
 * built in this way. Runs SQL, in the worker pool and in the restore thread.
 */
import { RESTORED_NUMBER_MAX } from "../../../../schemas/limits/backup.js";
import { CLOCK_LEAD_MS_MAX } from "../../../../schemas/limits/store.js";
import { toOneLine } from "../../../../shared/json-text.js";
import { formatTime, parseTime } from "../../../base/time.js";
import type { Db } from "../../../platform/store/open.js";
import type { Kind, KindWriter, SnapshotRecord } from "../kind.js";

type Stored = string | number | Buffer | null;

/**
 * Converts between the value of a column and the value of a record's member. `decode` returns undefined if the member
 * has the wrong type.
 */
interface ColumnType {
  readonly expected: string;
  readonly encode: (value: Stored) => string;
  readonly decode: (value: unknown, exact: string) => Stored | undefined;
  /** The value of the column if the record lacks the member. If `absent` is undefined, the member is required. */
  readonly absent?: Stored;
  /** True if the member is left out of the record when the column is null. */
  readonly sparse?: true;
}

const JSON_TYPE = (expected: string, decode: ColumnType["decode"]): ColumnType => ({
  expected,
  encode: (value) => JSON.stringify(value),
  decode,
});

export const TEXT = JSON_TYPE("text", (value) =>
  typeof value === "string" && value.isWellFormed() ? value : undefined,
);
export const WHOLE = JSON_TYPE("a whole number that is not negative", (value) =>
  Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : undefined,
);
/** A number that the server counts up from, such as an id, a row or a fence. */
export const COUNTED = JSON_TYPE(`a whole number from 0 to ${RESTORED_NUMBER_MAX}`, (value) =>
  isCounted(value) ? Number(value) : undefined,
);
/** Returns whether a number is whole, not negative, and small enough that the server can count up from it. */
export function isCounted(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= RESTORED_NUMBER_MAX;
}
export const NUMBER = JSON_TYPE("a number", (value) => (typeof value === "number" ? value : undefined));
/** A column with a time in milliseconds since the epoch. In records, the time is text. */
export const TIME: ColumnType = {
  expected: "a time",
  encode: (value) => `"${formatTime(Number(value))}"`,
  decode: (value) => (typeof value === "string" ? parseTime(value) : undefined),
};
/** A column with 0 or 1. In records, the value is false or true. */
export const SWITCH: ColumnType = {
  expected: "true or false",
  encode: (value) => (value === 1 ? "true" : "false"),
  decode: (value) => (typeof value === "boolean" ? Number(value) : undefined),
};
/** A column with JSON text. In records, it is a JSON value whose numbers keep their digits. */
export const JSON_VALUE: ColumnType = {
  expected: "JSON",
  encode: (value) => toOneLine(String(value)),
  decode: (_value, exact) => toOneLine(exact),
};

/** Returns a type that also allows null, both in the table and in records. */
export function nullable(type: ColumnType): ColumnType {
  return {
    expected: `${type.expected}, or null`,
    encode: (value) => (value === null ? "null" : type.encode(value)),
    decode: (value, exact) => (value === null ? null : type.decode(value, exact)),
  };
}

/**
 * Returns a type whose member may be absent from a record. An absent member counts as null. The type is for columns
 * that snapshots of earlier versions lack.
 */
export function later(type: ColumnType): ColumnType {
  return { ...type, absent: null };
}

/**
 * Returns a type whose member is left out of the record if the column is null. It is for columns that are null in most
 * rows.
 */
export function sparse(type: ColumnType): ColumnType {
  return { ...later(type), sparse: true };
}

export interface RowKindOptions {
  readonly name: string;
  readonly table: string;
  /**
   * The columns that the records contain, with their types. If the member of the record has another name than the
   * column, the value is a pair of the member's name and the type.
   */
  readonly columns: Readonly<Record<string, ColumnType | readonly [member: string, type: ColumnType]>>;
  /** The columns that records do not contain. */
  readonly left_out?: readonly string[];
  /**
   * Computes the values of the columns in `left_out`. Returns an error text if the record is invalid. The types of the
   * record's members were already checked.
   */
  readonly complete?: (members: SnapshotRecord["members"]) => readonly Stored[] | string;
  /** Tables that are computed from the restored rows, and the SQL that fills them after the last row. */
  readonly derived?: { readonly tables: readonly string[]; readonly fill: string };
  /** The columns by which the records are sorted. They form a primary key. */
  readonly order: string;
  /**
   * The column with times that grow with `id`. Their order is checked, because store/id-range.ts searches them by
   * bisection.
   */
  readonly timed?: string;
}

interface Column {
  readonly column: string;
  readonly member: string;
  readonly type: ColumnType;
}

/** Builds a kind from the columns of a table. */
export function rowKind(options: RowKindOptions): Kind {
  const columns: readonly Column[] = Object.entries(options.columns).map(([column, type]) =>
    "expected" in type ? { column, member: column, type } : { column, member: type[0], type: type[1] },
  );
  return {
    name: options.name,
    tables: [options.table, ...(options.derived?.tables ?? [])],
    read: (models) => readRows(models.db, options, columns),
    writer: (db) => new RowWriter(db, options, columns),
  };
}

function* readRows(
  db: Db,
  { name, table, order }: RowKindOptions,
  columns: readonly Column[],
): Generator<string, void, undefined> {
  const rows = db.prepare<[], Readonly<Record<string, Stored>>>(
    `SELECT ${columns.map(({ column }) => column).join(", ")} FROM ${table} ORDER BY ${order}`,
  );
  for (const row of rows.iterate()) {
    let text = `{"kind":"${name}"`;
    for (const { column, member, type } of columns) {
      const value = row[column] ?? null;
      if (value !== null || type.sparse !== true) text += `,"${member}":${type.encode(value)}`;
    }
    yield `${text}}`;
  }
}

class RowWriter implements KindWriter {
  readonly #columns: readonly Column[];
  readonly #insert;
  readonly #db: Db;
  readonly #fill: string | undefined;
  readonly #complete: NonNullable<RowKindOptions["complete"]>;
  readonly #id: number;
  readonly #time: number;
  #newestId = -1;
  #newestTime = Number.NEGATIVE_INFINITY;

  constructor(
    db: Db,
    { table, left_out = [], complete = () => [], derived, timed }: RowKindOptions,
    columns: readonly Column[],
  ) {
    const names = [...columns.map(({ column }) => column), ...left_out];
    this.#columns = columns;
    this.#db = db;
    this.#fill = derived?.fill;
    this.#complete = complete;
    this.#insert = db.prepare(`INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`);
    this.#id = timed === undefined ? -1 : columns.findIndex(({ column }) => column === "id");
    this.#time = columns.findIndex(({ column }) => column === timed);
  }

  add(record: SnapshotRecord): string | null {
    const values: Stored[] = [];
    for (const { member, type } of this.#columns) {
      const exact = record.exact(member);
      if (exact === undefined && type.absent === undefined) return `${member} is required`;
      const value = exact === undefined ? type.absent : type.decode(record.members[member], exact);
      if (value === undefined) return `${member} must be ${type.expected}`;
      values.push(value);
    }
    if (this.#id >= 0) {
      const id = Number(values[this.#id]);
      const time = Number(values[this.#time]);
      if (id <= this.#newestId) return "ids must grow";
      // A time may be earlier than the previous one by more than CLOCK_LEAD_MS_MAX, because a wrong clock may have been
      // corrected in between.
      if (time < this.#newestTime && time >= this.#newestTime - CLOCK_LEAD_MS_MAX) return "times must not go back";
      this.#newestId = id;
      this.#newestTime = time;
    }
    const others = this.#complete(record.members);
    if (typeof others === "string") return others;
    this.#insert.run(...values, ...others);
    return null;
  }

  finish(): void {
    if (this.#fill !== undefined) this.#db.exec(this.#fill);
  }
}

/** Returns true if a value is an array of texts. */
export function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
