/** The calls about tasks. */
import type { CallOptions } from "./deadline.js";
import { newRequestId } from "./request-id.js";
import { TaskClaims, taskPath } from "./task-claims.js";
import { TaskWorker, type TaskHandler, type WorkOptions } from "./task-worker.js";
import type { Transport } from "./transport.js";
import type { ListedTask, NewTask, Task, TaskQuery, TaskWithHistory } from "./types.js";
import { wholeList } from "./whole-list.js";

export interface TaskListOptions extends CallOptions, Readonly<Omit<TaskQuery, "state">> {
  readonly state?: Task["state"];
}

type NewTaskWithoutId = Omit<NewTask, "request_id">;

export class Tasks extends TaskClaims {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    super(transport);
    this.#transport = transport;
  }

  /** Creates one task or an array of tasks. An array is created as a whole or not at all. */
  add(task: NewTaskWithoutId, options?: CallOptions): Promise<Task>;
  add(tasks: readonly NewTaskWithoutId[], options?: CallOptions): Promise<Task[]>;
  add(what: NewTaskWithoutId | readonly NewTaskWithoutId[], options?: CallOptions): Promise<Task | Task[]> {
    const named = (task: NewTaskWithoutId): NewTask => ({ ...task, request_id: newRequestId() });
    const json = Array.isArray(what)
      ? (what as readonly NewTaskWithoutId[]).map(named)
      : named(what as NewTaskWithoutId);
    return this.#transport.json({ method: "POST", path: "/api/tasks", json, repeatable: true }, options);
  }

  /**
   * Claims tasks that have these labels, one after the other, and runs the handler for each. The value that the handler
   * returns is the task's result. If the handler fails, the task is tried again later. Runs until the signal fires. If
   * the handler fails after that, the task is released.
   */
  work(labels: string | readonly string[], handler: TaskHandler, options: WorkOptions = {}): Promise<void> {
    const all = typeof labels === "string" ? [labels] : labels;
    // These calls do not end with the client's signal, so that the worker can finish or release its tasks after it.
    const holding = new TaskClaims(this.#transport.as({ signal: undefined }));
    return new TaskWorker({ claiming: this, holding }, this.#transport.signal, all, handler, options).run();
  }

  answer(id: string, answer: string, options?: CallOptions): Promise<Task> {
    return this.#transport.json({ method: "POST", path: `${taskPath(id)}/answer`, json: { answer } }, options);
  }

  cancel(id: string, reason?: string, options?: CallOptions): Promise<Task> {
    return this.#transport.json({ method: "POST", path: `${taskPath(id)}/cancel`, json: { reason } }, options);
  }

  get(id: string, options?: CallOptions): Promise<TaskWithHistory> {
    return this.#transport.json({ method: "GET", path: taskPath(id) }, options);
  }

  /** Lists all tasks that match, the newest first; with `limit` at most that many. */
  list(options: TaskListOptions = {}): Promise<ListedTask[]> {
    const { signal, timeoutMs, ...query } = options;
    const plan = { path: "/api/tasks", query, member: "tasks", paged: true } as const;
    return wholeList(this.#transport, plan, { signal, timeoutMs });
  }
}
