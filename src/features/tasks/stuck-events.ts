/**
 * Publishes events when tasks become stuck, and when they are no longer stuck. The caller runs inside the transaction
 * of the change, so the events are committed together with the change. Runs in the writer thread.
 */
import { TASKS_STUCK_REPORTED_MAX } from "../../../schemas/limits/tasks.js";
import { must } from "../../base/assert.js";
import type { Publisher } from "../events/publisher.js";
import type { WriteCall } from "../../platform/threads/writer-method.js";
import type { LiveTasks } from "./live-tasks.js";
import { findCause, waitsForNote } from "./stuck.js";
import type { LiveTask } from "./task.js";
import { publishTaskEvent } from "./task-events.js";
import type { TaskWriter } from "./task-writer.js";

export class StuckEvents {
  readonly #live: LiveTasks;
  readonly #table: TaskWriter;
  readonly #events: Publisher;

  constructor(live: LiveTasks, table: TaskWriter, events: Publisher) {
    this.#live = live;
    this.#table = table;
    this.#events = events;
  }

  /** Publishes an event if a task is stuck. Returns whether it is stuck. */
  publish(task: LiveTask, call: WriteCall): boolean {
    const isStuck = this.#live.isStuck(task);
    if (isStuck) publishTaskEvent(this.#events, "task.blocked", task, null, this.causeOf(task), call);
    return isStuck;
  }

  /**
   * Publishes an event for each task that becomes stuck, at most TASKS_STUCK_REPORTED_MAX events. Called when the task
   * in the first parameter has ended without being done, or has become stuck.
   */
  lose({ row }: LiveTask, reason: string | null, call: WriteCall): void {
    for (const task of this.#live.lose(row).slice(0, TASKS_STUCK_REPORTED_MAX))
      publishTaskEvent(this.#events, "task.blocked", task, null, reason, call);
  }

  /**
   * Publishes an event for each task that is no longer stuck, at most TASKS_STUCK_REPORTED_MAX events. Called when the
   * task in the first parameter was retried, or is no longer stuck.
   */
  regain({ row }: LiveTask, call: WriteCall): void {
    for (const task of this.#live.regain(row).slice(0, TASKS_STUCK_REPORTED_MAX))
      publishTaskEvent(this.#events, "task.unblocked", task, null, null, call);
  }

  /** Returns the reason why a task is stuck. Returns null if the search stopped before it found the reason. */
  causeOf({ blockers }: LiveTask): string | null {
    const { cause } = findCause(blockers, {
      isFree: (row) => !this.#live.isLost(row),
      waitsFor: (row) => this.#live.byRow(row)?.blockers,
    });
    return cause === undefined
      ? null
      : waitsForNote(must(this.#table.byRow(cause), "what is waited for is not pruned"));
  }
}
