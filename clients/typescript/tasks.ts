/** The calls about tasks. */
import type { CallOptions } from "./deadline.js";
import { newRequestId } from "./request-id.js";
import { TaskWorker, type TaskHandler, type WorkOptions } from "./task-worker.js";
import type { Transport } from "./transport.js";
import type { ClaimedTask, ListedTask, NewTask, Task, TaskProgress, TaskWithHistory } from "./types.js";
import { segment } from "./versioned.js";

/** The longest time of one long poll, in s. Proxies may cut longer ones. */
const POLL_S_MAX = 30;

export interface ClaimOptions extends CallOptions {
  /** The task has all of these. */
  readonly labels?: readonly string[];
  /** This task; the best one by default. */
  readonly id?: string;
  readonly workspace?: string | undefined;
  readonly ttl_s?: number | undefined;
  /** How long to wait for a task, at most 60 s. */
  readonly wait_s?: number;
}

export interface TaskListOptions extends CallOptions {
  readonly workspace?: string;
  readonly state?: Task["state"];
  readonly label?: string;
  readonly assignee?: string;
  readonly holder?: string;
  readonly limit?: number;
  readonly after?: string;
}

type NewTaskWithoutId = Omit<NewTask, "request_id">;

function pathOf(id: string): string {
  return `/api/tasks/${segment(id)}`;
}

export class Tasks {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Makes one task, or an array of them as a whole. */
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
   * Claims tasks that have these labels, one after the other, and runs the handler for each. What the handler returns is
   * the task's result; if it fails, the task is tried again later. Runs until the signal fires: a task whose handler
   * then fails is given back.
   */
  work(labels: string | readonly string[], handler: TaskHandler, options: WorkOptions = {}): Promise<void> {
    const all = typeof labels === "string" ? [labels] : labels;
    // The tasks that the worker holds are finished or given back also after the client's signal has fired.
    const holding = new Tasks(this.#transport.as({ signal: undefined }));
    return new TaskWorker({ claiming: this, holding }, this.#transport.signal, all, handler, options).run();
  }

  /** Claims a task. Both members of the answer are null if there is none. */
  claim(options: ClaimOptions = {}): Promise<ClaimedTask> {
    const { labels, id, workspace, ttl_s, wait_s: waitS = 0 } = options;
    const wait = Math.min(waitS, 2 * POLL_S_MAX);
    const json = { labels, id, workspace, ttl_s, wait_s: wait, request_id: newRequestId() };
    const plan = { method: "POST", path: "/api/tasks/claim", json, repeatable: true, waitMs: wait * 1000 };
    return this.#transport.json(plan, options);
  }

  /** A sign of life, with a percentage, a note, or a checkpoint from which another holder can go on. */
  progress(
    id: string,
    fence: number,
    what: { readonly percent?: number; readonly note?: string; readonly checkpoint?: unknown } = {},
    options?: CallOptions,
  ): Promise<TaskProgress> {
    return this.#about(id, "progress", { ...what, fence }, options);
  }

  complete(id: string, fence: number, result?: unknown, options?: CallOptions): Promise<Task> {
    return this.#about(id, "complete", { fence, result }, options);
  }

  fail(id: string, fence: number, error: string, retry = true, options?: CallOptions): Promise<Task> {
    return this.#about(id, "fail", { fence, error, retry }, options);
  }

  /** Gives a claimed task back. That counts as no attempt. */
  release(id: string, fence: number, note?: string, options?: CallOptions): Promise<Task> {
    return this.#about(id, "release", { fence, note }, options);
  }

  /** Gives a claimed task back until the question is answered. */
  ask(id: string, fence: number, question: string, options?: CallOptions): Promise<Task> {
    return this.#about(id, "ask", { fence, question }, options);
  }

  answer(id: string, answer: string, options?: CallOptions): Promise<Task> {
    return this.#transport.json({ method: "POST", path: `${pathOf(id)}/answer`, json: { answer } }, options);
  }

  cancel(id: string, reason?: string, options?: CallOptions): Promise<Task> {
    return this.#transport.json({ method: "POST", path: `${pathOf(id)}/cancel`, json: { reason } }, options);
  }

  get(id: string, options?: CallOptions): Promise<TaskWithHistory> {
    return this.#transport.json({ method: "GET", path: pathOf(id) }, options);
  }

  async list(options: TaskListOptions = {}): Promise<ListedTask[]> {
    const { workspace, state, label, assignee, holder, limit, after } = options;
    const query = { workspace, state, label, assignee, holder, limit, after };
    return (await this.#transport.json<{ tasks: ListedTask[] }>({ method: "GET", path: "/api/tasks", query }, options))
      .tasks;
  }

  /** A call of the holder. The same call again has the same answer. */
  #about<Result>(id: string, verb: string, json: unknown, options?: CallOptions): Promise<Result> {
    return this.#transport.json({ method: "POST", path: `${pathOf(id)}/${verb}`, json, repeatable: true }, options);
  }
}
