/** Creates all tasks of a call, or none of them. A call that fails has changed nothing. Runs in the writer thread. */
import type { CreateTasksReply, CreateTasksRequest, NewTask } from "../../../schemas/tasks.js";
import { must } from "../../base/assert.js";
import { Failure } from "../../base/result.js";
import { resourcesOf } from "../claims/lease.js";
import type { Resource } from "../claims/resource.js";
import type { IdempotencyRecords } from "../idempotency/records.js";
import type { WriteCall } from "../../platform/threads/writer-method.js";
import { planTasks, type PlannedTask } from "./plan.js";
import type { LiveTask, TaskLife } from "./task.js";
import type { RequiredTable } from "./required-table.js";
import { taskBytes } from "./task-bytes.js";
import type { TaskChanges } from "./task-changes.js";
import type { TaskFinder } from "./task-finder.js";
import { refuseMore, refuseWaiters } from "./task-limits.js";

export interface TaskCreatorOptions {
  readonly changes: TaskChanges;
  readonly finder: TaskFinder;
  readonly requests: IdempotencyRecords;
  readonly required: RequiredTable;
}

export class TaskCreator {
  readonly #options: TaskCreatorOptions;

  constructor(options: TaskCreatorOptions) {
    this.#options = options;
  }

  /**
   * Creates all of the tasks, or none. If an earlier attempt of the same call has already created a task, the reply has
   * the task's current state.
   */
  create({ tasks }: CreateTasksRequest, call: WriteCall): CreateTasksReply | Failure {
    const { changes, finder, requests } = this.#options;
    const { actor, nowMs } = call;
    const planned = planTasks(tasks, {
      lastRow: changes.lastRow,
      find: (id) => finder.find(id),
      made: (requestId, hash) => requests.find("task", actor, requestId, nowMs, hash),
    });
    if (planned instanceof Failure) return planned;
    const made = planned.filter(({ task }) => task !== null);
    const crowded = refuseWaiters(changes.live, made);
    if (crowded !== null) return crowded;
    let bytes = 0;
    const ready: { plan: PlannedTask; task: NewTask; resources: readonly Resource[] }[] = [];
    for (const plan of made) {
      const task = must(plan.task, "it is to be made");
      const resources = resourcesOf(task.resources, task.workspace);
      bytes += taskBytes({ ...task, resources, blockers: plan.blockers });
      const full = refuseMore(changes.live, made.length, bytes);
      if (full !== null) return full;
      ready.push({ plan, task, resources });
    }
    for (const { plan, task, resources } of ready) this.#create(plan, task, resources, call);
    const live = made.map(({ id }) => must(changes.live.get(id), "it is made"));
    changes.findStuck(live, call);
    return { rows: planned.map(({ row }) => row), made: made.map(({ id }) => id) };
  }

  #create(
    { row, id, after, blockers }: PlannedTask,
    task: NewTask,
    resources: readonly Resource[],
    call: WriteCall,
  ): void {
    const { changes, requests, required } = this.#options;
    const { nowMs, actor } = call;
    const { workspace, title, labels, requires, max_attempts, ttl_s, max_s, priority, not_before, assignee } = task;
    const life: TaskLife = {
      state: blockers.size > 0 ? "blocked" : "ready",
      priority,
      attempts: 0,
      not_before,
      assignee,
      reserved: null,
      reserved_until: 0,
      claim: null,
      progress: null,
      cancel_requested: false,
      steps: 1,
      ready_at: blockers.size > 0 ? null : nowMs,
      updated_at: nowMs,
      claimed_at: null,
      ended_at: null,
    };
    const made: LiveTask = {
      row,
      id,
      workspace,
      title,
      labels,
      requires,
      resources,
      max_attempts,
      ttl_s,
      max_s,
      created_by: actor === "" ? null : actor,
      created_at: nowMs,
      life,
      blockers,
    };
    changes.create(made, task, after, call);
    if (task.requires_evidence !== undefined) required.put(row, task.requires_evidence);
    requests.store("task", actor, task.request_id, id, nowMs, task.request_hash);
  }
}
