/**
 * Defines, creates and checks the tables in the schema `koor`. All logs of a database share these tables, and each row
 * names its log. Missing tables are created. Existing tables are checked before use, because another program may have
 * made them.
 */
import { LogError } from "./ordered-log.js";
import type { PostgresLink } from "./postgres-link.js";

interface Table {
  /** The columns. Types are written as PostgreSQL's function `format_type` returns them. */
  readonly columns: readonly (readonly [name: string, type: string])[];
  /** The columns of the primary key. */
  readonly key: readonly string[];
  /** The column that the database numbers by itself; undefined if there is none. */
  readonly numbered?: string;
}

const TABLES: Readonly<Record<string, Table>> = {
  /**
   * One row for each log, which holds the log's newest id. An append locks the row until the commit, so ids have no
   * gaps.
   */
  log_head: {
    columns: [
      ["name", "text"],
      ["generation", "text"],
      ["seq", "bigint"],
    ],
    key: ["name"],
  },
  log_entry: {
    columns: [
      ["name", "text"],
      ["seq", "bigint"],
      ["bytes", "bytea"],
    ],
    key: ["name", "seq"],
  },
  /** One row for each snapshot. A snapshot is complete once its hash is set. */
  snapshot: {
    columns: [
      ["id", "bigint"],
      ["name", "text"],
      ["position", "bigint"],
      ["generation", "text"],
      ["size", "bigint"],
      ["sha256", "bytea"],
    ],
    key: ["id"],
    numbered: "id",
  },
  snapshot_piece: {
    columns: [
      ["snapshot", "bigint"],
      ["place", "bigint"],
      ["bytes", "bytea"],
    ],
    key: ["snapshot", "place"],
  },
};

/** The columns that are empty until a snapshot is complete. */
const NULLABLE: ReadonlySet<string> = new Set(["size", "sha256"]);

const FIND_TABLES = {
  text: `
    SELECT c.relname AS name, c.relkind AS kind, c.relpersistence AS persistence,
      string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum) AS columns
    FROM pg_namespace AS n
    JOIN pg_class AS c ON c.relnamespace = n.oid
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE n.nspname = 'koor' AND c.relname = ANY($1::text[])
    GROUP BY c.relname, c.relkind, c.relpersistence`,
};

interface Found {
  readonly name: string;
  readonly kind: string;
  readonly persistence: string;
  readonly columns: string;
}

function listColumns({ columns }: Table): string {
  return columns.map((column) => column.join(" ")).join(", ");
}

/**
 * Throws if a table does not have Koor's columns. Also throws if it is an unlogged table, which PostgreSQL empties
 * after a crash.
 */
function check({ name, kind, persistence, columns }: Found): void {
  const wanted = TABLES[name];
  if (wanted === undefined) return;
  if (kind !== "r" || columns !== listColumns(wanted))
    throw new LogError("foreign", `table koor.${name} is not as Koor makes it: it has ${columns}`);
  if (persistence !== "p")
    throw new LogError("unsafe", `table koor.${name} is UNLOGGED: a crash of the server would empty it`);
}

/** Returns the names of Koor's tables that exist in the database. */
async function findTables(link: PostgresLink): Promise<ReadonlySet<string>> {
  const found = await link.ask<Found>(FIND_TABLES, [Object.keys(TABLES)]);
  for (const table of found) check(table);
  return new Set(found.map(({ name }) => name));
}

/**
 * Whether the tables exist: true if all of them do, false if none does.
 * @throws LogError if only some exist, or if they are not Koor's tables
 */
export async function tablesExist(link: PostgresLink): Promise<boolean> {
  const found = await findTables(link);
  if (found.size === 0) return false;
  const missing = Object.keys(TABLES).filter((name) => !found.has(name));
  if (missing.length > 0)
    throw new LogError("foreign", `of Koor's tables in schema koor ${missing.join(", ")} is missing`);
  return true;
}

function defineTable(name: string, table: Table): string {
  const columns = table.columns.map(([column, type]) =>
    [
      column,
      type,
      ...(NULLABLE.has(column) ? [] : ["NOT NULL"]),
      ...(table.numbered === column ? ["GENERATED ALWAYS AS IDENTITY"] : []),
    ].join(" "),
  );
  return `CREATE TABLE koor.${name} (${columns.join(", ")}, PRIMARY KEY (${table.key.join(", ")}))`;
}

/**
 * Creates the missing tables. Must run in a transaction, while no other node does the same.
 * @throws LogError if an existing table is not Koor's
 */
export async function createTables(link: PostgresLink): Promise<void> {
  const found = await findTables(link);
  const [schema] = await link.ask<{ there: boolean }>({
    text: "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'koor') AS there",
  });
  // Do not use IF NOT EXISTS: it needs the right to create a schema even if the schema exists.
  if (schema?.there !== true) await link.ask({ text: "CREATE SCHEMA koor" });
  for (const [name, table] of Object.entries(TABLES)) {
    if (found.has(name)) continue;
    await link.ask({ text: defineTable(name, table) });
    // Store the bytes uncompressed. Compression would gain little, and only from an uncompressed value can PostgreSQL
    // read a part without reading all of it.
    if (table.columns.some(([column]) => column === "bytes"))
      await link.ask({ text: `ALTER TABLE koor.${name} ALTER bytes SET STORAGE EXTERNAL` });
  }
}
