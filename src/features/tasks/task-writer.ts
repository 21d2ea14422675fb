/**
 * Runs the SQL that writes tasks. Rows that change with every transition are collected in the write buffer. Every read
 * of this class first writes the buffer to the database. Runs in the writer thread.
 */
import type { NewTask, PatchRequest, TaskState } from "../../../schemas/tasks.js";
import type { WriteBuffer, BufferedTable } from "../../platform/store/write-buffer.js";
import type { Db, Statement } from "../../platform/store/open.js";
import { type LifeRow, liveTask, type NewRow, type StepRow, STORED, type StoredTask } from "./task-rows.js";
import type { LiveTask, TaskLife } from "./task.js";

/** A step of a task's history. */
export interface Step {
  readonly actor: string;
  readonly note: string | null;
  readonly fence: number | null;
  /** The name of the call that caused the step. By this name, a repetition of the call is recognized. */
  readonly call: string;
}

/** The new texts of a task. An absent member does not change the stored text. */
export interface TaskTexts {
  readonly note?: string | null;
  readonly question?: string;
  readonly answer?: string;
  readonly error?: string;
  /** JSON text, as is the next member. */
  readonly checkpoint?: string | null;
  readonly result?: string | null;
}

/**
 * The SQL that selects the rows of `task_after` for one task. There is a row for each task for which it waits or
 * waited. The condition uses both columns of the key, so that SQLite can use the index.
 */
const WAITS_OF = `task_after WHERE (on_task, task) IN (
  SELECT o.row, t.row FROM task t CROSS JOIN json_each(t.after) j CROSS JOIN task o ON o.id = j.value WHERE t.row = ?)`;

export class TaskWriter {
  readonly #rows: WriteBuffer;
  readonly #tasks: BufferedTable<NewRow>;
  readonly #lives: BufferedTable<LifeRow>;
  readonly #steps: BufferedTable<StepRow>;
  readonly #waits: BufferedTable<[onTask: number, task: number]>;
  readonly #lastRow: Statement<[], number>;
  readonly #live: Statement<[], StoredTask>;
  readonly #get: Statement<[string], StoredTask>;
  readonly #stateOf: Statement<[string], { row: number; state: TaskState }>;
  readonly #putTexts: Statement<(string | number | null)[], unknown>;
  readonly #forgetAnswer: Statement<[number], unknown>;
  readonly #setMissingError: Statement<[number, string], unknown>;
  readonly #patch: Statement<(string | number | null)[], unknown>;
  readonly #blockers: Statement<[number], number>;
  readonly #dependents: Statement<[number], { row: number; id: string }>;
  readonly #ended: Statement<[number], { id: string; state: TaskState }>;
  readonly #waitForNone: Statement<[number], unknown>;
  readonly #setAfter: Statement<[string, number], unknown>;
  readonly #wasCalled: Statement<[number, number, string, string], unknown>;
  readonly #hasHeld: Statement<[number, string], unknown>;
  readonly #askedBy: Statement<[number], string>;
  readonly #capabilities: Statement<[string], string>;
  readonly #oldest: Statement<[number, number], { row: number; ended_at: number | null }>;
  readonly #waitedFor: Statement<[number], unknown>;
  readonly #deletions: readonly Statement<[number], unknown>[];

