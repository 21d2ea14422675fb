/** Says which tables and columns of a database have no value, for the databases of test/upgrade. */
import type { Db } from "../../src/platform/store/sqlite/library.js";

/** The tables that only a node of a cluster fills, and a column that has a value only if a queue of 10000 was full. */
const EMPTY: ReadonlySet<string> = new Set(["log_position", "cluster_node", "data_directory", "webhook.dropped"]);

/** Returns the names of the tables without a row, and of the columns that are null in each row. */
export function findEmpty(db: Db): string[] {
  const names = (sql: string): string[] => db.prepare<[], string>(sql).pluck().all();
  const has = (table: string, condition: string): boolean =>
    db.prepare(`SELECT 1 FROM ${table} WHERE ${condition} LIMIT 1`).get() !== undefined;
  return names("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .flatMap((table) => {
      if (!has(table, "true")) return [table];
      const columns = names(`SELECT name FROM pragma_table_info('${table}') ORDER BY cid`);
      return columns.filter((column) => !has(table, `"${column}" IS NOT NULL`)).map((column) => `${table}.${column}`);
    })
    .filter((name) => !EMPTY.has(name));
}
