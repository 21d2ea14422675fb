/**
 * Runs the SQL that reads tasks: whole tasks, pages of a list, and the ready tasks. Runs on the front and in the worker
 * pool. task-writer.ts runs the SQL that writes tasks.
 */
import { TASK_DEPENDENTS_MAX, TASK_HISTORY_MAX } from "../../../schemas/limits/tasks.js";
import type { ListTasksRequest, ReadyRecord, TaskState } from "../../../schemas/tasks.js";
import { ENDED_TASK_STATES, TASK_STATES } from "../../../schemas/tasks.js";
import { type ColumnsOf, prepareGet, selected } from "../../platform/store/columns.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";
import { CauseNotes, type WaitingTask } from "./stuck.js";

/** A task as a list shows it. Times are in ms. */
export interface TaskRow {
  readonly row: number;
  readonly id: string;
  readonly workspace: string;
  readonly title: string;
  /** JSON text, as are the next four members. */
  readonly labels: string;
  readonly requires: string;
  readonly resources: string;
  readonly after: string;
  readonly requires_evidence: string;
  readonly max_attempts: number;
  readonly ttl_s: number;
  readonly max_s: number;
  readonly created_by: string | null;
  readonly created_at: number;
  readonly state: TaskState;
  readonly priority: number;
  readonly attempts: number;
  readonly not_before: number | null;
  readonly assignee: string | null;
  /** The row of the claim that holds the task; null if the task is not held. */
  readonly claim: number | null;
  readonly fence: number | null;
  readonly holder: string | null;
  readonly holder_name: string | null;
  readonly progress: number | null;
  readonly cancel_requested: number;
  readonly updated_at: number;
  readonly claimed_at: number | null;
  readonly ended_at: number | null;
  /** The reason why the task is stuck. Null if it is not stuck, or if the reason was not found. */
  readonly note: string | null;
  readonly question: string | null;
  /** The actor that asked the question; null if the task does not wait for an answer. */
  readonly asked_by: string | null;
  readonly answer: string | null;
  readonly error: string | null;
  /** JSON text. */
  readonly checkpoint: string | null;
  readonly traceparent: string | null;
}

export interface WholeTaskRow extends TaskRow {
  readonly body: string;
  /** JSON text, as is the next member. */
  readonly data: string | null;
  readonly result: string | null;
}

export interface HistoryRow {
  readonly at: number;
  readonly actor: string;
  readonly state: TaskState;
  readonly note: string | null;
}

interface StoredReady extends Omit<ReadyRecord, "labels" | "requires" | "resources"> {
  readonly labels: string;
  readonly requires: string;
  readonly resources: string;
}

const COLUMNS: ColumnsOf<TaskRow> = {
  row: "t.row",
  id: "t.id",
  workspace: "t.workspace",
  title: "t.title",
  labels: "t.labels",
  requires: "t.requires",
  resources: "t.resources",
  after: "t.after",
  requires_evidence: "coalesce(e.commands, '[]')",
  max_attempts: "t.max_attempts",
  ttl_s: "t.ttl_s",
  max_s: "t.max_s",
  created_by: "t.created_by",
  created_at: "t.created_at",
  state: "l.state",
  priority: "l.priority",
  attempts: "l.attempts",
  not_before: "l.not_before",
  assignee: "l.assignee",
  claim: "l.claim",
  fence: "c.fence",
  holder: "c.holder",
  holder_name: "c.holder_name",
  progress: "l.progress",
  cancel_requested: "l.cancel_requested",
  updated_at: "l.updated_at",
  claimed_at: "l.claimed_at",
  ended_at: "l.ended_at",
  note: "x.note",
  question: "x.question",
  asked_by: `CASE l.state WHEN 'input_required' THEN (SELECT actor FROM task_history
    WHERE task = l.row AND call = 'ask' ORDER BY step DESC LIMIT 1) END`,
  answer: "x.answer",
  error: "x.error",
  checkpoint: "x.checkpoint",
  traceparent: "t.traceparent",
};

const WHOLE_COLUMNS: ColumnsOf<WholeTaskRow> = { ...COLUMNS, body: "t.body", data: "t.data", result: "x.result" };

const JOINED = `LEFT JOIN task_text x ON x.row = l.row LEFT JOIN lease c ON c.row = l.claim
  LEFT JOIN task_evidence e ON e.row = l.row`;

type Bound = (string | number)[];

export class TaskReader {
  readonly #db: Db;
  readonly #get: (row: number) => WholeTaskRow | undefined;
  readonly #rowOf: Statement<[string], number>;
  readonly #waiting: Statement<[string], WaitingTask>;
  readonly #history: Statement<[number], HistoryRow>;
  readonly #dependents: Statement<[number, number], string>;
  readonly #ready: Statement<[], StoredReady>;
  readonly #counts: Statement<[], { state: TaskState; count: number }>;
  /**
   * The prepared statements for pages, by their SQL text. They are never dropped, because there are only a few
   * different texts.
   */
  readonly #pages = new Map<string, Statement<Bound, TaskRow>>();

