/**
 * Decides whether an instance is a party of a task. A party created the task, holds it, or held it when it ended. A
 * subagent is a party if one of its parents is a party. Only a party may report evidence that decides about a task.
 * Otherwise any agent could report failures, and so keep the task from being completed. An agent that has released the
 * task or lost its claim is no longer a party. If it were, any agent could claim a task for a moment, and report
 * evidence for it later. Runs in the writer thread.
 */
import type { WriteBuffer } from "../../platform/store/write-buffer.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";
import { lineageOf } from "../instances/lineage.js";

interface TaskRow {
  readonly row: number;
  readonly created_by: string | null;
  /** The holder of the claim; null if no claim holds the task. */
  readonly holder: string | null;
  /** The time at which the task ended, in ms; null if it has not ended. */
  readonly ended_at: number | null;
}

interface Member {
  readonly id: string;
  readonly parent: string | null;
}

export class TaskParties {
  readonly #task: Statement<[string], TaskRow>;
  readonly #lastHolder: Statement<[number], string>;
  readonly #instance: Statement<[string], Member>;
  readonly #rows: Pick<WriteBuffer, "write">;

  /** @param rows the buffered rows of the writer, which are written before a read */
  constructor(db: Db, rows: Pick<WriteBuffer, "write">) {
    this.#rows = rows;
    this.#task = db.prepare(
      `SELECT t.row, t.created_by, c.holder, l.ended_at FROM task t JOIN task_life l ON l.row = t.row
         LEFT JOIN lease c ON c.row = l.claim WHERE t.id = ?`,
    );
    this.#lastHolder = db
      .prepare<[number], string>(
        "SELECT actor FROM task_history WHERE task = ? AND call = 'claim' ORDER BY step DESC LIMIT 1",
      )
      .pluck();
    this.#instance = db.prepare("SELECT id, parent FROM instance WHERE id = ?");
  }

  /** Returns whether there is a task with this id. */
  has(task: string): boolean {
    return this.#find(task) !== undefined;
  }

  /** Returns whether an instance, or one of its parents, created a task, holds it, or held it when it ended. */
  isParty(task: string, instance: string): boolean {
    const found = this.#find(task);
    if (found === undefined) return false;
    const { row, created_by, holder, ended_at } = found;
    const finisher = ended_at === null ? undefined : this.#lastHolder.get(row);
    const first = this.#instance.get(instance);
    for (const { id } of lineageOf(first, (parent) => this.#instance.get(parent)))
      if (id === created_by || id === holder || id === finisher) return true;
    return false;
  }

  #find(task: string): TaskRow | undefined {
    this.#rows.write();
    return this.#task.get(task);
  }
}

export const taskParties: Model<TaskParties> = { open: ({ db, rows }) => new TaskParties(db, rows) };
