/**
 * Implements the thread pool, which runs jobs in worker threads. The deadline of a job counts from the moment at which
 * a thread takes it. If a thread exceeds the deadline, it is ended and replaced. Jobs wait in bounded queues that serve
 * callers round-robin. Jobs whose running time has no known limit never occupy all threads. The short jobs of one
 * event-loop tick are sent in one batch to one thread; pool-batch.ts isolates them from each other's failures. The
 * library piscina starts and ends the threads, and exchanges the messages with them. Each stream has its own channel,
 * with the same RPC as the writer's calls. Runs on the front.
 */
import type { MessagePort } from "node:worker_threads";
import {
  POOL_HEAP_MIB_MAX,
  POOL_IDLE_MS,
  POOL_QUEUE_BYTES_MAX,
  POOL_QUEUE_MAX,
  POOL_QUEUE_OF_CALLER_MAX,
  POOL_THREADS_MAX,
  POOL_THREADS_MIN,
  POOL_UNBOUNDED_TOGETHER_MAX,
  POOL_WAIT_MS_MAX,
} from "../../../schemas/limits/pool.js";
import { SHORTAGE_REPORT_MS } from "../../../schemas/limits/process.js";
import { CALLS_TOGETHER_MAX } from "../../../schemas/limits/rpc.js";
import { must } from "../../base/assert.js";
import { machineClock } from "../../base/clock.js";
import { isShortage } from "../../base/descriptors.js";
import type { Log } from "../../base/log.js";
import { reasonOf } from "../../base/reason.js";
import { BUSY, Failure } from "../../base/result.js";
import { SparseReport } from "../../base/sparse-report.js";
import { RpcClient } from "../rpc/client.js";
import { callerOf, type CallContext } from "../rpc/frames.js";
import type { MethodTable, ReplyOf, RequestOf } from "../rpc/method.js";
import { openChannel } from "../rpc/port.js";
import { FairQueue } from "../../base/fair-queue.js";
import type { AnyMethod } from "./methods.js";
import { Batch, type Job, type Threads } from "./pool-batch.js";
import { BATCH_FUNCTION, BatchCursors, type PoolData, type PoolThreadData } from "./pool-messages.js";
import type { PoolMethod, StreamJob, UnaryJob } from "./pool-method.js";

export interface PoolOptions {
  /** The script of the workers. */
  readonly url: URL;
  readonly methods: MethodTable<AnyMethod>;
  readonly data: PoolData;
  readonly log: Log;
  /**
   * The maximum number of threads. A pool with this option keeps no threads while it is idle. A pool without it has
   * POOL_THREADS_MIN to POOL_THREADS_MAX threads.
   */
  readonly threadsMax?: number;
  /** A deadline in ms for all jobs, shorter than those of the methods. Set only by tests. */
  readonly deadlineMs?: number;
}

/** Options of one job. */
export interface JobOptions {
  /**
   * Buffers in the request that are transferred to the worker instead of copied. The caller cannot use them any more.
   */
  readonly transfer?: readonly ArrayBuffer[];
  /** A deadline in ms that is shorter than the method's own. */
  readonly deadlineMs?: number;
  /**
   * The caller, as `callerOf` returns it, in whose queue the job waits; THE_SERVER if no client's request has caused
   * the job.
   */
  readonly caller: string;
  /** Whether the job is likely to be short. If so, it may be sent in one batch with other short jobs. */
  readonly short?: boolean;
}

export type Chunks<Reply = unknown> = AsyncGenerator<string | Failure, Reply | Failure, undefined>;

/** The caller of jobs that the server starts by itself. Only the limit of the whole queue applies to them. */
export const THE_SERVER = "";

const NO_BUFFERS: readonly ArrayBuffer[] = [];

const INTERNAL = new Failure("INTERNAL", "internal error");
const SHORT = new Failure("RESOURCE_EXHAUSTED", "the server cannot open what this needs now, try again");
const STOPPING = new Failure("UNAVAILABLE", "the server is shutting down");

