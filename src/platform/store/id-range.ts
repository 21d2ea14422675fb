/**
 * Finds the rows of a time span in append-only tables. In these tables, a row with a higher id has no earlier time,
 * because the writer's clock never goes back while it runs. So the first row of a time is found by bisection over the
 * ids, without an index. There is one exception: if stored times were ahead of the machine's clock, later rows have
 * earlier times (settle-times.ts). The table `time_step` stores the last row before the times go back. The rows up to
 * that row are searched separately from the rows after it.
 */
import { TIME_MS_MAX, TIME_MS_MIN } from "../../base/time.js";
import type { Db } from "./open.js";

/** The append-only tables, each with the name of its time column. The times are in ms. */
export const TIME_COLUMNS = {
  audit: "at",
  event: "created_at",
  llm_usage: "created_at",
  compliance_run: "run_at",
  state_version: "updated_at",
  spec_version: "updated_at",
} as const;
export type TimedTable = keyof typeof TIME_COLUMNS;
export const TIMED_TABLES = Object.keys(TIME_COLUMNS) as readonly TimedTable[];

/** A number above the id of every row. */
const LAST_ID = Number.MAX_SAFE_INTEGER - 1;

/**
 * The ids from `first` up to, but not including, `end`. All rows of a time span are in the range, but so may be rows of
 * other times.
 */
export interface IdRange {
  readonly first: number;
  readonly end: number;
  /** The time span in ms, both ends inclusive. A query must also compare each row's time with it. */
  readonly from: number;
  readonly to: number;
}

/**
 * Returns the newest time in ms in these tables; 0 if they are empty. The writer must not use an earlier time for its
 * next batch.
 * @param schema "main", or the name of an attached database
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

/** Finds the rows between two times in ms, both inclusive. A time of null means no limit. */
export function idRange(db: Db, table: TimedTable, fromMs: number | null, toMs: number | null): IdRange {
  const from = fromMs ?? TIME_MS_MIN;
  const to = toMs ?? TIME_MS_MAX;
  const unbounded = { first: 0, end: Number.MAX_SAFE_INTEGER, from, to };
  if (fromMs === null && toMs === null) return unbounded;
  const steps = db.prepare<[string], number>("SELECT row FROM time_step WHERE name = ? ORDER BY row").pluck();
  const find = finder(db, table);
  let [first, end] = [LAST_ID, 0];
  let after = 0;
  for (const last of [...steps.all(table), LAST_ID]) {
    const part = {
      first: fromMs === null ? after + 1 : find(from, after, last),
      end: toMs === null ? last + 1 : find(to + 1, after, last),
    };
    if (part.first < part.end) {
      first = Math.min(first, part.first);
      end = Math.max(end, part.end);
    }
    after = last;
  }
  return { ...unbounded, first, end };
}

/**
 * Returns a function that finds the first id whose time is at least `timeMs`. It searches the ids above `after` and up
 * to `last`. If there is no such id, it returns the id after the last searched one.
 */
function finder(db: Db, table: TimedTable): (timeMs: number, after: number, last: number) => number {
  const edge = db.prepare<[number], { id: number; time: number }>(
    `SELECT id, ${TIME_COLUMNS[table]} AS time FROM ${table} WHERE id >= ? ORDER BY id LIMIT 1`,
  );
  const bounds = db
    .prepare<[], { low: number | null; high: number | null }>(
      `SELECT (SELECT min(id) FROM ${table}) AS low, (SELECT max(id) FROM ${table}) AS high`,
    )
    .get();
  return (timeMs, after, last) => {
    let low = Math.max(bounds?.low ?? 1, after + 1);
    let high = Math.min(bounds?.high ?? 0, last) + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = edge.get(middle);
      if (row === undefined || row.time >= timeMs) high = middle;
      else low = row.id + 1;
    }
    return low;
  };
}
