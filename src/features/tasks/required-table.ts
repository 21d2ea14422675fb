/**
 * Runs the SQL about the commands that tasks require. A row also has the last edit that hooks have reported for the
 * task. Only tasks that require a command have a row. Runs on the front, in the worker pool and in the writer thread.
 */
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";

export interface RequiredCommands {
  readonly commands: readonly string[];
  /**
   * The time of the last edit, in ms; null if there was no edit. An edit makes the existing records of commands stale.
   */
  readonly editedMs: number | null;
  /**
   * The id of the newest record at the time of the last edit. This record and all earlier ones are stale. It is 0 if
   * there was no edit.
   */
  readonly staleTo: number;
}

interface StoredRow {
  readonly commands: string;
  readonly edited_at: number | null;
  readonly stale_to: number;
}

export class RequiredTable {
  readonly #get: Statement<[number], StoredRow>;
  readonly #put: Statement<[number, string], unknown>;
  readonly #delete: Statement<[number], unknown>;
  readonly #edit: Statement<[number, number], unknown>;

  constructor(db: Db) {
    this.#get = db.prepare("SELECT commands, edited_at, stale_to FROM task_evidence WHERE row = ?");
    this.#put = db.prepare(
      `INSERT INTO task_evidence (row, commands, stale_to) VALUES (?, ?, 0)
       ON CONFLICT (row) DO UPDATE SET commands = excluded.commands`,
    );
    this.#delete = db.prepare("DELETE FROM task_evidence WHERE row = ?");
    this.#edit = db.prepare(
      "UPDATE task_evidence SET edited_at = ?, stale_to = coalesce((SELECT max(id) FROM evidence), 0) WHERE row = ?",
    );
  }

  /** Returns the commands that a task requires; undefined if it requires none. */
  of(row: number): RequiredCommands | undefined {
    const stored = this.#get.get(row);
    if (stored === undefined) return undefined;
    const { commands, edited_at, stale_to } = stored;
    return { commands: JSON.parse(commands) as string[], editedMs: edited_at, staleTo: stale_to };
  }

  /** Sets the commands that a task requires. An empty list removes the row. */
  put(row: number, commands: readonly string[]): void {
    if (commands.length === 0) this.#delete.run(row);
    else this.#put.run(row, JSON.stringify(commands));
  }

  /** Records an edit. It makes all existing records stale. */
  edit(row: number, nowMs: number): void {
    this.#edit.run(nowMs, row);
  }
}

export const requiredTable: Model<RequiredTable> = { open: ({ db }) => new RequiredTable(db) };
