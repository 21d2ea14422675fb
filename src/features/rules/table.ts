/**
 * Stores rules (in the writer) and reads them (on the front and in the pool). The rule set of each project has a
 * version. Every change of a rule increases the version in the same transaction. So one lookup shows whether the rule
 * set that a worker has compiled is still current.
 */
import type { CheckedRule, MatchType, RuleStatus, Severity } from "../../../schemas/rules.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";

export interface RuleRow {
  readonly project: string;
  readonly rule_id: string;
  readonly severity: Severity;
  readonly match_type: MatchType;
  readonly pattern: string;
  readonly message: string;
  readonly stack: string;
  /** An array of globs, as JSON text. */
  readonly applies_to: string;
  readonly source: string;
  readonly status: RuleStatus;
  readonly proposed_by: string;
  readonly context: string;
  /** The creation time, in ms since the epoch. */
  readonly created_at: number;
  /** The number of instructions of the compiled regex. It counts towards the project's limit. */
  readonly size: number;
}

/** The current totals of a project. */
export interface RuleTotals {
  readonly rules: number;
  readonly instructions: number;
}

type Values = [
  project: string,
  ruleId: string,
  severity: string,
  matchType: string,
  pattern: string,
  message: string,
  stack: string,
  appliesTo: string,
  source: string,
  status: string,
  proposedBy: string,
  context: string,
  createdAt: number,
  size: number,
];

export class RuleWriter {
  readonly #upsert: Statement<Values, unknown>;
  readonly #find: Statement<[string, string], { status: RuleStatus; created_at: number; size: number }>;
  readonly #setStatus: Statement<[string, string, string], unknown>;
  readonly #remove: Statement<[string, string], unknown>;
  readonly #removeAll: Statement<[string], unknown>;
  readonly #totals: Statement<[string], RuleTotals>;
  readonly #created: Statement<[string], { rule_id: string; created_at: number }>;
  readonly #touch: Statement<[string], unknown>;

  constructor(db: Db) {
    this.#upsert = db.prepare(
      `INSERT INTO rule VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (project, rule_id) DO UPDATE SET
       severity = excluded.severity, match_type = excluded.match_type, pattern = excluded.pattern,
       message = excluded.message, stack = excluded.stack, applies_to = excluded.applies_to,
       source = excluded.source, status = excluded.status, proposed_by = excluded.proposed_by,
       context = excluded.context, size = excluded.size`,
    );
    this.#find = db.prepare("SELECT status, created_at, size FROM rule WHERE project = ? AND rule_id = ?");
    this.#setStatus = db.prepare("UPDATE rule SET status = ? WHERE project = ? AND rule_id = ?");
    this.#remove = db.prepare("DELETE FROM rule WHERE project = ? AND rule_id = ?");
    this.#removeAll = db.prepare("DELETE FROM rule WHERE project = ?");
    this.#totals = db.prepare(
      "SELECT count(*) AS rules, coalesce(sum(size), 0) AS instructions FROM rule WHERE project = ?",
    );
    this.#created = db.prepare("SELECT rule_id, created_at FROM rule WHERE project = ?");
    this.#touch = db.prepare(
      "INSERT INTO rule_set VALUES (?, 1) ON CONFLICT (project) DO UPDATE SET version = version + 1",
    );
  }

  find(
    project: string,
    ruleId: string,
  ): { readonly status: RuleStatus; readonly created_at: number; readonly size: number } | undefined {
    return this.#find.get(project, ruleId);
  }

  totals(project: string): RuleTotals {
    return this.#totals.get(project) ?? { rules: 0, instructions: 0 };
  }

  /**
   * Stores a rule. If a rule with the same id exists, it is replaced, but keeps its creation time. Call `touch`
   * afterwards.
   */
  store(rule: CheckedRule, status: RuleStatus, createdAt: number): void {
    this.#upsert.run(
      rule.project,
      rule.rule_id,
      rule.severity,
      rule.match_type,
      rule.pattern,
      rule.message,
      rule.stack,
      JSON.stringify(rule.applies_to),
      rule.source,
      status,
      rule.proposed_by,
      rule.context,
      createdAt,
      rule.size,
    );
  }

  /** Stores these rules, and deletes all other rules of the project. Call `touch` afterwards. */
  replace(project: string, rules: readonly CheckedRule[], nowMs: number): void {
    const created = new Map(this.#created.all(project).map((row) => [row.rule_id, row.created_at]));
    this.#removeAll.run(project);
    for (const rule of rules) this.store(rule, "accepted", created.get(rule.rule_id) ?? nowMs);
  }

  setStatus(project: string, ruleId: string, status: RuleStatus): void {
    this.#setStatus.run(status, project, ruleId);
  }

  /** Deletes a rule. Returns false if there is no such rule. */
  remove(project: string, ruleId: string): boolean {
    return this.#remove.run(project, ruleId).changes > 0;
  }

  /** Increments the version of the project's rule set. */
  touch(project: string): void {
    this.#touch.run(project);
  }
}

