/** Claims tasks and runs a handler for each, while it keeps the claim alive (held-claim.ts). */
import { pauseMs } from "./back-off.js";
import { Deadline, type CallOptions } from "./deadline.js";
import {
  BadRequestError,
  EvidenceMissingError,
  LeaseLostError,
  RateLimitedError,
  TaskCanceledError,
  TooLargeError,
  UnavailableError,
} from "./errors.js";
import { HeldClaim, Moment } from "./held-claim.js";
import type { TaskClaims } from "./task-claims.js";
import type { ClaimedTask, HeldBy, Task, TaskCompletion } from "./types.js";

/** How long one claim call waits for a task, in s. */
const POLL_S = 30;
/** The maximum length of an error that the server accepts, in code points. */
const ERROR_CHARACTERS_MAX = 4096;

/** An empty list as JSON. */
const NOTHING = "[]";

export interface TaskContext {
  /** The fence of the claim. Send it with each write that the handler makes for the task. */
  readonly fence: number;
  /** A signal that fires when the claim is lost, when the task is cancelled, or when the worker must end. */
  readonly signal: AbortSignal;
  /** The lease of the task's resources; null if the task has no resources. */
  readonly lease: ClaimedTask["lease"];
  /** Reports a percentage, a note, or a checkpoint from which another holder can continue. */
  readonly progress: (what: {
    readonly percent?: number;
    readonly note?: string;
    readonly checkpoint?: unknown;
  }) => Promise<void>;
  /** Sets the records of evidence, and the git tree to which they apply. Both are sent with the result. */
  readonly completeWith: (what: TaskCompletion) => void;
  /**
   * Asks a question about the task, and releases the task until it is answered. After that, the handler should return.
   */
  readonly ask: (question: string) => Promise<void>;
}

export type TaskHandler = (task: Task, context: TaskContext) => unknown;

export interface WorkOptions extends CallOptions {
  readonly workspace?: string;
  /** How long a claim lasts without a renewal, in s; the task's own value by default. */
  readonly ttl_s?: number;
  /** The maximum number of tasks that run at the same time; 1 by default. */
  readonly concurrency?: number;
  /**
   * Called when the list of budgets and rate limits that keep the worker from tasks has changed. While the list is not
   * empty, the worker waits. When it is empty, the worker continues by itself.
   */
  readonly onHeld?: (held: readonly HeldBy[]) => void;
}

/** Thrown by a handler to fail a task for good. The task is not tried again. */
export class TaskFailure extends Error {}

function describeMissing({ message, missing }: EvidenceMissingError): string {
  return `${message}: ${missing.map(({ command, why }) => `${command} (${why})`).join(", ")}`;
}

export class TaskWorker {
  readonly #claiming: TaskClaims;
  readonly #holding: TaskClaims;
  readonly #labels: readonly string[];
  readonly #handler: TaskHandler;
  readonly #options: WorkOptions;
  readonly #ending: Deadline;
  readonly #failure = new AbortController();
  /** The last list that was passed to `onHeld`, as JSON. */
  #reportedHeld = NOTHING;

  /**
   * @param calls `claiming` claims tasks, and ends with the client's signal. `holding` makes the calls about held
   * tasks, and does not end with it
   */
  constructor(
    calls: { readonly claiming: TaskClaims; readonly holding: TaskClaims },
    signal: AbortSignal | undefined,
    labels: readonly string[],
    handler: TaskHandler,
    options: WorkOptions,
  ) {
    this.#claiming = calls.claiming;
    this.#holding = calls.holding;
    this.#labels = labels;
    this.#handler = handler;
    this.#options = options;
    this.#ending = new Deadline(Infinity, [signal, options.signal, this.#failure.signal]);
  }

  /** Runs until the signal fires, or until a claim is refused. */
  async run(): Promise<void> {
    const lines = Array.from({ length: this.#options.concurrency ?? 1 }, () => this.#line());
    try {
      // Each line is a loop that claims and runs tasks. If the server refuses a claim of one line, the other lines also
      // end after their tasks.
      for (const line of lines) line.catch((error: unknown) => this.#failure.abort(error));
      await Promise.allSettled(lines);
      this.#failure.signal.throwIfAborted();
    } finally {
      this.#ending.end();
    }
  }

  async #line(): Promise<void> {
    const { signal } = this.#ending;
    let waitS = 0;
    for (let attempt = 0; !signal.aborted; ) {
      try {
        const askedAt = new Moment();
        const { task, lease, held } = await this.#claiming.claim({
          labels: this.#labels,
          workspace: this.#options.workspace,
          ttl_s: this.#options.ttl_s,
          wait_s: waitS,
          // Tell the server whether a limit keeps the worker from tasks. If that changes during the wait, the server
          // answers at once.
          while_held: this.#reportedHeld !== NOTHING,
          signal,
          timeoutMs: this.#options.timeoutMs,
        });
        attempt = 0;
        waitS = task === null ? POLL_S : 0;
        this.#reportHeld(held ?? []);
        if (task !== null) await this.#work(task, lease, askedAt);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof UnavailableError) && !(error instanceof RateLimitedError)) throw error;
        await this.#ending.pause(pauseMs(attempt++)).catch(() => undefined);
      }
    }
  }

