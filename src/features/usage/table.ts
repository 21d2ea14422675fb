/**
 * The SQL of LLM usage. The writer appends rows. The pool and the front list rows and compute sums. A stored row never
 * changes. encode.ts converts rows to JSON.
 */
import {
  USAGE_GROUPS,
  USAGE_INTERVALS,
  type UsageGroup,
  type UsageInterval,
  type UsageListRequest,
  type UsageRecordRequest,
  type UsageSummaryRequest,
} from "../../../schemas/usage.js";
import { must } from "../../base/assert.js";
import { idRange } from "../../platform/store/id-range.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";
import type { UsageRow } from "./encode.js";
import type { IntervalTotals } from "./series.js";
import { joinTokens, roundCost, TOKENS_SPLIT, type GroupTotals, type Totals } from "./totals.js";

export class UsageAppender {
  readonly #insert: Statement<
    [number, string, string, string, string, string, string, number, number, number],
    unknown
  >;

  constructor(db: Db) {
    this.#insert = db.prepare(
      `INSERT INTO llm_usage
         (created_at, instance_id, project, session_tag, provider, model, request_type, tokens_in, tokens_out, cost_usd)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
  }

  append(usage: UsageRecordRequest, nowMs: number): UsageRow {
    const { lastInsertRowid } = this.#insert.run(
      nowMs,
      usage.instance_id,
      usage.project,
      usage.session_tag,
      usage.provider,
      usage.model,
      usage.request_type,
      usage.tokens_in,
      usage.tokens_out,
      usage.cost_usd,
    );
    return { ...usage, id: Number(lastInsertRowid), created_at: nowMs };
  }
}

export const usageAppender: Model<UsageAppender> = { open: ({ db }) => new UsageAppender(db) };

/** Returns the matching rows, the newest first. */
export function listRows(db: Db, { filter, from, to, before, limit }: UsageListRequest): IterableIterator<UsageRow> {
  const range = idRange(db, "llm_usage", from, to);
  const conditions = ["id >= ?", "id < ?", "created_at BETWEEN ? AND ?"];
  const values: (string | number)[] = [range.first, Math.min(range.end, before ?? range.end), range.from, range.to];
  if (filter !== null) {
    // SQLite uses a partial index only if the query repeats the condition of the index.
    conditions.push(`${filter.by} = ?`, `${filter.by} <> ''`);
    values.push(filter.value);
  }
  return db
    .prepare<(string | number)[], UsageRow>(
      `SELECT * FROM llm_usage WHERE ${conditions.join(" AND ")} ORDER BY id DESC LIMIT ?`,
    )
    .iterate(...values, limit);
}

interface SumRow {
  readonly name: string;
  readonly in_high: number;
  readonly in_low: number;
  readonly out_high: number;
  readonly out_low: number;
  readonly cost: number;
  readonly rows: number;
}

/**
 * The SQL expressions for the sums of a group. Tokens are summed in two parts (totals.ts). SQLite's sum of integers
 * fails beyond 2^63, which a thousand rows can reach.
 */
const SUMS = `
  total(tokens_in / ${TOKENS_SPLIT}) AS in_high, total(tokens_in % ${TOKENS_SPLIT}) AS in_low,
  total(tokens_out / ${TOKENS_SPLIT}) AS out_high, total(tokens_out % ${TOKENS_SPLIT}) AS out_low,
  total(cost_usd) AS cost, count(*) AS rows`;

function totalsOf(row: SumRow): Totals {
  return {
    tokens_in: joinTokens(row.in_high, row.in_low),
    tokens_out: joinTokens(row.out_high, row.out_low),
    cost_usd: roundCost(row.cost),
    requests: row.rows,
  };
}

/** The SQL condition for the rows within a time range. */
const WITHIN = "id >= ? AND id < ? AND created_at BETWEEN ? AND ?";

/**
 * Iterates over the sums of each group within a time range, sorted by the names of the groups.
 * @param after only groups whose names sort after this one; null for all groups
 */
export function* sumGroups(
  db: Db,
  { group_by, from, to, after }: Pick<UsageSummaryRequest, "group_by" | "from" | "to" | "after">,
): Generator<GroupTotals, void, undefined> {
  const range = idRange(db, "llm_usage", from, to);
  const column = USAGE_GROUPS[group_by];
  const values: (string | number)[] = [range.first, range.end, range.from, range.to];
  if (after !== null) values.push(after);
  const rows = db
    .prepare<(string | number)[], SumRow>(
      `SELECT ${column} AS name, ${SUMS} FROM llm_usage WHERE ${WITHIN} ${after === null ? "" : `AND ${column} > ?`}
       GROUP BY ${column} ORDER BY ${column}`,
    )
    .iterate(...values);
  for (const row of rows) yield [row.name, totalsOf(row)];
}

/** Returns the sums of all rows within a time range. */
export function sumAll(db: Db, from: number | null, to: number | null): Totals {
  const range = idRange(db, "llm_usage", from, to);
  const row = db
    .prepare<number[], SumRow>(`SELECT '' AS name, ${SUMS} FROM llm_usage WHERE ${WITHIN}`)
    .get(range.first, range.end, range.from, range.to);
  return totalsOf(must(row, "a sum without groups is one row"));
}

/**
 * Iterates over the sums of each group in each interval of a time range. They are sorted by interval, oldest first, and
 * then by the name of the group.
 * @param limit the maximum number of sums; the first ones are returned
 */
export function* sumSeries(
  db: Db,
  groupBy: UsageGroup,
  interval: UsageInterval,
  from: number | null,
  to: number | null,
  limit: number,
): Generator<IntervalTotals, void, undefined> {
  const range = idRange(db, "llm_usage", from, to);
  const ms = USAGE_INTERVALS[interval];
  // Add `ms` to the remainder, because SQLite's remainder is negative for times before 1970. A restore can bring such
  // times.
  const rows = db
    .prepare<number[], SumRow & { readonly start_ms: number }>(
      `SELECT created_at - (created_at % ${ms} + ${ms}) % ${ms} AS start_ms, ${USAGE_GROUPS[groupBy]} AS name, ${SUMS}
       FROM llm_usage WHERE ${WITHIN} GROUP BY start_ms, name ORDER BY start_ms, name LIMIT ?`,
    )
    .iterate(range.first, range.end, range.from, range.to, limit);
  for (const row of rows) yield { start_ms: row.start_ms, group: [row.name, totalsOf(row)] };
}
