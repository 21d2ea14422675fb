/**
 * Supervises one batch of jobs, which is one task of the library piscina. A job that hangs or fails must not make the
 * other jobs of its batch fail. If a job runs for longer than POOL_BATCH_PATIENCE_MS, or its thread ends early, the
 * other jobs of the batch are requeued for other threads. So a job may run twice, which is harmless, because jobs only
 * read. The slow job continues under its own deadline. If it exceeds the deadline, its thread is ended. Runs on the
 * front.
 */
import { EventEmitter } from "node:events";
import type { MessagePort } from "node:worker_threads";
import type { Piscina } from "piscina";
import { POOL_BATCH_PATIENCE_MS, POOL_START_MS_MAX } from "../../../schemas/limits/pool.js";
import { must } from "../../base/assert.js";
import { machineClock } from "../../base/clock.js";
import { Failure } from "../../base/result.js";
import type { BatchCursors, BatchRequest, PoolAnswer, PoolTask } from "./pool-messages.js";
import type { PoolMethod } from "./pool-method.js";

export type Threads = Piscina<BatchRequest, readonly PoolAnswer[]>;

/** A job that waits in the queue or runs in a thread. */
export interface Job {
  /** The weight of the job's request, in bytes. */
  readonly bytes: number;
  readonly method: PoolMethod;
  /**
   * The caller, as `callerOf` returns it, in whose queue the job waits; THE_SERVER if no client's request has caused
   * the job.
   */
  readonly caller: string;
  /** The number of the job. Jobs are numbered in the order of submission. */
  readonly order: number;
  readonly task: PoolTask;
  readonly transfer: readonly (ArrayBuffer | MessagePort)[];
  /** Whether the job may share a batch with other jobs, which run before or after it in the same thread. */
  shares: boolean;
  /** The deadline in ms, counted from the time at which a thread takes the job. */
  readonly deadlineMs: number;
  readonly waitsSinceMs: number;
  /** Called with the reply or the Failure; only the first call counts. */
  readonly settle: (reply: unknown) => void;
  settled: boolean;
}

export interface BatchOptions {
  /** Called with the jobs that the batch will not run. The caller must requeue them. */
  readonly onReturned: (jobs: readonly Job[]) => void;
  /** Called when the thread is free, or when it was ended. */
  readonly onEnded: () => void;
  /** Reports the reason why a job has failed, and returns the failure for the client. */
  readonly failureOf: (error: unknown) => Failure;
}

const TOO_LATE = new Failure("DEADLINE_EXCEEDED", "deadline exceeded");

export class Batch {
  readonly #jobs: readonly Job[];
  readonly #options: BatchOptions;
  readonly #cursors: BatchCursors;
  readonly #cell: number;
  /**
   * The number of the batch. It is the start value of the counter in the batch's cursor, which counts the started jobs.
   */
  readonly #number: number;
  /** The signal that makes piscina end the thread. */
  readonly #abort = new EventEmitter();
  /** The only job of the batch for which the front still waits; null if it waits for several. */
  #soleJob: Job | null;
  /** The time in ms at which the batch was sent. */
  readonly #sentMs = machineClock.now();
  /** The time in ms at which the deadline of the current job was last restarted. */
  #renewedMs = this.#sentMs;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  /** @param jobs one job, or several that share the batch */
  constructor(jobs: readonly Job[], cursors: BatchCursors, cell: number, options: BatchOptions) {
    this.#jobs = jobs;
    this.#options = options;
    this.#cursors = cursors;
    this.#cell = cell;
    this.#number = cursors.reset(cell);
    this.#soleJob = jobs.length === 1 ? must(jobs[0], "the batch has one job") : null;
  }

  /** Whether the batch has a job whose running time has no known limit. */
  get isUnbounded(): boolean {
    return this.#jobs[0]?.method.cost === "unbounded";
  }

