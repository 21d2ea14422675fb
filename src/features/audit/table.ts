/**
 * The SQL of the audit log: appending (writer) and reading (pool, front). Stored rows do not change, with one
 * exception: the count of a rejected call increases when the call is repeated within a minute.
 */
import type { AuditFilterRequest, AuditListRequest } from "../../../schemas/audit.js";
import { AUDIT_LOOKED_AT_MAX } from "../../../schemas/limits/audit.js";
import { timeBuckets } from "../../../shared/time-buckets.js";
import { idRange } from "../../platform/store/id-range.js";
import type { WriteBuffer, BufferedTable } from "../../platform/store/write-buffer.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { AuditTrail } from "../../platform/threads/transaction.js";
import type { Model, CachingModel } from "../../platform/threads/model.js";

/** A row as it is stored. `at` is in ms. */
export interface AuditRow {
  readonly id: number;
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly resource: string;
  readonly detail: string;
  readonly outcome: string;
  /** The number of times that a rejected call was made within a minute; 1 if the call succeeded. */
  readonly count: number;
}

/**
 * The number of consecutive ids in a span of rows. An index lists the actors and actions of each span
 * (store/migrate.ts), so that a query skips spans without matching rows.
 */
const SPAN_ROWS = 512;

type SpanKind = "actor" | "action";

/**
 * Rebuilds the index of the actors and actions of each span. This is necessary if rows were inserted without
 * AuditAppender.
 */
export const INDEX_SPANS = `DELETE FROM main.audit_span; INSERT INTO main.audit_span
  SELECT DISTINCT 'actor', actor, id / ${SPAN_ROWS} FROM main.audit
  UNION ALL SELECT DISTINCT 'action', action, id / ${SPAN_ROWS} FROM main.audit`;

/** Appends rows, and maintains the index of the actors and actions of each span (`SPAN_ROWS`). */
export class AuditAppender implements AuditTrail, CachingModel {
  readonly #entries: BufferedTable<[number, number, string, string, string, string, string]>;
  readonly #spans: BufferedTable<[SpanKind, string, number]>;
  readonly #newest: Statement<[], number>;
  readonly #count: Statement<[number, number, number], unknown>;
  #nextId = 1;
  /** The actors and actions that the index already lists for the newest span. */
  #known: Readonly<Record<SpanKind, Set<string>>> = newSpan();

  constructor(db: Db, rows: WriteBuffer) {
    this.#entries = rows.into("INSERT INTO audit (id, at, actor, action, resource, detail, outcome)", 7);
    this.#spans = rows.into("INSERT OR IGNORE INTO audit_span", 3);
    this.#newest = db.prepare<[], number>("SELECT max(id) FROM audit").pluck();
    // After a restore, another row may have the same id. So the time of the row is compared too.
    this.#count = db.prepare(
      "UPDATE audit SET count = max(coalesce(count, 1), ?) WHERE id = ? AND at = ? AND outcome = 'error'",
    );
    this.reload();
  }

  reload(): void {
    this.#nextId = (this.#newest.get() ?? 0) + 1;
    this.#known = newSpan();
  }

  /** @returns the row's id */
  append(
    nowMs: number,
    actor: string,
    action: string,
    resource: string,
    detail: string,
    outcome: "success" | "error",
  ): number {
    const id = this.#nextId++;
    if (id % SPAN_ROWS === 0) this.#known = newSpan();
    this.#indexSpan("actor", actor, id);
    this.#indexSpan("action", action, id);
    this.#entries.add(id, nowMs, actor, action, resource, detail, outcome);
    return id;
  }

  /** Stores how often a rejected call was made. The row of the call must already be stored. */
  setCount(id: number, at: number, count: number): void {
    this.#count.run(count, id, at);
  }

  #indexSpan(kind: SpanKind, name: string, id: number): void {
    if (this.#known[kind].has(name)) return;
    this.#known[kind].add(name);
    this.#spans.add(kind, name, Math.floor(id / SPAN_ROWS));
  }
}

function newSpan(): Readonly<Record<SpanKind, Set<string>>> {
  return { actor: new Set(), action: new Set() };
}

export const auditTrail: Model<AuditAppender> = { open: ({ db, rows }) => new AuditAppender(db, rows) };

/** The part of a query that selects rows: its tables, its condition, and the values of its parameters. */
interface Selection {
  readonly tables: string;
  readonly condition: string;
  readonly values: readonly (string | number)[];
  /** True if the index of spans is used. A query that sorts by id must then sort by span first. */
  readonly bySpan: boolean;
}

/**
 * Returns the part of a query that selects the rows of a filter.
 * @param before selects only rows with a smaller id; null means no limit
 */
function select(db: Db, request: AuditFilterRequest, before: number | null): Selection {
  const { actor, action } = request;
  const { first, end: after, from, to } = idRange(db, "audit", request.from, request.to);
  const end = Math.min(after, before ?? after);
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  const where = (condition: string, ...given: (string | number)[]): void => {
    conditions.push(condition);
    values.push(...given);
  };
  // If a query names both an actor and an action, the index of actors is used, because it usually matches fewer rows.
  const kind: SpanKind = actor === null ? "action" : "actor";
  const name = actor ?? action;
  if (name === null) {
    where("id >= ?", first);
    where("id < ?", end);
  } else {
    where("s.kind = ?", kind);
    where("s.name = ?", name);
    where("s.span >= ?", Math.floor(first / SPAN_ROWS));
    where("s.span <= ?", Math.floor(end / SPAN_ROWS));
    where(`id >= max(?, s.span * ${SPAN_ROWS})`, first);
    where(`id < min(?, (s.span + 1) * ${SPAN_ROWS})`, end);
  }
  where("at BETWEEN ? AND ?", from, to);
  if (actor !== null) where("actor = ?", actor);
  if (action !== null) where("action = ?", action);
  const bySpan = name !== null;
  const tables = bySpan ? "audit_span s CROSS JOIN audit" : "audit";
  return { tables, condition: conditions.join(" AND "), values, bySpan };
}

