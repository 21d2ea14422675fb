/**
 * Controls one pool thread from the front. The thread gets a batch of jobs and answers them in order. One job of a
 * batch does not make the others fail: if no answer comes for POOL_BATCH_PATIENCE_MS, or the thread ends early, all
 * unanswered jobs except the current one are requeued for other threads. A job may be run twice, because jobs only
 * read. The current job continues under its own deadline, and if it exceeds that, the thread is ended. Runs on the
 * front.
 */
import { Worker, type MessagePort } from "node:worker_threads";
import { POOL_BATCH_PATIENCE_MS, POOL_HEAP_MIB_MAX, POOL_START_MS_MAX } from "../../../schemas/limits/pool.js";
import { must } from "../../base/assert.js";
import { machineClock } from "../../base/clock.js";
import { isShortage } from "../../base/descriptors.js";
import { Failure } from "../../base/result.js";
import { BatchCursor, type PoolAnswer, type PoolAnswers, type PoolData, type PoolTask } from "./pool-messages.js";
import type { PoolMethod } from "./pool-method.js";

/** A job that waits in the queue or runs in a thread. */
export interface Job {
  /** The weight of the job's request, in bytes. */
  readonly bytes: number;
  readonly method: PoolMethod;
  /** The caller in whose queue the job waits, as from `callerOf`; THE_SERVER if no client's request has caused it. */
  readonly caller: string;
  /** The number of the job, in the order of submission. */
  readonly order: number;
  readonly task: PoolTask;
  readonly transfer: readonly (ArrayBuffer | MessagePort)[];
  /** Whether the job may share a batch, and so a thread, with other jobs. */
  readonly shares: boolean;
  /** The deadline in ms, counted from the moment at which a thread takes the job. */
  readonly deadlineMs: number;
  readonly waitsSinceMs: number;
  /** Called with the reply or the Failure; only the first call counts. */
  readonly settle: (reply: unknown) => void;
  settled: boolean;
}

export interface PoolThreadOptions {
  /** The script of the thread. */
  readonly url: URL;
  readonly data: PoolData;
  /** Called when the thread has no job any more. */
  readonly onFree: () => void;
  /** Called with the jobs that the thread will not run. They must be requeued. */
  readonly onReturned: (jobs: readonly Job[]) => void;
  /** Called when the thread has ended. */
  readonly onEnded: () => void;
  readonly report: (what: string, error: unknown) => void;
  /**
   * Called if the thread could not be started, or could not open a file that a job needs, for example because no file
   * descriptors are left.
   */
  readonly onShortage: (error: unknown) => void;
}

const INTERNAL = new Failure("INTERNAL", "internal error");
const SHORT = new Failure("RESOURCE_EXHAUSTED", "the server cannot open what this needs now, try again");
const TOO_LATE = new Failure("DEADLINE_EXCEEDED", "deadline exceeded");
const NOTHING: readonly Job[] = [];

export class PoolThread {
  readonly #options: PoolThreadOptions;
  readonly #worker: Worker;
  readonly #cursor = new BatchCursor();
  /** The current batch. */
  #batch: readonly Job[] = NOTHING;
  /** The number of jobs of the batch that were answered. */
  #answered = 0;
  /** The current job, once it is the only job of the batch that the front waits for; else null. */
  #soleJob: Job | null = null;
  #timer: NodeJS.Timeout | undefined;
  /** Whether the thread has loaded its modules. The deadlines of jobs count only from then on. */
  #started = false;
  #hasAnswered = false;
  /** Whether the thread failed to open a file or to load a module. If so, it is ended after its batch. */
  #isTainted = false;
  /** The error that ended it. */
  #fault: unknown = "the thread ended";
  #ended = false;
  /** The time since which the thread has been idle, in ms. */
  idleSinceMs = machineClock.now();