  /** Whether a thread has started the first job of the batch. */
  get isStarted(): boolean {
    return this.#cursors.sinceMs(this.#cell, this.#number) !== undefined;
  }

  /** Runs the batch in a thread that is free, or as soon as one has started. */
  async run(threads: Threads): Promise<void> {
    this.#wait(this.#patienceMs);
    const request = { cell: this.#cell, batch: this.#number, tasks: this.#jobs.map(({ task }) => task) };
    try {
      const transferList = [...(this.#soleJob?.transfer ?? [])];
      this.#onAnswers(await threads.run(request, { signal: this.#abort, transferList }));
    } catch (error) {
      this.fail(error);
    }
  }

  /** Restarts the deadline of a job, if the job runs in this batch. */
  renew(job: Job): void {
    if (this.#soleJob === job) this.#renewedMs = machineClock.now();
  }

  /** Fails the current job, requeues the others, and ends the thread. */
  fail(error: unknown): void {
    if (this.#ended) return;
    if (this.#soleJob === null) this.#keepCurrent();
    this.#end(this.#options.failureOf(error));
  }

  /** Answers all jobs that have no answer yet with `failure`. Does not end the thread. */
  settle(failure: Failure): void {
    for (const job of this.#soleJob === null ? this.#jobs : [this.#soleJob]) job.settle(failure);
    this.#finish();
  }

  /** Ends the thread. Jobs that have no answer yet fail with `failure`. */
  #end(failure: Failure): void {
    this.settle(failure);
    this.#abort.emit("abort");
  }

  /** The time in ms that the current job may take. If the batch has other jobs, they are requeued after this time. */
  get #patienceMs(): number {
    return this.#soleJob?.deadlineMs ?? POOL_BATCH_PATIENCE_MS;
  }

  #wait(ms: number): void {
    // The answer may have arrived while this thread was busy. Handle the arrived messages first, and check the job only
    // then.
    this.#timer = setTimeout(() => setImmediate(() => this.#check()), ms);
  }

  /** Checks whether the current job is late. */
  #check(): void {
    if (this.#ended) return;
    const now = machineClock.now();
    const since = this.#cursors.sinceMs(this.#cell, this.#number);
    if (since === undefined) {
      // The thread is still loading its modules. The deadline of the job starts when they are loaded.
      if (now - this.#sentMs >= POOL_START_MS_MAX) this.#end(TOO_LATE);
      else this.#wait(POOL_BATCH_PATIENCE_MS);
      return;
    }
    const left = Math.max(since, this.#renewedMs) + this.#patienceMs - now;
    if (left > 0) this.#wait(left);
    else if (this.#soleJob !== null) this.#end(TOO_LATE);
    else {
      this.#keepCurrent();
      this.#check();
    }
  }

  /** Requeues all jobs of the batch except the current one. */
  #keepCurrent(): void {
    const job = must(this.#jobs[this.#cursors.reclaim(this.#cell, this.#number)], "a thread is at a task of its batch");
    const others = this.#jobs.filter((other) => other !== job);
    // These jobs must not share a batch again. If the next batch contained another job that hangs, their answers would
    // be lost again.
    for (const other of others) other.shares = false;
    this.#soleJob = job;
    this.#options.onReturned(others);
  }

  #onAnswers(answers: readonly PoolAnswer[]): void {
    if (this.#ended) return;
    for (const [at, answer] of answers.entries()) this.#jobs[at]?.settle(this.#replyOf(answer));
    if (this.#soleJob === null) this.#options.onReturned(this.#jobs.slice(answers.length));
    this.#finish();
  }

  #replyOf(answer: PoolAnswer): unknown {
    switch (answer[0]) {
      case "reply":
        return answer[1];
      case "failure":
        return new Failure(answer[1], answer[2], answer[3], false, answer[4]);
      default:
        return this.#options.failureOf(answer[1]);
    }
  }

  #finish(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#options.onEnded();
  }
}