/** A job to put into the queue. */
interface Submission {
  readonly method: PoolMethod;
  readonly request: unknown;
  readonly port: MessagePort | null;
  readonly options: JobOptions;
  readonly settle: (reply: unknown) => void;
}

export class Pool {
  readonly #options: PoolOptions;
  readonly #methods: MethodTable<AnyMethod>;
  readonly #threadsMax: number;
  /** The threads; null before `startThreads`. */
  #threads: Threads | null = null;
  #loading: Promise<void> | null = null;
  readonly #batches = new Set<Batch>();
  readonly #cursors: BatchCursors;
  /** The cells in the memory of the cursors that no batch uses. */
  readonly #freeCells: number[];
  /**
   * The maximum number of jobs in the next batch. It doubles with each batch that runs all of its jobs. If a batch ends
   * early, the limit becomes twice the number of jobs that it has finished. So the pool rarely sends jobs to a thread
   * only to requeue them.
   */
  #jobsMax = CALLS_TOGETHER_MAX;
  readonly #shortage: SparseReport;
  readonly #bounded = new FairQueue<Job>();
  readonly #unbounded = new FairQueue<Job>();
  #waitingBytes = 0;
  #lastOrder = 0;
  #scheduled: NodeJS.Immediate | null = null;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#methods = options.methods;
    this.#shortage = new SparseReport(SHORTAGE_REPORT_MS, (jobs, error) =>
      options.log.error("jobs are refused: the server cannot open what they need", { error: reasonOf(error), jobs }),
    );
    this.#threadsMax = options.threadsMax ?? POOL_THREADS_MAX;
    this.#cursors = BatchCursors.make(this.#threadsMax);
    this.#freeCells = Array.from({ length: this.#threadsMax }, (_, at) => at);
  }

  /** The number of jobs that wait for a thread. */
  get waiting(): number {
    return this.#bounded.size + this.#unbounded.size;
  }

  /** Runs a unary job. */
  run<Row extends UnaryJob>(
    method: Row,
    request: RequestOf<Row>,
    options: JobOptions,
  ): Promise<ReplyOf<Row> | Failure> {
    return new Promise((resolve) => {
      this.#submit({ method, request, port: null, options, settle: resolve as (reply: unknown) => void });
    });
  }

  /**
   * Runs a stream, which waits in the queue of its caller. Yields the chunks and returns the reply. If the stream
   * fails, its Failure is yielded as the last item, and also returned. A reader that leaves the loop early cancels the
   * stream.
   */
  async *stream<Row extends StreamJob>(
    method: Row,
    request: RequestOf<Row>,
    context: CallContext,
    options: Omit<JobOptions, "caller"> = {},
  ): Chunks<ReplyOf<Row>> {
    const { near, far } = openChannel();
    const client = new RpcClient({ methods: this.#methods, clock: machineClock });
    client.attach(near);
    let job: Job | null = null;
    const finished = new Promise<void>((resolve) => {
      // A refused job is settled at once, before the stream's reader is attached. Handle the answer in a microtask,
      // when the reader is attached.
      const settle = (answer: unknown): void =>
        queueMicrotask(() => {
          if (answer instanceof Failure) client.detach(answer);
          resolve();
        });
      job = this.#submit({ method, request, port: far, options: { ...options, caller: callerOf(context) }, settle });
    });
    // End the stream only when the channel of its chunks closes, because by then every chunk has arrived. The worker's
    // final answer comes through another channel, and may overtake the last chunks.
    near.once("close", () => {
      void finished.then(() => client.detach(new Failure("UNAVAILABLE", "the job ended early")));
    });
    // The request is null here, because it is already sent with the task. Otherwise it would be copied twice.
    const chunks = client.stream(method, null as RequestOf<Row>, context);
    try {
      for (;;) {
        const next = await chunks.next();
        if (next.done === true) return next.value;
        yield next.value;
        if (method.paced && job !== null) for (const batch of this.#batches) batch.renew(job);
      }
    } finally {
      // Cancel the stream if the worker has not finished it. Do not wait for the worker.
      await chunks.return(BUSY);
    }
  }

  /** Refuses the jobs that have waited too long. */
  tick(nowMs: number): void {
    const isLate = ({ waitsSinceMs }: Job): boolean => nowMs - waitsSinceMs > POOL_WAIT_MS_MAX;
    for (const job of this.#takeWhere(isLate)) job.settle(BUSY);
  }

  /** Ends all threads; unanswered jobs fail. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#scheduled !== null) clearImmediate(this.#scheduled);
    for (const job of this.#takeWhere(() => true)) job.settle(STOPPING);
    for (const batch of this.#batches) batch.settle(STOPPING);
    await this.#loading;
    // Wait until all threads have ended and have closed their database handles.
    await this.#threads?.destroy();
  }

  /** Puts a job into the queue; returns null if the job was refused. */
  #submit({ method, request, port, options, settle }: Submission): Job | null {
    const bytes = method.weight(request);
    const { transfer = NO_BUFFERS, deadlineMs = method.deadlineMs, short = false, caller } = options;
    if (this.#closed || this.#isFull(caller, bytes)) {
      settle(this.#closed ? STOPPING : BUSY);
      return null;
    }
    this.#lastOrder += 1;
    const job: Job = {
      method,
      caller,
      order: this.#lastOrder,
      bytes,
      task: [this.#methods.positionOf(method), request, port],
      transfer: port === null ? transfer : [port, ...transfer],
      // A job that transfers buffers cannot share a batch, because it cannot be run a second time.
      shares: short && port === null && transfer.length === 0,
      deadlineMs: this.#options.deadlineMs ?? deadlineMs,
      waitsSinceMs: machineClock.now(),
      settled: false,
      settle: (reply) => {
        if (job.settled) return;
        job.settled = true;
        settle(reply);
      },
    };
    this.#queueOf(job).push(job);
    this.#waitingBytes += bytes;
    if (this.waiting >= CALLS_TOGETHER_MAX) this.#startNext();
    else this.#schedule();
    return job;
  }

  /**
   * Whether the queue has no room for a job of this caller. One client cannot fill the queue, because a part of it is
   * reserved for other callers.
   */
  #isFull(caller: string, bytes: number): boolean {
    if (this.waiting >= POOL_QUEUE_MAX) return true;
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > POOL_QUEUE_BYTES_MAX) return true;
    return (
      caller !== THE_SERVER && this.#bounded.sizeOf(caller) + this.#unbounded.sizeOf(caller) >= POOL_QUEUE_OF_CALLER_MAX
    );
  }

  #queueOf({ method }: Job): FairQueue<Job> {
    return method.cost === "bounded" ? this.#bounded : this.#unbounded;
  }

  #takeWhere(matches: (job: Job) => boolean): Job[] {
    const taken = [this.#bounded, this.#unbounded].flatMap((queue) => queue.takeWhere(matches));
    for (const { bytes } of taken) this.#waitingBytes -= bytes;
    return taken;
  }

  #putBack(jobs: readonly Job[]): void {
    for (const queue of [this.#bounded, this.#unbounded])
      queue.putBack(jobs.filter((job) => this.#queueOf(job) === queue));
    for (const { bytes } of jobs) this.#waitingBytes += bytes;
  }

  /**
   * Schedules the start of waiting jobs at the end of the event-loop tick, so that the jobs of one tick start together.
   */
  #schedule(): void {
    if (this.waiting === 0) return;
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = null;
      this.#startNext();
    });
  }

  /** Starts waiting jobs, round-robin by caller, until no free thread may take the next one. */
  #startNext(): void {
    while (this.waiting > 0 && !this.#closed && this.#batches.size < this.#threadsMax) {
      if (this.#threads === null) {
        this.startThreads();
        return;
      }
      const jobs = this.#takeJobs();
      if (jobs.length === 0) return;
      void this.#startBatch(jobs).run(this.#threads);
    }
  }

  #startBatch(jobs: readonly Job[]): Batch {
    this.#jobsMax = Math.min(CALLS_TOGETHER_MAX, 2 * this.#jobsMax);
    const cell = must(this.#freeCells.pop(), "each batch that runs has a cell");
    const batch: Batch = new Batch(jobs, this.#cursors, cell, {
      onReturned: (returned) => {
        if (returned.length > 0) this.#jobsMax = Math.min(CALLS_TOGETHER_MAX, 2 * (jobs.length - returned.length));
        this.#putBack(returned);
        this.#schedule();
      },
      onEnded: () => {
        this.#batches.delete(batch);
        this.#freeCells.push(cell);
        this.#schedule();
      },
      failureOf: (error) => this.#failureOf(error),
    });
    this.#batches.add(batch);
    return batch;
  }

  /**
   * Takes the jobs of the next batch from the queues. The first is the next job that may start. It is followed by the
   * jobs behind it that may share a batch.
   */
  #takeJobs(): readonly Job[] {
    const queue = this.#nextQueue();
    const jobs: Job[] = [];
    for (let next = queue?.peek(); next !== undefined && jobs.length < this.#jobsMax; next = queue?.peek()) {
      if (!next.settled && jobs.length > 0 && !next.shares) break;
      queue?.take();
      this.#waitingBytes -= next.bytes;
      if (next.settled) continue;
      jobs.push(next);
      if (!next.shares) break;
    }
    return jobs;
  }

  /** Among the queues whose jobs may start now, returns the one whose next job was submitted first. */
  #nextQueue(): FairQueue<Job> | undefined {
    const unbounded = [...this.#batches].filter((batch) => batch.isUnbounded).length;
    const [first, other] = [this.#bounded.peek(), this.#unbounded.peek()];
    if (unbounded >= POOL_UNBOUNDED_TOGETHER_MAX || other === undefined) return this.#bounded;
    return first !== undefined && first.order < other.order ? this.#bounded : this.#unbounded;
  }

  /**
   * Starts the threads that the pool keeps while it is idle. Called after the start of the server, or by the first job.
   */
  startThreads(): void {
    this.#loading ??= this.#load().then(
      () => this.#schedule(),
      (error: unknown) => {
        // Loading has failed. The next job tries again.
        this.#loading = null;
        for (const job of this.#takeWhere(() => true)) job.settle(this.#failureOf(error));
      },
    );
  }

  /** Loads piscina and starts its threads. This happens late, because the start of the server does not need piscina. */
  async #load(): Promise<void> {
    const { Piscina } = await import("piscina");
    if (this.#closed) return;
    const { url, data, threadsMax } = this.#options;
    const threads: Threads = new Piscina({
      filename: url.href,
      name: BATCH_FUNCTION,
      workerData: { ...data, cursors: this.#cursors.memory } satisfies PoolThreadData,
      minThreads: threadsMax === undefined ? POOL_THREADS_MIN : 0,
      maxThreads: this.#threadsMax,
      idleTimeout: POOL_IDLE_MS,
      resourceLimits: { maxOldGenerationSizeMb: POOL_HEAP_MIB_MAX },
      recordTiming: false,
      // An idle thread waits in its event loop, so that V8 can shrink its heap and streams can end. Waiting with
      // Atomics would be no faster.
      atomics: "disabled",
      // piscina tries require() before import(). Node aborts the process if a thread is ended while require() loads an
      // ES module, so require() of ES modules is turned off.
      execArgv: ["--no-experimental-require-module"],
    });
    threads.on("error", (error: unknown) => this.#onThreadFailed(error));
    this.#threads = threads;
  }

  /** Handles a thread that has ended without a job, for example because it could not be started. */
  #onThreadFailed(error: unknown): void {
    // Fail the batches that wait for a thread, because piscina starts no other thread for them.
    const waiting = [...this.#batches].filter((batch) => !batch.isStarted);
    if (waiting.length > 0) for (const batch of waiting) batch.fail(error);
    else if (isShortage(error)) this.#shortage.report(error);
    else this.#options.log.error("pool worker failed", { error: reasonOf(error) });
  }

  /** Reports the reason why a job has failed, and returns the failure for the client. */
  #failureOf(error: unknown): Failure {
    if (isShortage(error)) {
      this.#shortage.report(error);
      return SHORT;
    }
    this.#options.log.error("job failed", { error: reasonOf(error) });
    return INTERNAL;
  }
}
