/**
 * The tables in schema `koor` that all logs of a database share, each row under its log's name. Made where they are
 * missing, and looked at before they are used: what is there may be somebody else's. Statements of the shape only;
 * what is read and written is the session's and the snapshots'.
 */
import { LogError } from "./ordered-log.js";
import type { PostgresLink } from "./postgres-link.js";

interface Table {
  /** Name and type, as `format_type` writes it. */
  readonly columns: readonly (readonly [name: string, type: string])[];
  /** The columns of the primary key. */
  readonly key: readonly string[];
  /** A column that the database numbers. */
  readonly numbered?: string;
}

const TABLES: Readonly<Record<string, Table>> = {
  /** The newest id of each log: who appends has its row locked until the commit, so that ids have no gaps. */
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
  /** A snapshot is whole when its hash is there. */
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

/** Columns that are empty until a snapshot is whole. */
const NULLABLE: ReadonlySet<string> = new Set(["size", "sha256"]);

const LOOK = {
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

/** Throws where a table is not one of Koor's, or would be empty after a crash. */
function check({ name, kind, persistence, columns }: Found): void {
  const wanted = TABLES[name];
  if (wanted === undefined) return;
  if (kind !== "r" || columns !== listColumns(wanted))
    throw new LogError("foreign", `table koor.${name} is not as Koor makes it: it has ${columns}`);
  if (persistence !== "p")
    throw new LogError("unsafe", `table koor.${name} is UNLOGGED: a crash of the server would empty it`);
}

/** The names of the tables that are there. */
async function findTables(link: PostgresLink): Promise<ReadonlySet<string>> {
  const found = await link.ask<Found>(LOOK, [Object.keys(TABLES)]);
  for (const table of found) check(table);
  return new Set(found.map(({ name }) => name));
}

/**
 * Whether there are tables, which then are all there.
 * @throws LogError where they are others
 */
export async function lookForTables(link: PostgresLink): Promise<boolean> {
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
 * Makes the tables that are missing. In a transaction of the caller's, who keeps others from doing the same.
 * @throws LogError where some are others
 */
export async function makeTables(link: PostgresLink): Promise<void> {
  const found = await findTables(link);
  const [schema] = await link.ask<{ there: boolean }>({
    text: "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'koor') AS there",
  });
  // Not IF NOT EXISTS: that needs the right to make a schema even where there is nothing to make.
  if (schema?.there !== true) await link.ask({ text: "CREATE SCHEMA koor" });
  for (const [name, table] of Object.entries(TABLES)) {
    if (found.has(name)) continue;
    await link.ask({ text: defineTable(name, table) });
    // Entries and snapshots are not worth compressing, and parts of what is not compressed can be read alone.
    if (table.columns.some(([column]) => column === "bytes"))
      await link.ask({ text: `ALTER TABLE koor.${name} ALTER bytes SET STORAGE EXTERNAL` });
  }
}