  constructor(db: Db) {
    this.#db = db;
    this.#get = prepareGet<[number], WholeTaskRow>(
      db,
      WHOLE_COLUMNS,
      `FROM task t CROSS JOIN task_life l ON l.row = t.row ${JOINED} WHERE t.row = ?`,
    );
    this.#rowOf = db.prepare<[string], number>("SELECT row FROM task WHERE id = ?").pluck();
    this.#waiting = db.prepare(
      "SELECT t.id, l.state, t.after FROM task t CROSS JOIN task_life l ON l.row = t.row WHERE t.id = ?",
    );
    this.#history = db.prepare(
      `SELECT at, actor, state, note FROM task_history WHERE task = ? ORDER BY step DESC LIMIT ${TASK_HISTORY_MAX}`,
    );
    this.#dependents = db
      .prepare<[number, number], string>(
        "SELECT t.id FROM task_after a CROSS JOIN task t ON t.row = a.task WHERE a.on_task = ? ORDER BY a.task LIMIT ?",
      )
      .pluck();
    this.#ready = db.prepare(
      `SELECT t.row, t.id, t.workspace, t.labels, t.requires, t.resources, l.priority, l.ready_at, l.updated_at,
         l.not_before, l.assignee, l.reserved, l.reserved_until
       FROM task_life l INDEXED BY task_live CROSS JOIN task t ON t.row = l.row
       WHERE l.ended_at IS NULL AND l.state = 'ready' ORDER BY l.row`,
    );
    this.#counts = db.prepare(
      "SELECT state, count(*) AS count FROM task_life INDEXED BY task_live WHERE ended_at IS NULL GROUP BY state",
    );
  }

  /**
   * Returns a whole task by its row.
   * @param notes creates the notes about stuck tasks. The reads of one request share it.
   */
  get(row: number, notes: CauseNotes = this.notes()): WholeTaskRow | undefined {
    const task = this.#get(row);
    const note = task?.state === "blocked" ? notes.noteOf(task) : null;
    // Add the note without copying the row. The new object inherits the other members from the row.
    return task === undefined || note === null
      ? task
      : (Object.create(task, { note: { value: note } }) as WholeTaskRow);
  }

  /** Returns a new CauseNotes, which creates the notes about stuck tasks. Several reads of one request share it. */
  notes(): CauseNotes {
    return new CauseNotes((id) => this.#waiting.get(id));
  }

  rowOf(id: string): number | undefined {
    return this.#rowOf.get(id);
  }

  byId(id: string): WholeTaskRow | undefined {
    const row = this.rowOf(id);
    return row === undefined ? undefined : this.get(row);
  }

  /** Returns the last TASK_HISTORY_MAX transitions of a task, the oldest first. */
  history(row: number): HistoryRow[] {
    return this.#history.all(row).toReversed();
  }

  /** Returns the ids of the tasks that wait for a task or have waited for it: the first TASK_DEPENDENTS_MAX of them. */
  dependents(row: number): string[] {
    return this.#dependents.all(row, TASK_DEPENDENTS_MAX);
  }

  /** Returns all ready tasks, the oldest first. */
  ready(): ReadyRecord[] {
    return this.#ready.all().map((row) => ({
      ...row,
      labels: JSON.parse(row.labels) as string[],
      requires: JSON.parse(row.requires) as string[],
      resources: JSON.parse(row.resources) as string[],
    }));
  }

  /**
   * Returns the number of tasks in each state, in the order of TASK_STATES. Ended tasks are not counted, so the number
   * of each end state is 0.
   */
  counts(): number[] {
    const counts = new Map(this.#counts.all().map(({ state, count }) => [state, count]));
    return TASK_STATES.map((state) => counts.get(state) ?? 0);
  }

  /** Yields the tasks before a row that match the request, the newest first. */
  *list({ workspace, state, label, holder, assignee, before, limit }: ListTasksRequest): Generator<TaskRow> {
    const conditions = ["l.row < ?"];
    const bound: Bound = [before];
    const where = (condition: string, value: string | null): void => {
      if (value === null) return;
      conditions.push(condition);
      bound.push(value);
    };
    where("t.workspace = ?", workspace);
    where("l.state = ?", state);
    where("EXISTS (SELECT 1 FROM json_each(t.labels) WHERE value = ?)", label);
    where("c.holder = ?", holder);
    where("l.assignee = ?", assignee);
    // Use the index of the tasks that have not ended. After a month of use, these are a small part of all tasks.
    const live = holder !== null || (state !== null && !(ENDED_TASK_STATES as readonly TaskState[]).includes(state));
    if (live) conditions.push("l.ended_at IS NULL");
    const sql = `SELECT ${selected(COLUMNS)} FROM task_life l ${live ? "INDEXED BY task_live" : ""}
      CROSS JOIN task t ON t.row = l.row ${JOINED} WHERE ${conditions.join(" AND ")} ORDER BY l.row DESC LIMIT ?`;
    let page = this.#pages.get(sql);
    if (page === undefined) {
      page = this.#db.prepare<Bound, TaskRow>(sql);
      this.#pages.set(sql, page);
    }
    const notes = this.notes();
    for (const task of page.iterate(...bound, limit)) {
      const note = task.state === "blocked" ? notes.noteOf(task) : null;
      yield note === null ? task : { ...task, note };
    }
  }
}

export const taskReader: Model<TaskReader> = { open: ({ db }) => new TaskReader(db) };