  constructor(db: Db, rows: WriteBuffer) {
    this.#rows = rows;
    this.#tasks = rows.into("INSERT INTO task", 16);
    this.#lives = rows.into("REPLACE INTO task_life", 16);
    this.#steps = rows.into("INSERT INTO task_history", 8);
    this.#waits = rows.into("INSERT OR IGNORE INTO task_after", 2);
    this.#lastRow = db.prepare<[], number>("SELECT seq FROM sqlite_sequence WHERE name = 'task'").pluck();
    this.#live = db.prepare(
      `${STORED} FROM task_life l INDEXED BY task_live CROSS JOIN task t ON t.row = l.row
       WHERE l.ended_at IS NULL ORDER BY l.row`,
    );
    this.#get = db.prepare(`${STORED} FROM task t CROSS JOIN task_life l ON l.row = t.row WHERE t.id = ?`);
    this.#stateOf = db.prepare(
      "SELECT t.row, l.state FROM task t CROSS JOIN task_life l ON l.row = t.row WHERE t.id = ?",
    );
    this.#putTexts = db.prepare(
      `INSERT INTO task_text (row, note, question, answer, error, checkpoint, result) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (row) DO UPDATE SET note = coalesce(excluded.note, note),
         question = coalesce(excluded.question, question), answer = coalesce(excluded.answer, answer),
         error = coalesce(excluded.error, error), checkpoint = coalesce(excluded.checkpoint, checkpoint),
         result = coalesce(excluded.result, result)`,
    );
    this.#forgetAnswer = db.prepare("UPDATE task_text SET answer = NULL WHERE row = ?");
    this.#setMissingError = db.prepare(
      `INSERT INTO task_text (row, error) VALUES (?, ?)
       ON CONFLICT (row) DO UPDATE SET error = coalesce(error, excluded.error)`,
    );
    this.#patch = db.prepare(
      `UPDATE task SET title = coalesce(?, title), body = coalesce(?, body), labels = coalesce(?, labels)
       WHERE row = ?`,
    );
    this.#blockers = db
      .prepare<[number], number>(
        `SELECT b.row FROM task t CROSS JOIN json_each(t.after) j CROSS JOIN task o ON o.id = j.value
         CROSS JOIN task_life b ON b.row = o.row WHERE t.row = ? AND b.state <> 'done' ORDER BY j.key`,
      )
      .pluck();
    this.#dependents = db.prepare(
      `SELECT t.row, t.id FROM task_after a CROSS JOIN task t ON t.row = a.task CROSS JOIN task_life l ON l.row = a.task
       WHERE a.on_task = ? AND l.state <> 'done' ORDER BY a.task`,
    );
    this.#ended = db.prepare(
      "SELECT t.id, l.state FROM task t CROSS JOIN task_life l ON l.row = t.row WHERE t.row = ?",
    );
    this.#waitForNone = db.prepare(`DELETE FROM ${WAITS_OF}`);
    this.#setAfter = db.prepare("UPDATE task SET after = ? WHERE row = ?");
    this.#wasCalled = db.prepare(
      "SELECT 1 FROM task_history WHERE task = ? AND fence = ? AND actor = ? AND call = ? LIMIT 1",
    );
    this.#hasHeld = db.prepare("SELECT 1 FROM task_history WHERE task = ? AND actor = ? AND call = 'claim' LIMIT 1");
    this.#askedBy = db
      .prepare<[number], string>(
        "SELECT actor FROM task_history WHERE task = ? AND call = 'ask' ORDER BY step DESC LIMIT 1",
      )
      .pluck();
    this.#capabilities = db.prepare<[string], string>("SELECT capabilities FROM instance WHERE id = ?").pluck();
    this.#oldest = db.prepare("SELECT row, ended_at FROM task_life WHERE row > ? ORDER BY row LIMIT ?");
    this.#waitedFor = db.prepare(
      `SELECT 1 FROM task_after a CROSS JOIN task_life l ON l.row = a.task
       WHERE a.on_task = ? AND l.state = 'blocked' LIMIT 1`,
    );
    // The statement with WAITS_OF must run first, because it reads the row of the task.
    this.#deletions = [
      WAITS_OF,
      "task_after WHERE on_task = ?",
      "task WHERE row = ?",
      "task_life WHERE row = ?",
      "task_text WHERE row = ?",
      "task_evidence WHERE row = ?",
      "task_history WHERE task = ?",
    ].map((which) => db.prepare<[number]>(`DELETE FROM ${which}`));
  }

  /** The row that was assigned to the newest task. */
  get lastRow(): number {
    this.#rows.write();
    return this.#lastRow.get() ?? 0;
  }

  /** Returns the tasks that have not ended, the oldest first. */
  live(): LiveTask[] {
    this.#rows.write();
    return this.#live.all().map(liveTask);
  }

  /** Returns a task by its id. The task may have ended. */
  get(id: string): LiveTask | undefined {
    this.#rows.write();
    const stored = this.#get.get(id);
    return stored === undefined ? undefined : liveTask(stored);
  }

  stateOf(id: string): { readonly row: number; readonly state: TaskState } | undefined {
    this.#rows.write();
    return this.#stateOf.get(id);
  }

  /** Returns the capabilities of an instance. */
  capabilitiesOf(instance: string): readonly string[] {
    return JSON.parse(this.#capabilities.get(instance) ?? "[]") as string[];
  }

  /**
   * Stores a new task.
   * @param after the tasks for which the new task waits, including those that are done
   */
  create(
    task: LiveTask,
    { resources, body, data, traceparent }: NewTask,
    after: readonly { id: string; row: number }[],
  ): void {
    const { row, id, workspace, title, labels, requires, max_attempts, ttl_s, max_s } = task;
    this.#tasks.add(
      row,
      id,
      workspace,
      title,
      JSON.stringify(labels),
      JSON.stringify(requires),
      JSON.stringify(resources),
      JSON.stringify(after.map((one) => one.id)),
      max_attempts,
      ttl_s,
      max_s,
      task.created_by,
      task.created_at,
      body,
      data,
      traceparent ?? null,
    );
    for (const one of after) this.#waits.add(one.row, row);
  }

  putLife(row: number, life: TaskLife): void {
    const { state, priority, attempts, not_before, assignee, reserved, reserved_until, claim, progress } = life;
    const { cancel_requested, steps, ready_at, updated_at, claimed_at, ended_at } = life;
    this.#lives.add(
      row,
      state,
      priority,
      attempts,
      not_before,
      assignee,
      reserved,
      reserved_until,
      claim,
      progress,
      Number(cancel_requested),
      steps,
      ready_at,
      updated_at,
      claimed_at,
      ended_at,
    );
  }

  /** Adds the current state of a task to its history. */
  addStep({ row, life }: LiveTask, { actor, note, fence, call }: Step): void {
    this.#steps.add(row, life.steps, life.updated_at, actor, life.state, note, fence, call);
  }

  putTexts(row: number, { note, question, answer, error, checkpoint, result }: TaskTexts): void {
    const texts = [note, question, answer, error, checkpoint, result].map((text) => text ?? null);
    if (texts.every((text) => text === null)) return;
    this.#putTexts.run(row, ...texts);
    if (question !== undefined) this.#forgetAnswer.run(row);
  }

  /** Sets the error text of a task if it has none. */
  setMissingError(row: number, error: string): void {
    this.#setMissingError.run(row, error);
  }

  patch(row: number, { title, body, labels }: PatchRequest): void {
    if (title === undefined && body === undefined && labels === undefined) return;
    this.#rows.write();
    this.#patch.run(title ?? null, body ?? null, labels === undefined ? null : JSON.stringify(labels), row);
  }

  /** Returns the rows of the tasks in `after` that are not done. */
  blockersOf(row: number): Set<number> {
    this.#rows.write();
    return new Set(this.#blockers.all(row));
  }

  /** Returns the tasks whose `after` names a task. Leaves out tasks that are done, because they never wait again. */
  dependentsOf(row: number): readonly { readonly row: number; readonly id: string }[] {
    this.#rows.write();
    return this.#dependents.all(row);
  }

  /** Returns the id and the state of a task by its row. */
  byRow(row: number): { readonly id: string; readonly state: TaskState } | undefined {
    this.#rows.write();
    return this.#ended.get(row);
  }

  /** Replaces the list of tasks for which a task waits. */
  setAfter(row: number, after: readonly { readonly id: string; readonly row: number }[]): void {
    this.#rows.write();
    this.#waitForNone.run(row);
    this.#setAfter.run(JSON.stringify(after.map(({ id }) => id)), row);
    for (const one of after) this.#waits.add(one.row, row);
  }

  /** Returns whether an instance has already made a certain call about a task under this fence. */
  wasCalled(row: number, fence: number, actor: string, call: string): boolean {
    this.#rows.write();
    return this.#wasCalled.get(row, fence, actor, call) !== undefined;
  }

  /** Returns whether an instance has ever held a task. */
  hasHeld(row: number, actor: string): boolean {
    this.#rows.write();
    return this.#hasHeld.get(row, actor) !== undefined;
  }

  /** Returns the id of the instance that asked the most recent question about a task. */
  askedBy(row: number): string | undefined {
    this.#rows.write();
    return this.#askedBy.get(row);
  }

  /**
   * Removes tasks that ended before a time. Keeps a task if another task still waits for it. Examines at most `rows`
   * rows, beginning after the row `after`.
   * @returns the number of removed tasks, and the row after which the next call must begin. This row is null if there
   * are no more rows.
   */
  prune(after: number, endedBeforeMs: number, rows: number): { removed: number; after: number | null } {
    this.#rows.write();
    const found = this.#oldest.all(after, rows);
    let removed = 0;
    for (const { row, ended_at } of found) {
      if (ended_at === null || ended_at >= endedBeforeMs || this.#waitedFor.get(row) !== undefined) continue;
      for (const deletion of this.#deletions) deletion.run(row);
      removed += 1;
    }
    return { removed, after: found.length < rows ? null : (found.at(-1)?.row ?? null) };
  }
}
