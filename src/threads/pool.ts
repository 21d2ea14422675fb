/**
 * The pool as the front sees it: jobs in worker threads, each under a deadline that counts from when a thread
 * takes it; a worker that is stuck past it is ended and replaced. Jobs wait in one bounded queue, and those
 * whose cost nobody can say beforehand never have all of the threads. Streams go over a channel of their own,
 * through the same RPC as the writer's calls.
 */
import { Piscina } from "piscina";
import type { MessagePort } from "node:worker_threads";
import type { StoreSettings } from "../../schemas/config.js";
import {
  POOL_HEAP_MIB_MAX,
  POOL_IDLE_MS,
  POOL_QUEUE_MAX,
  POOL_THREADS_MAX,
  POOL_THREADS_MIN,
  POOL_UNBOUNDED_TOGETHER_MAX,
  POOL_WAIT_MS_MAX,
} from "../../schemas/limits.js";
import type { StatusName } from "../../schemas/status.js";
import { systemClock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { reasonOf } from "../base/reason.js";
import { Failure } from "../base/result.js";
import { RpcClient } from "../rpc/client.js";
import type { CallContext } from "../rpc/frames.js";
import type { MethodTable, ReplyOf, RequestOf } from "../rpc/method.js";
import { openChannel } from "../rpc/port.js";
import type { AnyMethod } from "./methods.js";
import type { PoolMethod, StreamJob, UnaryJob } from "./pool-method.js";

/** What a worker is started with. */
export interface PoolData {
  readonly data_dir: string;
  readonly settings: StoreSettings;
}

/** What a worker is given; `port` where the answer is a stream. */
export interface PoolTask {
  /** Position in the table of methods. */
  readonly method: number;
  readonly request: unknown;
  readonly port: MessagePort | null;
}

export type PoolAnswer =
  | { readonly reply: unknown }
  | {
      readonly failure: readonly [
        status: StatusName,
        message: string,
        members: Readonly<Record<string, unknown>> | null,
        outcome_unknown: false,
        subject: object | null,
      ];
    };

export interface PoolOptions {
  /** The workers' script. */
  readonly url: URL;
  readonly methods: MethodTable<AnyMethod>;
  readonly data: PoolData;
  readonly log: Log;
  /**
   * At most so many threads, and none while there is nothing to do; POOL_THREADS_MIN to POOL_THREADS_MAX unless said.
   */
  readonly threads_max?: number;
  /** For tests: a shorter deadline than the methods' own. */
  readonly deadline_ms?: number;
}

/** How one job is run, where it is not like the others. */
export interface JobOptions {
  /** Buffers of the request that are given away instead of copied: the caller has them no longer. */
  readonly transfer?: readonly ArrayBuffer[];
  /** Shorter than the method's own. */
  readonly deadline_ms?: number;
}

export type Chunks<Reply = unknown> = AsyncGenerator<string | Failure, Reply | Failure, undefined>;

const BUSY = new Failure("RESOURCE_EXHAUSTED", "the server is busy, try again");

/** A job's deadline, as the signal that ends it. */
class Patience {
  readonly #abort = new AbortController();
  readonly #deadline_ms: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(deadline_ms: number) {
    this.#deadline_ms = deadline_ms;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** A thread takes the job: the deadline counts from now. */
  begin(): void {
    this.#timer = setTimeout(() => this.#abort.abort(), this.#deadline_ms);
  }

  /** The deadline counts from now, once it has begun to count. */
  renew(): void {
    this.#timer?.refresh();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

/** A job on its way. */
interface Job {
  readonly method: PoolMethod;
  readonly task: PoolTask;
  readonly transfer: readonly (ArrayBuffer | MessagePort)[];
  readonly patience: Patience;
  readonly waits_since_ms: number;
  readonly settle: (answer: PoolAnswer | Failure) => void;
}

export class Pool {
  readonly #piscina: Piscina;
  readonly #methods: MethodTable<AnyMethod>;
  readonly #log: Log;
  readonly #deadline_ms: number | undefined;
  readonly #threads_max: number;
  readonly #waiting: Job[] = [];
  #running = 0;
  /** Of those that run, how many have no bound. */
  #unbounded = 0;

  constructor(options: PoolOptions) {
    this.#methods = options.methods;
    this.#log = options.log;
    this.#deadline_ms = options.deadline_ms;
    this.#threads_max = options.threads_max ?? POOL_THREADS_MAX;
    this.#piscina = new Piscina({
      filename: options.url.href,
      workerData: options.data,
      minThreads: options.threads_max === undefined ? POOL_THREADS_MIN : 0,
      maxThreads: this.#threads_max,
      idleTimeout: POOL_IDLE_MS,
      concurrentTasksPerWorker: 1,
      // A worker that blocks on Atomics.wait between tasks answers no port; jobs are long enough to be worth a wake-up.
      atomics: "disabled",
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: POOL_HEAP_MIB_MAX },
    });
    this.#piscina.on("error", (error: unknown) => this.#report("pool worker failed", error));
  }

  /** Jobs that wait for a worker. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Runs a unary job. */
  async run<Row extends UnaryJob>(
    method: Row,
    request: RequestOf<Row>,
    options: JobOptions = {},
  ): Promise<ReplyOf<Row> | Failure> {
    const answer = await this.#submit(method, request, null, options, this.#patienceFor(method, options));
    if (answer instanceof Failure) return answer;
    return "reply" in answer ? (answer.reply as ReplyOf<Row>) : new Failure(...answer.failure);
  }

  /**
   * Runs a stream: its chunks, and its reply as what they return; a Failure as the last item, and returned, where
   * it failed. Leaving early cancels it.
   */
  async *stream<Row extends StreamJob>(
    method: Row,
    request: RequestOf<Row>,
    context: CallContext,
    options: JobOptions = {},
  ): Chunks<ReplyOf<Row>> {
    const { near, far } = openChannel();
    const client = new RpcClient({ methods: this.#methods, clock: systemClock });
    client.attach(near);
    const patience = this.#patienceFor(method, options);
    const finished = this.#submit(method, request, far, options, patience).then((answer) => {
      if (answer instanceof Failure) client.detach(answer);
    });
    // The worker's word that the job is done comes another way than the chunks, and may overtake the last
    // of them; the channel's own end comes after everything that was sent through it.
    near.once("close", () => {
      const end = (): void => client.detach(new Failure("UNAVAILABLE", "the job ended early"));
      void finished.then(end, end);
    });
    // The request itself goes with the task; here it would be copied a second time.
    const chunks = client.stream(method, null as RequestOf<Row>, context);
    try {
      for (;;) {
        const next = await chunks.next();
        if (next.done === true) return next.value;
        yield next.value;
        if (method.paced) patience.renew();
      }
    } finally {
      // The worker is done, or hears the cancellation and is; either way its end is not waited for.
      await chunks.return(BUSY);
      finished.catch((error: unknown) => this.#report("pool stream failed", error));
    }
  }

  /** Refuses jobs that have waited for too long. */
  tick(now_ms: number): void {
    for (const job of this.#waiting.filter(({ waits_since_ms }) => now_ms - waits_since_ms > POOL_WAIT_MS_MAX)) {
      this.#waiting.splice(this.#waiting.indexOf(job), 1);
      job.settle(BUSY);
    }
  }

  async close(): Promise<void> {
    await this.#piscina.destroy();
  }

  #patienceFor(method: PoolMethod, options: JobOptions): Patience {
    return new Patience(this.#deadline_ms ?? options.deadline_ms ?? method.deadline_ms);
  }

  #submit(
    method: PoolMethod,
    request: unknown,
    port: MessagePort | null,
    { transfer = [] }: JobOptions,
    patience: Patience,
  ): Promise<PoolAnswer | Failure> {
    if (this.#waiting.length >= POOL_QUEUE_MAX) return Promise.resolve(BUSY);
    return new Promise((settle) => {
      this.#waiting.push({
        method,
        task: { method: this.#methods.positionOf(method), request, port },
        transfer: port === null ? transfer : [port, ...transfer],
        patience,
        waits_since_ms: systemClock.now(),
        settle,
      });
      this.#beginNext();
    });
  }

  /** Begins what waits, the first come first, as far as there are threads for it. */
  #beginNext(): void {
    while (this.#running < this.#threads_max) {
      const full = this.#unbounded >= POOL_UNBOUNDED_TOGETHER_MAX;
      const at = this.#waiting.findIndex(({ method }) => method.cost === "bounded" || !full);
      const [job] = at < 0 ? [] : this.#waiting.splice(at, 1);
      if (job === undefined) return;
      void this.#begin(job);
    }
  }

  async #begin({ method, task, transfer, patience, settle }: Job): Promise<void> {
    const unbounded = method.cost === "unbounded" ? 1 : 0;
    this.#running += 1;
    this.#unbounded += unbounded;
    patience.begin();
    try {
      const options = { signal: patience.signal, transferList: [...transfer] };
      settle((await this.#piscina.run(task, options)) as PoolAnswer);
    } catch (error) {
      if (!patience.signal.aborted) this.#report("job failed", error);
      settle(
        patience.signal.aborted
          ? new Failure("DEADLINE_EXCEEDED", "deadline exceeded")
          : new Failure("INTERNAL", "internal error"),
      );
    } finally {
      patience.end();
      this.#running -= 1;
      this.#unbounded -= unbounded;
      this.#beginNext();
    }
  }

  #report(what: string, error: unknown): void {
    this.#log.error(what, { error: reasonOf(error) });
  }
}
