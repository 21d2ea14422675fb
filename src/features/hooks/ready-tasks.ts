/**
 * Remembers the ready tasks that only one instance may claim, until they are reported to this instance. Tasks that any
 * instance may claim are left out; otherwise every agent would be told about each of them. Runs on the front.
 */
import { HOOK_TASKS_MAX } from "../../../schemas/limits/hooks.js";
import { AgingMap } from "../../base/aging-map.js";
import type { Entry } from "../instances/entry.js";
import { mayClaim } from "../tasks/ready-queue.js";
import type { ClaimableTask, TaskListener, TaskProjection } from "../tasks/task-projection.js";

export class ReadyTasks implements TaskListener {
  readonly #tasks: Pick<TaskProjection, "get" | "isFree">;
  /** The tasks that were not reported yet, by their rows, the oldest first. */
  readonly #unreported = new AgingMap<number, ClaimableTask>();

  constructor(tasks: Pick<TaskProjection, "get" | "isFree" | "listen">) {
    this.#tasks = tasks;
    tasks.listen(this);
  }

  get size(): number {
    return this.#unreported.size;
  }

  claimable(task: ClaimableTask): void {
    if (task.assignee === null && task.reserved === null) return;
    this.#unreported.set(task.row, task);
    this.#unreported.limitTo(HOOK_TASKS_MAX);
  }

  lost(): void {
    this.#unreported.clear();
  }

  /**
   * Returns the tasks that an instance may claim now and that were not reported to it yet. The tasks count as reported
   * afterwards.
   */
  take({ id, name, parent, capabilities, workspace }: Entry, nowMs: number): ClaimableTask[] {
    if (this.#unreported.size === 0) return [];
    const claimant = { id, name, parent, capabilities, workspace, labels: [] };
    const taken: ClaimableTask[] = [];
    for (const task of this.#unreported.values()) {
      // The task may have been claimed or changed in the meantime.
      if (this.#tasks.get(task.row) !== task) this.#unreported.delete(task.row);
      else if (isFor(task, claimant) && mayClaim(task, claimant, nowMs) && this.#tasks.isFree(task, claimant))
        taken.push(task);
    }
    for (const { row } of taken) this.#unreported.delete(row);
    return taken;
  }
}

function isFor({ assignee, reserved }: ClaimableTask, { id, name }: Pick<Entry, "id" | "name">): boolean {
  return assignee === id || assignee === name || reserved === id;
}