export const ruleWriter: Model<RuleWriter> = { open: ({ db }) => new RuleWriter(db) };

/** Selects rules. A null member matches any value. */
export interface RuleFilter {
  readonly project: string | null;
  readonly stack: string | null;
  readonly sources: readonly string[] | null;
  readonly status: string | null;
  /** Selects only rules after this project and rule_id. */
  readonly after: readonly [project: string, ruleId: string];
}

export class RuleReader {
  readonly #db: Db;
  readonly #version: Statement<[string], number>;
  readonly #find: Statement<[string, string], RuleRow>;
  readonly #accepted: Statement<[string], RuleRow>;
  readonly #nth: Statement<[string, number], unknown>;

  constructor(db: Db) {
    this.#db = db;
    this.#version = db.prepare<[string], number>("SELECT version FROM rule_set WHERE project = ?").pluck();
    this.#find = db.prepare("SELECT * FROM rule WHERE project = ? AND rule_id = ?");
    this.#accepted = db.prepare("SELECT * FROM rule WHERE project = ? AND status = 'accepted' ORDER BY rule_id");
    this.#nth = db.prepare("SELECT 1 FROM rule WHERE project = ? LIMIT 1 OFFSET ?");
  }

  /**
   * Runs several reads on one snapshot of the database. If a transaction is already open, the reads use its snapshot.
   */
  inSnapshot<Read>(read: () => Read): Read {
    if (this.#db.inTransaction) return read();
    let found: Read | undefined;
    this.#db.transaction(() => {
      found = read();
    })();
    return found as Read;
  }

  /** Returns the current version of a project's rule set; 0 if the project has never had rules. */
  version(project: string): number {
    return this.#version.get(project) ?? 0;
  }

  /** Returns a rule of any status; undefined if there is no such rule. */
  find(project: string, ruleId: string): RuleRow | undefined {
    return this.#find.get(project, ruleId);
  }

  /** Returns the accepted rules of a project, in the order of rule_id. */
  accepted(project: string): RuleRow[] {
    return this.#accepted.all(project);
  }

  /** Returns whether the project has more than this number of rules. */
  exceeds(project: string, rules: number): boolean {
    return this.#nth.get(project, rules) !== undefined;
  }

  /** Yields the rules that match the filter, in the order of project and rule_id. */
  list({ project, stack, sources, status, after }: RuleFilter): IterableIterator<RuleRow> {
    const conditions = ["(project, rule_id) > (?, ?)"];
    const values: string[] = [...after];
    if (project !== null) {
      conditions.push("project = ?");
      values.push(project);
    }
    if (stack !== null) {
      conditions.push("stack IN ('', ?)");
      values.push(stack);
    }
    if (sources !== null) {
      conditions.push("source IN (SELECT value FROM json_each(?))");
      values.push(JSON.stringify(sources));
    }
    if (status !== null) {
      conditions.push("status = ?");
      values.push(status);
    }
    return this.#db
      .prepare<string[], RuleRow>(`SELECT * FROM rule WHERE ${conditions.join(" AND ")} ORDER BY project, rule_id`)
      .iterate(...values);
  }
}

export const ruleReader: Model<RuleReader> = { open: ({ db }) => new RuleReader(db) };