  constructor(options: PoolThreadOptions) {
    this.#options = options;
    this.#worker = new Worker(options.url, {
      workerData: { ...options.data, cursor: this.#cursor.memory },
      resourceLimits: { maxOldGenerationSizeMb: POOL_HEAP_MIB_MAX },
    });
    this.#worker.on("message", (answers: PoolAnswers) => this.#onAnswers(answers));
    this.#worker.on("error", (error: unknown) => {
      this.#fault = error;
    });
    this.#worker.on("exit", () => this.#onExit());
  }

  get isFree(): boolean {
    return this.#batch === NOTHING;
  }

  /** Whether the thread has already answered a job. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Whether the thread runs a job whose running time has no known bound. */
  get isUnbounded(): boolean {
    return this.#batch[0]?.method.cost === "unbounded";
  }

  /** Runs one job, or several as a batch. The thread must be free. */
  run(jobs: readonly Job[]): void {
    const [first] = jobs;
    this.#batch = jobs;
    this.#answered = 0;
    this.#soleJob = jobs.length === 1 && first !== undefined ? first : null;
    this.#cursor.reset();
    const tasks = jobs.map(({ task }) => task);
    try {
      this.#worker.postMessage(tasks, this.#soleJob === null ? [] : [...this.#soleJob.transfer]);
    } catch (error) {
      this.#options.report("job failed", error);
      this.#finish(INTERNAL);
      return;
    }
    this.#wait(this.#started ? this.#patienceMs : POOL_START_MS_MAX);
  }

  /** The time in ms after which the thread's next answer is overdue. */
  get #patienceMs(): number {
    return this.#soleJob?.deadlineMs ?? POOL_BATCH_PATIENCE_MS;
  }

  /** Restarts the deadline of a job, if that deadline has started to count. */
  renew(job: Job): void {
    if (this.#soleJob === job) this.#timer?.refresh();
  }

  /** Ends the thread. Its unanswered jobs fail with `failure`. */
  async end(failure: Failure): Promise<void> {
    this.#ended = true;
    this.#finish(failure);
    await this.#worker.terminate();
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    const [batch, answered] = [this.#batch, this.#answered];
    // The answer may have arrived while this thread was busy. So messages that have arrived are handled before the job
    // counts as late.
    this.#timer = setTimeout(() => {
      setImmediate(() => {
        if (batch === this.#batch && (this.#soleJob !== null || answered === this.#answered)) this.#overdue();
      });
    }, ms);
  }

  #overdue(): void {
    const { onEnded } = this.#options;
    if (this.#soleJob === null) {
      const at = this.#cursor.reclaim();
      this.#returnAllBut(must(this.#batch[at], "a thread is at a task of its batch"));
      return;
    }
    void this.end(TOO_LATE);
    onEnded();
  }

  /** Requeues the unanswered jobs except the current one. The current job's deadline counts from now. */
  #returnAllBut(job: Job): void {
    const others = this.#batch.filter((other) => other !== job && !other.settled);
    this.#soleJob = job;
    this.#wait(job.deadlineMs);
    this.#options.onReturned(others);
  }

  #onAnswers([first, answers, ended]: PoolAnswers): void {
    if (this.#ended) return;
    if (!this.#started) {
      // The first message of the thread only says that it has started.
      this.#started = true;
      if (!this.isFree) this.#wait(this.#patienceMs);
      return;
    }
    this.#hasAnswered = true;
    for (const [at, answer] of answers.entries()) this.#batch[first + at]?.settle(this.#replyOf(answer));
    this.#answered = first + answers.length;
    if (ended && this.#isTainted) this.#retire();
    else if (ended) this.#free();
    else if (this.#soleJob === null) this.#wait(POOL_BATCH_PATIENCE_MS);
  }

  #replyOf(answer: PoolAnswer): unknown {
    switch (answer[0]) {
      case "reply":
        return answer[1];
      case "failure":
        return new Failure(answer[1], answer[2], answer[3], false, answer[4]);
      case "short":
        // A module that has failed to load cannot be loaded again in this thread, so the thread is replaced.
        this.#isTainted = true;
        this.#options.onShortage(answer[1]);
        return SHORT;
      default:
        this.#options.report("job failed", answer[1]);
        return INTERNAL;
    }
  }

  /** Ends the thread after its last answer. */
  #retire(): void {
    this.#ended = true;
    this.#free();
    void this.#worker.terminate();
    this.#options.onEnded();
  }

  /** Handles a thread that has ended by itself, because it ran out of memory or could not be started. */
  #onExit(): void {
    if (this.#ended) return;
    this.#ended = true;
    const isShort = !this.#started && isShortage(this.#fault);
    if (isShort) this.#options.onShortage(this.#fault);
    else this.#options.report(this.isFree ? "pool worker failed" : "job failed", this.#fault);
    if (!this.isFree) {
      const at = this.#cursor.reclaim();
      if (this.#soleJob === null) this.#returnAllBut(must(this.#batch[at], "a thread is at a task of its batch"));
      this.#finish(isShort ? SHORT : INTERNAL);
    }
    this.#options.onEnded();
  }

  /** Fails the jobs of the batch that are not answered, and frees the thread. */
  #finish(failure: Failure): void {
    for (const job of this.#soleJob === null ? this.#batch : [this.#soleJob]) job.settle(failure);
    this.#free();
  }

  #free(): void {
    clearTimeout(this.#timer);
    this.#batch = NOTHING;
    this.#soleJob = null;
    this.idleSinceMs = machineClock.now();
    if (!this.#ended) this.#options.onFree();
  }
}
