/**
 * Spans of time over append-only tables. Rows in the order of their ids are in the order of their times
 * (the writer's clock never goes back), so a time is found by bisection over ids and needs no index.
 */
import type { Db } from "./open.js";

/** Tables that are appended to, with the column of their time in ms. */
const TIME_COLUMNS = {
  audit: "at",
  event: "created_at",
  llm_usage: "created_at",
  compliance_run: "run_at",
  state_version: "updated_at",
  spec_version: "updated_at",
} as const;
export type TimedTable = keyof typeof TIME_COLUMNS;

/**
 * The newest time in ms that a row of these tables has, 0 where there is none: the time of a batch is never
 * before it.
 * @param schema "main", or the name under which another database is attached
 */
export function newestTime(db: Db, schema: string): number {
  const newest = Object.entries(TIME_COLUMNS).map(
    ([table, column]) => `coalesce((SELECT ${column} FROM ${schema}.${table} ORDER BY id DESC LIMIT 1), 0)`,
  );
  return (
    db
      .prepare<[], number>(`SELECT max(${newest.join(", ")})`)
      .pluck()
      .get() ?? 0
  );
}

/** The ids that lie between two times in ms, both inclusive and null for unbounded: [first, end). */
export function idRange(
  db: Db,
  table: TimedTable,
  from_ms: number | null,
  to_ms: number | null,
): { readonly first: number; readonly end: number } {
  return {
    first: from_ms === null ? 0 : firstIdFrom(db, table, from_ms),
    end: to_ms === null ? Number.MAX_SAFE_INTEGER : firstIdFrom(db, table, to_ms + 1),
  };
}

function firstIdFrom(db: Db, table: TimedTable, time_ms: number): number {
  const edge = db.prepare<[number], { id: number; time: number }>(
    `SELECT id, ${TIME_COLUMNS[table]} AS time FROM ${table} WHERE id >= ? ORDER BY id LIMIT 1`,
  );
  const bounds = db
    .prepare<[], { low: number | null; high: number | null }>(
      `SELECT (SELECT min(id) FROM ${table}) AS low, (SELECT max(id) FROM ${table}) AS high`,
    )
    .get();
  let low = bounds?.low ?? 1;
  let high = (bounds?.high ?? 0) + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = edge.get(middle);
    if (row === undefined || row.time >= time_ms) high = middle;
    else low = row.id + 1;
  }
  return low;
}