/** Returns the newest rows that match, newest first. */
export function listEntries(db: Db, request: AuditListRequest): IterableIterator<AuditRow> {
  const { tables, condition, values, bySpan } = select(db, request, request.before);
  return db
    .prepare<(string | number)[], AuditRow>(
      `SELECT id, at, actor, action, resource, detail, outcome, coalesce(count, 1) AS count
       FROM ${tables} WHERE ${condition} ORDER BY ${bySpan ? "s.span DESC, " : ""}id DESC LIMIT ?`,
    )
    .iterate(...values, request.limit);
}

/** The number of rows of each outcome in each bucket of a time range. */
export interface TimeCounts {
  /** The start of the first bucket, in ms since the epoch. */
  readonly fromMs: number;
  readonly stepMs: number;
  readonly success: readonly number[];
  readonly error: readonly number[];
}

/**
 * Counts the matching rows in at most `bucketsMax` time buckets. If the request does not limit the start or the end of
 * the range, the range starts with the oldest or ends with the newest matching row. Returns null if no row matches.
 */
export function countByTime(db: Db, request: AuditFilterRequest, bucketsMax: number): TimeCounts | null {
  const { tables, condition, values } = select(db, request, null);
  const times = db
    .prepare<(string | number)[], { oldest: number | null; newest: number | null }>(
      `SELECT min(at) AS oldest, max(at) AS newest FROM ${tables} WHERE ${condition}`,
    )
    .get(...values);
  if (times === undefined || times.oldest === null || times.newest === null) return null;
  const { fromMs, stepMs, count } = timeBuckets(request.from ?? times.oldest, request.to ?? times.newest, bucketsMax);
  const found = { success: Array<number>(count).fill(0), error: Array<number>(count).fill(0) };
  const counts = db
    .prepare<(string | number)[], { bucket: number; outcome: string; rows: number }>(
      `SELECT CAST((at - ?) / ? AS INTEGER) AS bucket, outcome, count(*) AS rows
       FROM ${tables} WHERE ${condition} GROUP BY bucket, outcome`,
    )
    .all(fromMs, stepMs, ...values);
  for (const { bucket, outcome, rows } of counts) found[outcome === "error" ? "error" : "success"][bucket] = rows;
  return { fromMs, stepMs, ...found };
}

/**
 * Summarizes the entries that match. It counts them by action and by outcome, and counts the distinct actors
 * and resources.
 */
export function summarizeEntries(
  db: Db,
  request: AuditFilterRequest,
): {
  readonly actions: ReadonlyMap<string, number>;
  readonly outcomes: ReadonlyMap<string, number>;
  readonly total: number;
  readonly actors: number;
  readonly resources: number;
} {
  const { tables, condition, values } = select(db, request, null);
  const groups = db
    .prepare<(string | number)[], { action: string; outcome: string; rows: number }>(
      `SELECT action, outcome, count(*) AS rows
       FROM ${tables} WHERE ${condition} GROUP BY action, outcome ORDER BY action`,
    )
    .all(...values);
  const actions = new Map<string, number>();
  const outcomes = new Map<string, number>();
  let total = 0;
  for (const { action, outcome, rows } of groups) {
    total += rows;
    actions.set(action, (actions.get(action) ?? 0) + rows);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + rows);
  }
  const distinct = db
    .prepare<(string | number)[], { actors: number; resources: number }>(
      `SELECT count(DISTINCT nullif(actor, '')) AS actors, count(DISTINCT resource) AS resources
       FROM ${tables} WHERE ${condition}`,
    )
    .get(...values);
  return { actions, outcomes, total, actors: distinct?.actors ?? 0, resources: distinct?.resources ?? 0 };
}

/** Reads single values from the audit log through a read-only database handle. */
export class AuditReader {
  readonly #newest: Statement<[], number>;
  readonly #done: Statement<[number, number, string, string], unknown>;

  constructor(db: Db) {
    this.#newest = db.prepare<[], number>("SELECT coalesce(max(id), 0) FROM audit").pluck();
    this.#done = db.prepare(
      "SELECT 1 FROM audit WHERE id > ? AND id <= ? AND action = ? AND resource = ? AND outcome = 'success' LIMIT 1",
    );
  }

  get lastId(): number {
    return this.#newest.get() ?? 0;
  }

  /**
   * Returns whether an action on a resource has succeeded since the row `after`. If there are too many rows to check,
   * returns true.
   */
  wasDone(action: string, resource: string, after: number): boolean {
    const { lastId } = this;
    if (lastId - after > AUDIT_LOOKED_AT_MAX) return true;
    return this.#done.get(after, lastId, action, resource) !== undefined;
  }
}

export const auditReader: Model<AuditReader> = { open: ({ db }) => new AuditReader(db) };
