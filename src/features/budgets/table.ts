/**
 * The SQL of budgets. To find the budgets that a report of usage concerns, the writer also reads the report's instance
 * with its parents, and the tasks above the report's task. budget.ts computes the state of a row.
 */
import { BUDGET_TASKS_ABOVE_MAX } from "../../../schemas/limits/budgets.js";
import type { BufferedWrites, WriteBuffer } from "../../platform/store/write-buffer.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";
import { lineageOf } from "../instances/lineage.js";
import type { BudgetRow } from "./budget.js";

export interface ChargedInstance {
  readonly id: string;
  readonly name: string;
  readonly workspace: string;
  readonly parent: string | null;
}

export class BudgetReader {
  readonly #all: Statement<[], BudgetRow>;
  readonly #byId: Statement<[string], BudgetRow>;
  readonly #count: Statement<[], number>;
  readonly #exhausted: Statement<[], number>;

  constructor(db: Db) {
    this.#all = db.prepare("SELECT * FROM budget ORDER BY id");
    this.#byId = db.prepare("SELECT * FROM budget WHERE id = ?");
    this.#exhausted = db.prepare<[], number>("SELECT EXISTS (SELECT 1 FROM budget WHERE state = 'exhausted')").pluck();
    this.#count = db.prepare<[], number>("SELECT count(*) FROM budget").pluck();
  }

  /** Returns all budgets by id. There are at most BUDGETS_MAX. */
  all(): BudgetRow[] {
    return this.#all.all();
  }

  byId(id: string): BudgetRow | undefined {
    return this.#byId.get(id);
  }

  /** Returns whether a budget is exhausted, as of the last change of its state. */
  hasExhausted(): boolean {
    return this.#exhausted.get() === 1;
  }

  count(): number {
    return this.#count.get() ?? 0;
  }
}

export const budgetReader: Model<BudgetReader> = { open: ({ db }) => new BudgetReader(db) };

/**
 * Finds the tasks above a task: those that wait for it, directly or through others. Their budgets cover the task too.
 */
export class TasksAbove {
  readonly #above: Statement<[string, number], string>;
  readonly #rows: Pick<WriteBuffer, "write">;

  /** @param rows the writer's buffered rows, which are written to the database before each read */
  constructor(db: Db, rows: Pick<WriteBuffer, "write">) {
    this.#rows = rows;
    this.#above = db
      .prepare<[string, number], string>(
        `WITH RECURSIVE above (row) AS (
           SELECT row FROM task WHERE id = ?
           UNION SELECT a.task FROM task_after a JOIN above ON a.on_task = above.row ORDER BY 1 LIMIT ?
         )
         SELECT t.id FROM above CROSS JOIN task t ON t.row = above.row ORDER BY t.row`,
      )
      .pluck();
  }

  /** Returns the ids of a task and of all tasks above it; none if there is no such task. */
  of(id: string): string[] {
    if (id === "") return [];
    this.#rows.write();
    return this.#above.all(id, BUDGET_TASKS_ABOVE_MAX);
  }
}

export const tasksAbove: Model<TasksAbove> = { open: ({ db, rows }) => new TasksAbove(db, rows) };

export class BudgetWriter implements BufferedWrites {
  readonly #rows: Pick<WriteBuffer, "addLast">;
  /** The changed budgets that are not stored yet, by id. */
  readonly #waiting = new Map<string, BudgetRow>();
  readonly #put: Statement<(string | number | null)[], unknown>;
  readonly #delete: Statement<[string], unknown>;
  readonly #instance: Statement<[string], ChargedInstance>;

  constructor(db: Db, rows: Pick<WriteBuffer, "addLast">) {
    this.#rows = rows;
    this.#put = db.prepare(
      `REPLACE INTO budget (id, scope, target, tokens, cost_usd, period, warn_at, policy, state, used_tokens, used_cost,
         reports, unpriced, since, updated_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#delete = db.prepare("DELETE FROM budget WHERE id = ?");
    this.#instance = db.prepare("SELECT id, name, workspace, parent FROM instance WHERE id = ?");
  }

  /** Stores a budget. */
  put(row: BudgetRow): void {
    this.#waiting.delete(row.id);
    this.#write(row);
  }

  /** Buffers a budget until the commit. So a budget is written only once, even if many reports change it. */
  putLast(row: BudgetRow): void {
    if (this.#waiting.size === 0) this.#rows.addLast(this);
    this.#waiting.set(row.id, row);
  }

  write(): void {
    for (const row of this.#waiting.values()) this.#write(row);
    this.#waiting.clear();
  }

  forget(): void {
    this.#waiting.clear();
  }

  #write(row: BudgetRow): void {
    const { id, scope, target, tokens, cost_usd, period, warn_at, policy, state } = row;
    const { used_tokens, used_cost, reports, unpriced, since, updated_at } = row;
    const limits = [id, scope, target, tokens, cost_usd, period, warn_at, policy];
    this.#put.run(...limits, state, used_tokens, used_cost, reports, unpriced, since, updated_at);
  }

  delete(id: string): void {
    this.#waiting.delete(id);
    this.#delete.run(id);
  }

  /** Returns an instance with its parents, itself first; none if it is not registered. */
  lineageOf(id: string): ChargedInstance[] {
    return [...lineageOf(this.#instance.get(id), (parent) => this.#instance.get(parent))];
  }
}

export const budgetWriter: Model<BudgetWriter> = { open: ({ db, rows }) => new BudgetWriter(db, rows) };
