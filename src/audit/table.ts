/** The SQL of the audit log: appending (writer) and reading (pool, front). Rows are never changed. */
import type { AuditListRequest, AuditSummaryRequest } from "../../schemas/audit.js";
import { idRange } from "../store/id-range.js";
import type { DeferredRows, DeferredTable } from "../store/deferred-rows.js";
import type { Db } from "../store/open.js";
import type { AuditTrail } from "../threads/batch.js";
import type { Model } from "../threads/model.js";

/** A row as stored; `at` in ms. */
export interface AuditRow {
  readonly id: number;
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly resource: string;
  readonly detail: string;
  readonly outcome: string;
}

export class AuditAppender implements AuditTrail {
  readonly #entries: DeferredTable<[number, string, string, string, string, string]>;

  constructor(rows: DeferredRows) {
    this.#entries = rows.into("INSERT INTO audit (at, actor, action, resource, detail, outcome)", 6);
  }

  append(
    now_ms: number,
    actor: string,
    action: string,
    resource: string,
    detail: string,
    outcome: "success" | "error",
  ): void {
    this.#entries.add(now_ms, actor, action, resource, detail, outcome);
  }
}

export const auditTrail: Model<AuditTrail> = { open: ({ rows }) => new AuditAppender(rows) };

/** Actions whose rows the partial index on actions leaves out (store/migrate.ts). */
const COMMON_ACTIONS: ReadonlySet<string> = new Set(["state.put", "spec.put"]);

/** How many rows a span has (store/migrate.ts); nobody in particular has none. */
const SPAN_ROWS = 512;
/** Finds all spans anew, where rows were moved behind the back of their trigger. */
export const INDEX_ACTORS = `INSERT OR IGNORE INTO main.audit_span
  SELECT DISTINCT actor, id / ${SPAN_ROWS} FROM main.audit WHERE actor <> ''`;

/** The newest rows that match, newest first. */
export function listEntries(db: Db, request: AuditListRequest): AuditRow[] {
  const { first, end } = idRange(db, "audit", request.from, request.to);
  const by_span = request.actor !== null && request.actor !== "";
  const conditions = by_span
    ? [`id >= max(?, s.span * ${SPAN_ROWS})`, `id < min(?, (s.span + 1) * ${SPAN_ROWS})`]
    : ["id >= ?", "id < ?"];
  const values: (string | number)[] = [first, end];
  if (request.actor !== null) {
    conditions.push("audit.actor = ?");
    values.push(request.actor);
  }
  if (request.actor !== null && by_span) {
    conditions.push("s.actor = ?", "s.span >= ?", "s.span <= ?");
    values.push(request.actor, Math.floor(first / SPAN_ROWS), Math.floor(end / SPAN_ROWS));
  }
  if (request.action !== null) {
    conditions.push("action = ?");
    // Lets SQLite use the partial index; of what one actor did, it would walk through what all others did alike.
    if (!COMMON_ACTIONS.has(request.action) && !by_span) conditions.push("action NOT IN ('state.put', 'spec.put')");
    values.push(request.action);
  }
  return db
    .prepare<(string | number)[], AuditRow>(
      `SELECT id, at, audit.actor, action, resource, detail, outcome FROM ${by_span ? "audit_span s CROSS JOIN audit" : "audit"}
       WHERE ${conditions.join(" AND ")} ORDER BY ${by_span ? "s.span DESC, " : ""}id DESC LIMIT ?`,
    )
    .all(...values, request.limit);
}

/** Counts over a span of time: by action, by outcome, and how many actors and resources there were. */
export function summarizeEntries(
  db: Db,
  request: AuditSummaryRequest,
): {
  readonly actions: ReadonlyMap<string, number>;
  readonly outcomes: ReadonlyMap<string, number>;
  readonly total: number;
  readonly actors: number;
  readonly resources: number;
} {
  const { first, end } = idRange(db, "audit", request.from, request.to);
  const groups = db
    .prepare<[number, number], { action: string; outcome: string; rows: number }>(
      `SELECT action, outcome, count(*) AS rows FROM audit
       WHERE id >= ? AND id < ? GROUP BY action, outcome ORDER BY action`,
    )
    .all(first, end);
  const actions = new Map<string, number>();
  const outcomes = new Map<string, number>();
  let total = 0;
  for (const { action, outcome, rows } of groups) {
    total += rows;
    actions.set(action, (actions.get(action) ?? 0) + rows);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + rows);
  }
  const distinct = db
    .prepare<[number, number], { actors: number; resources: number }>(
      `SELECT count(DISTINCT nullif(actor, '')) AS actors, count(DISTINCT resource) AS resources FROM audit
       WHERE id >= ? AND id < ?`,
    )
    .get(first, end);
  return { actions, outcomes, total, actors: distinct?.actors ?? 0, resources: distinct?.resources ?? 0 };
}