  #reportHeld(held: readonly HeldBy[]): void {
    const text = JSON.stringify(held);
    if (text === this.#reportedHeld) return;
    this.#reportedHeld = text;
    this.#options.onHeld?.(held);
  }

  async #work(task: Task, lease: ClaimedTask["lease"], askedAt: Moment): Promise<void> {
    const { id } = task;
    const fence = task.fence ?? 0;
    // Count the maximum time from the request and not from the answer. The server granted the claim after the request,
    // perhaps only at the end of the wait. So the count errs on the safe side.
    const claimedAt = await this.#confirm(id, fence);
    if (claimedAt === undefined) return;
    const claim = new HeldClaim({
      ttlMs: (this.#options.ttl_s ?? task.ttl_s) * 1000,
      maxMs: task.max_s * 1000,
      heardAt: claimedAt,
      grantedAfter: askedAt,
      renew: async (timeoutMs) => {
        const { cancel_requested: isCanceled } = await this.#holding.progress(id, fence, {}, { timeoutMs });
        if (isCanceled) claim.abort(new TaskCanceledError(`task ${id} is to be canceled`));
      },
    });
    const abort = (): void => claim.abort(this.#ending.signal.reason);
    this.#ending.signal.addEventListener("abort", abort);
    if (this.#ending.signal.aborted) abort();
    let hasAsked = false;
    let completion: TaskCompletion = {};
    const context: TaskContext = {
      fence,
      signal: claim.signal,
      lease,
      progress: async (what) => {
        const { cancel_requested: isCanceled } = await this.#holding.progress(id, fence, what, {
          signal: claim.signal,
        });
        if (isCanceled) claim.abort(new TaskCanceledError(`task ${id} is to be canceled`));
      },
      completeWith: (what) => {
        completion = what;
      },
      ask: async (question) => {
        await this.#holding.ask(id, fence, question);
        hasAsked = true;
        claim.end();
      },
    };
    try {
      const outcome = await this.#run(task, context);
      const isLost = claim.isLost;
      claim.end();
      if (!isLost && !hasAsked)
        await this.#finish(id, fence, outcome, { completion, wasAborted: claim.signal.aborted });
    } catch (error) {
      // Ignore the error: the server has ended the claim meanwhile, and another holder gets the task.
      if (!(error instanceof LeaseLostError)) throw error;
    } finally {
      claim.end();
      this.#ending.signal.removeEventListener("abort", abort);
    }
  }

  /**
   * Confirms to the server that the claim has arrived. Returns the time of the confirmation; undefined if the claim has
   * ended.
   */
  async #confirm(id: string, fence: number): Promise<Moment | undefined> {
    const sentAt = new Moment();
    try {
      await this.#holding.progress(id, fence, {}, { timeoutMs: this.#options.timeoutMs });
      return sentAt;
    } catch (error) {
      if (error instanceof LeaseLostError) return undefined;
      throw error;
    }
  }

  async #run(task: Task, context: TaskContext): Promise<{ result: unknown } | { error: unknown }> {
    try {
      return { result: await this.#handler(task, context) };
    } catch (error) {
      return { error };
    }
  }

  async #finish(
    id: string,
    fence: number,
    outcome: { result: unknown } | { error: unknown },
    { completion, wasAborted }: { readonly completion: TaskCompletion; readonly wasAborted: boolean },
  ): Promise<void> {
    if ("result" in outcome) await this.#complete(id, fence, outcome.result, completion);
    else if (wasAborted) await this.#holding.release(id, fence);
    else await this.#fail(id, fence, outcome.error);
  }

  /**
   * Completes a task. If the result is not JSON, or if the server does not accept it, the task fails for good. If
   * evidence is missing, only this attempt fails.
   */
  async #complete(id: string, fence: number, result: unknown, completion: TaskCompletion): Promise<void> {
    try {
      await this.#holding.complete(id, fence, result, completion);
    } catch (error) {
      if (error instanceof EvidenceMissingError) {
        await this.#fail(id, fence, new Error(describeMissing(error)));
        return;
      }
      const isRefused =
        error instanceof TypeError || error instanceof BadRequestError || error instanceof TooLargeError;
      if (!isRefused) throw error;
      await this.#fail(id, fence, new TaskFailure(`the result: ${error.message}`));
    }
  }

  async #fail(id: string, fence: number, error: unknown): Promise<void> {
    const whole = error instanceof Error ? error.message : String(error);
    const message = Array.from(whole).slice(0, ERROR_CHARACTERS_MAX).join("");
    await this.#holding.fail(id, fence, message || "the handler failed", !(error instanceof TaskFailure));
  }
}
