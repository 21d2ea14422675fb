/**
 * One thread of the pool as the front sees it: it is given a batch of jobs, and answers them in their order. A batch
 * shares a thread, not a fate. Where the thread comes to no answer for a while, all jobs but the one that it is at
 * are given back, to be carried out elsewhere (they only read, so those that were done already may be done twice);
 * so are they where the thread ends early. The one job goes on under its own deadline, and past that the thread is
 * ended. Runs on the front.
 */
import { Worker, type MessagePort } from "node:worker_threads";
import { POOL_BATCH_PATIENCE_MS, POOL_HEAP_MIB_MAX, POOL_START_MS_MAX } from "../../schemas/limits.js";
import { must } from "../base/assert.js";
import { machineClock } from "../base/clock.js";
import { isShortage } from "../base/descriptors.js";
import { Failure } from "../base/result.js";
import { BatchCursor, type PoolAnswer, type PoolAnswers, type PoolData, type PoolTask } from "./pool-messages.js";
import type { PoolMethod } from "./pool-method.js";

/** A job on its way. */
export interface Job {
  /** What its request weighs. */
  readonly bytes: number;
  readonly method: PoolMethod;
  /** Whose turn it takes; "" for nobody's. */
  readonly caller: string;
  /** How many came before it. */
  readonly order: number;
  readonly task: PoolTask;
  readonly transfer: readonly (ArrayBuffer | MessagePort)[];
  /** Whether it may share a message, and so a thread, with others. */
  readonly shares: boolean;
  /** From when a thread takes it. */
  readonly deadline_ms: number;
  readonly waits_since_ms: number;
  /** To be called with its reply or why there is none; only the first counts. */
  readonly settle: (reply: unknown) => void;
  settled: boolean;
}

export interface PoolThreadOptions {
  /** The thread's script. */
  readonly url: URL;
  readonly data: PoolData;
  /** It has no job any more. */
  readonly onFree: () => void;
  /** It will not carry these out. */
  readonly onReturned: (jobs: readonly Job[]) => void;
  /** It is no more. */
  readonly onEnded: () => void;
  readonly report: (what: string, error: unknown) => void;
  /** It could not be started, or could not open what a job needs: there are no file descriptors left, say. */
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
  /** What it was given last. */
  #batch: readonly Job[] = NOTHING;
  /** How many of them it has answered. */
  #answered = 0;
  /** The job that it is at, once that is the only one that is waited for. */
  #soleJob: Job | null = null;
  #timer: NodeJS.Timeout | undefined;
  /** It has loaded its modules and takes jobs: only from then on a job's time runs. */
  #started = false;
  #hasAnswered = false;
  /** It could not open something. */
  #isTainted = false;
  /** What it died of. */
  #fault: unknown = "the thread ended";
  #ended = false;
  /** Since when it has nothing to do. */
  idle_since_ms = machineClock.now();

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

  /** Whether it has started: it has answered something. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Whether it is at work of which nobody can say how long it takes. */
  get isUnbounded(): boolean {
    return this.#batch[0]?.method.cost === "unbounded";
  }

  /** Gives it jobs: one, or several that share. It must be free. */
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
    this.#wait(this.#started ? this.#patience_ms : POOL_START_MS_MAX);
  }

  /** How long it may take until its next answer. */
  get #patience_ms(): number {
    return this.#soleJob?.deadline_ms ?? POOL_BATCH_PATIENCE_MS;
  }

  /** The deadline of a job counts from now, if it has begun to count. */
  renew(job: Job): void {
    if (this.#soleJob === job) this.#timer?.refresh();
  }

  /** Ends it; what it was given fails with this. */
  async end(failure: Failure): Promise<void> {
    this.#ended = true;
    this.#finish(failure);
    await this.#worker.terminate();
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    const [batch, answered] = [this.#batch, this.#answered];
    // The answer may have come while this thread did other things: it is looked at first.
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

  /** Gives back what was not answered, but for the job that it is at, whose deadline counts from now. */
  #returnAllBut(job: Job): void {
    const others = this.#batch.filter((other) => other !== job && !other.settled);
    this.#soleJob = job;
    this.#wait(job.deadline_ms);
    this.#options.onReturned(others);
  }

  #onAnswers([first, answers, ended]: PoolAnswers): void {
    if (this.#ended) return;
    if (!this.#started) {
      // Its first message, which says no more than that.
      this.#started = true;
      if (!this.isFree) this.#wait(this.#patience_ms);
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
        // What of it has failed to load stays so; the next thread loads it again.
        this.#isTainted = true;
        this.#options.onShortage(answer[1]);
        return SHORT;
      default:
        this.#options.report("job failed", answer[1]);
        return INTERNAL;
    }
  }

  /** Has given all its answers, and is not to be given more. */
  #retire(): void {
    this.#ended = true;
    this.#free();
    void this.#worker.terminate();
    this.#options.onEnded();
  }

  /** The thread has ended by itself: it ran out of memory, or could not be started. */
  #onExit(): void {
    if (this.#ended) return;
    this.#ended = true;
    const is_short = !this.#started && isShortage(this.#fault);
    if (is_short) this.#options.onShortage(this.#fault);
    else this.#options.report(this.isFree ? "pool worker failed" : "job failed", this.#fault);
    if (!this.isFree) {
      const at = this.#cursor.reclaim();
      if (this.#soleJob === null) this.#returnAllBut(must(this.#batch[at], "a thread is at a task of its batch"));
      this.#finish(is_short ? SHORT : INTERNAL);
    }
    this.#options.onEnded();
  }

  /** Nobody waits for it any more. */
  #finish(failure: Failure): void {
    for (const job of this.#soleJob === null ? this.#batch : [this.#soleJob]) job.settle(failure);
    this.#free();
  }

  #free(): void {
    clearTimeout(this.#timer);
    this.#batch = NOTHING;
    this.#soleJob = null;
    this.idle_since_ms = machineClock.now();
    if (!this.#ended) this.#options.onFree();
  }
}
