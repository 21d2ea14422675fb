/** The calls of a task's holder, which the worker makes (task-worker.ts). */
import type { CallOptions } from "./deadline.js";
import { newRequestId } from "./request-id.js";
import type { Transport } from "./transport.js";
import type { ClaimedTask, Task, TaskCompletion, TaskProgress } from "./types.js";
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
  /**
   * The wait ends early as soon as budgets and rate limits keep the instance from tasks (false), or as soon as they do
   * not (true).
   */
  readonly while_held?: boolean;
}

/** Options of a completion: records of evidence that count, and the tree that they are about. */
export interface CompleteOptions extends CallOptions, Readonly<TaskCompletion> {}

/** Returns the path of a task. */
export function taskPath(id: string): string {
  return `/api/tasks/${segment(id)}`;
}

export class TaskClaims {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Claims a task. Both members of the answer are null if there is none; `held` then names the budgets and the rate
   * limits that keep the instance from one.
   */
  async claim(options: ClaimOptions = {}): Promise<ClaimedTask> {
    const { labels, id, workspace, ttl_s, while_held, wait_s: waitS = 0 } = options;
    const wait = Math.min(waitS, 2 * POLL_S_MAX);
    const json = { labels, id, workspace, ttl_s, wait_s: wait, while_held, request_id: newRequestId() };
    const plan = { method: "POST", path: "/api/tasks/claim", json, repeatable: true, waitMs: wait * 1000 };
    const claimed = await this.#transport.json<ClaimedTask>(plan, options);
    if (claimed.task === null && wait > 0) await this.#transport.leaveIsolated(options.signal);
    return claimed;
  }

  /** A heartbeat, with a percentage, a note, or a checkpoint from which another holder can continue. */
  progress(
    id: string,
    fence: number,
    what: { readonly percent?: number; readonly note?: string; readonly checkpoint?: unknown } = {},
    options?: CallOptions,
  ): Promise<TaskProgress> {
    return this.#about(id, "progress", { ...what, fence }, options);
  }

  /** Fails with EvidenceMissingError if a command that the task requires was not seen to pass. */
  complete(id: string, fence: number, result?: unknown, options: CompleteOptions = {}): Promise<Task> {
    const { signal, timeoutMs, ...completion } = options;
    return this.#about(id, "complete", { ...completion, fence, result }, { signal, timeoutMs });
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

  /** A call of the holder. The same call again has the same answer. */
  #about<Result>(id: string, verb: string, json: unknown, options?: CallOptions): Promise<Result> {
    return this.#transport.json({ method: "POST", path: `${taskPath(id)}/${verb}`, json, repeatable: true }, options);
  }
}
