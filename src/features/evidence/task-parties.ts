/**
 * Finds out whether an instance is a party of a task: it created the task, holds it, or has held it. A subagent is a
 * party if one of its parents is. Only a party may report what decides about a task, because any other agent could keep
 * the task from being done. Runs in the writer thread.
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
}

interface Member {
  readonly id: string;
  readonly parent: string | null;
}

export class TaskParties {
  readonly #task: Statement<[string], TaskRow>;
  readonly #hasHeld: Statement<[number, string], unknown>;
  readonly #instance: Statement<[string], Member>;
  readonly #rows: Pick<WriteBuffer, "write">;

  /** @param rows the buffered rows of the writer, which are written before a read */
  constructor(db: Db, rows: Pick<WriteBuffer, "write">) {
    this.#rows = rows;
    this.#task = db.prepare(
      `SELECT t.row, t.created_by, c.holder FROM task t JOIN task_life l ON l.row = t.row
         LEFT JOIN lease c ON c.row = l.claim WHERE t.id = ?`,
    );
    this.#hasHeld = db.prepare("SELECT 1 FROM task_history WHERE task = ? AND actor = ? AND call = 'claim' LIMIT 1");
    this.#instance = db.prepare("SELECT id, parent FROM instance WHERE id = ?");
  }

  /** Returns whether there is a task with this id. */
  has(task: string): boolean {
    return this.#find(task) !== undefined;
  }

  /**
   * Returns whether an instance may report evidence for a task: it, or one of its parents, created or holds the task.
   * While no claim holds the task, an instance that has held it may, too.
   */
  mayProve(task: string, instance: string): boolean {
    const found = this.#find(task);
    if (found === undefined) return false;
    return this.#isParty(found, instance, found.holder === null);
  }

  /** Returns whether usage of an instance counts for a task: it, or one of its parents, created, holds or held it. */
  hasWorkedOn(task: string, instance: string): boolean {
    const found = this.#find(task);
    return found !== undefined && this.#isParty(found, instance, true);
  }

  #isParty({ row, created_by, holder }: TaskRow, instance: string, withFormer: boolean): boolean {
    const first = this.#instance.get(instance);
    for (const { id } of lineageOf(first, (parent) => this.#instance.get(parent))) {
      if (id === created_by || id === holder) return true;
      if (withFormer && this.#hasHeld.get(row, id) !== undefined) return true;
    }
    return false;
  }

  #find(task: string): TaskRow | undefined {
    this.#rows.write();
    return this.#task.get(task);
  }
}

export const taskParties: Model<TaskParties> = { open: ({ db, rows }) => new TaskParties(db, rows) };
