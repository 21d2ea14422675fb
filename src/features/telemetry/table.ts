/** Runs the SQL that reads the data of tasks for spans. Runs in the export thread. */
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";

/** The members of a task that its span shows. Times are in ms. */
export interface TracedTaskRow {
  readonly row: number;
  readonly id: string;
  readonly workspace: string;
  readonly title: string;
  /** A JSON text. The next member is a JSON text, too. */
  readonly labels: string;
  readonly resources: string;
  readonly created_by: string | null;
  readonly created_at: number;
  readonly traceparent: string | null;
  readonly attempts: number;
}

/** A step of a task's history that began or ended a claim. `call` is the call that caused the step. */
export interface ClaimStep {
  readonly at: number;
  readonly call: string;
  readonly note: string | null;
}

/** A live claim of a task. */
export interface LiveTaskClaim {
  readonly holder: string;
  readonly fence: number;
  readonly task: string;
}

export class TraceReader {
  readonly #task: Statement<[string], TracedTaskRow>;
  readonly #steps: Statement<[number, number], ClaimStep>;
  readonly #claims: Statement<[], LiveTaskClaim>;

  constructor(db: Db) {
    this.#task = db.prepare(
      `SELECT t.row, t.id, t.workspace, t.title, t.labels, t.resources, t.created_by, t.created_at, t.traceparent,
         l.attempts FROM task t CROSS JOIN task_life l ON l.row = t.row WHERE t.id = ?`,
    );
    this.#steps = db.prepare("SELECT at, call, note FROM task_history WHERE task = ? AND fence = ? ORDER BY step");
    this.#claims = db.prepare(
      `SELECT holder, fence, task FROM lease INDEXED BY lease_live
       WHERE ended_at IS NULL AND task IS NOT NULL AND granted_at IS NOT NULL ORDER BY row`,
    );
  }

  task(id: string): TracedTaskRow | undefined {
    return this.#task.get(id);
  }

  /** Returns the steps of a task that began or ended the claim with this fence, the oldest first. */
  stepsOf(row: number, fence: number): ClaimStep[] {
    return this.#steps.all(row, fence);
  }

  /** Returns the live claims of tasks, in the order in which they began. */
  liveClaims(): LiveTaskClaim[] {
    return this.#claims.all();
  }
}

export const traceReader: Model<TraceReader> = { open: ({ db }) => new TraceReader(db) };
