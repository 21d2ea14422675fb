/** The calls that the holder of a task makes. The worker uses them (task-worker.ts). */
import type { CallOptions } from "./deadline.js";
import { newRequestId } from "./request-id.js";
import type { Transport } from "./transport.js";
import type { ClaimedTask, Task, TaskCompletion, TaskProgress } from "./types.js";
import { segment } from "./versioned.js";

/** The maximum time of one long poll, in s. Proxies may cut a longer one. */
const POLL_S_MAX = 30;

export interface ClaimOptions extends CallOptions {
  /** Only a task that has all of these labels. */
  readonly labels?: readonly string[];
  /** Only the task with this id. By default the server chooses the best one. */
  readonly id?: string;
  readonly workspace?: string | undefined;
  readonly ttl_s?: number | undefined;
  /** How long the server waits for a task if there is none, in s; at most 60. */
  readonly wait_s?: number;
  /**
   * Decides how the wait ends. If true, it ends as soon as no budget or rate limit keeps the instance from tasks. If
   * false, it ends as soon as one does. Pass true if the last answer had any in `held`.
   */
  readonly while_held?: boolean;
}

/**
 * The options of a completion. They name the records of evidence that count, and the git tree to which the records
 * apply.
 */
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
   * Claims a task. If there is none to claim, the task and the lease in the answer are null. `held` then names the
   * budgets and rate limits that keep the instance from a task.
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

  /** Sends a heartbeat with a percentage, a note, or a checkpoint from which another holder can continue. */
  progress(
    id: string,
    fence: number,
    what: { readonly percent?: number; readonly note?: string; readonly checkpoint?: unknown } = {},
    options?: CallOptions,
  ): Promise<TaskProgress> {
    return this.#about(id, "progress", { ...what, fence }, options);
  }

  /**
   * Completes a task. Fails with EvidenceMissingError if the task requires a command that has no passing run on record.
   */
  complete(id: string, fence: number, result?: unknown, options: CompleteOptions = {}): Promise<Task> {
    const { signal, timeoutMs, ...completion } = options;
    return this.#about(id, "complete", { ...completion, fence, result }, { signal, timeoutMs });
  }

  fail(id: string, fence: number, error: string, retry = true, options?: CallOptions): Promise<Task> {
    return this.#about(id, "fail", { fence, error, retry }, options);
  }

  /** Releases a claimed task. The ended claim does not count as an attempt. */
  release(id: string, fence: number, note?: string, options?: CallOptions): Promise<Task> {
    return this.#about(id, "release", { fence, note }, options);
  }

  /** Asks a question about a claimed task, and releases the task until the question is answered. */
  ask(id: string, fence: number, question: string, options?: CallOptions): Promise<Task> {
    return this.#about(id, "ask", { fence, question }, options);
  }

  /** Sends a call of the task's holder. The call may be retried, because a repeated call gets the same answer. */
  #about<Result>(id: string, verb: string, json: unknown, options?: CallOptions): Promise<Result> {
    return this.#transport.json({ method: "POST", path: `${taskPath(id)}/${verb}`, json, repeatable: true }, options);
  }
}
