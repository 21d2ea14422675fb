/**
 * Reads tasks as they were at a past time. The state of a task comes from its history, and its holder from the claim at
 * that time. Members without a history are shown as they are now. Runs in the worker pool.
 */
import type { TasksAtRequest } from "../../../schemas/story.js";
import { formatTime } from "../../base/time.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";
import { LeaseReader } from "../claims/table.js";
import type { TaskRow } from "../tasks/table.js";
import { hasEnded } from "../tasks/task.js";

type Lasting = "row" | "id" | "workspace" | "title" | "labels" | "requires" | "resources" | "after" | "created_by";

/** A task with the last step of its history at a past time. `at` is the time of the step, in ms. */
export interface TaskStep extends Pick<TaskRow, Lasting | "created_at" | "state"> {
  readonly step: number;
  readonly at: number;
  readonly note: string | null;
}

/** The claim that held a task. `at` is the time of the claim, in ms. */
interface HoldingClaim {
  readonly actor: string;
  readonly fence: number | null;
  readonly at: number;
}

type Bound = (string | number)[];

export class TaskHistory {
  readonly #db: Db;
  readonly #leases: LeaseReader;
  readonly #claim: Statement<[number, number], HoldingClaim>;
  readonly #name: Statement<[string], string>;

  constructor(db: Db) {
    this.#db = db;
    this.#leases = new LeaseReader(db);
    this.#claim = db.prepare(
      `SELECT actor, fence, at FROM task_history WHERE task = ? AND step <= ? AND call = 'claim'
       ORDER BY step DESC LIMIT 1`,
    );
    this.#name = db.prepare<[string], string>("SELECT name FROM instance WHERE id = ?").pluck();
  }

  /** Yields the tasks that match a request, the newest first. */
  *list({ at, workspace, state, before, limit }: TasksAtRequest): Generator<TaskStep, void, undefined> {
    const conditions = ["t.row < ?", "t.created_at <= ?"];
    const bound: Bound = [at, before, at];
    if (workspace !== null) {
      conditions.push("t.workspace = ?");
      bound.push(workspace);
    }
    if (state !== null) {
      conditions.push("h.state = ?");
      bound.push(state);
    }
    yield* this.#db
      .prepare<Bound, TaskStep>(
        `SELECT t.row, t.id, t.workspace, t.title, t.labels, t.requires, t.resources, t.after, t.created_by,
           t.created_at, h.state, h.step, h.at, h.note
         FROM task t CROSS JOIN task_history h ON h.task = t.row
           AND h.step = (SELECT max(step) FROM task_history WHERE task = t.row AND at <= ?)
         WHERE ${conditions.join(" AND ")} ORDER BY t.row DESC LIMIT ?`,
      )
      .iterate(...bound, limit);
  }

  /** Maps the fence of each claim that was live at a time to the name of the claim's holder. */
  holderNames(atMs: number): ReadonlyMap<number, string> {
    const names = new Map<number, string>();
    for (const { fence, task, holder_name } of this.#leases.liveAt(atMs, Number.MAX_SAFE_INTEGER))
      if (task !== null) names.set(fence, holder_name);
    return names;
  }

  /**
   * Returns the JSON text of a task. The name of the holder is empty if neither the claim nor the instance is stored
   * any more.
   * @param names the result of `holderNames`
   */
  encode(task: TaskStep, names: ReadonlyMap<number, string>): string {
    const { row, id, workspace, title, labels, requires, resources, after, state, step, at, note } = task;
    // Read the last claim even if the task is no longer held, because the answer has its time.
    const claim = this.#claim.get(row, step);
    const isHeld = state === "claimed" && claim !== undefined;
    const holder = isHeld
      ? { id: claim.actor, name: names.get(claim.fence ?? 0) ?? this.#name.get(claim.actor) ?? "" }
      : null;
    const rest = {
      state,
      holder,
      fence: isHeld ? claim.fence : null,
      note,
      created_by: task.created_by,
      created_at: formatTime(task.created_at),
      updated_at: formatTime(at),
      claimed_at: claim === undefined ? null : formatTime(claim.at),
      ended_at: hasEnded(state) ? formatTime(at) : null,
    };
    return (
      `{"id":"${id}","workspace":${JSON.stringify(workspace)},"title":${JSON.stringify(title)},"labels":${labels}` +
      `,"requires":${requires},"resources":${resources},"after":${after},${JSON.stringify(rest).slice(1)}`
    );
  }
}

export const taskHistory: Model<TaskHistory> = { open: ({ db }) => new TaskHistory(db) };
