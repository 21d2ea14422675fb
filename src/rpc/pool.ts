/**
 * The pool's lane, seen from the front: jobs in piscina's worker threads, each under a deadline; a
 * worker that is stuck past it is ended and replaced. A full queue refuses. Streams go over a channel of
 * their own, through the same RPC as the writer's calls.
 */
import { Piscina } from "piscina";
import type { MessagePort } from "node:worker_threads";
import {
  POOL_HEAP_MIB_MAX,
  POOL_IDLE_MS,
  POOL_QUEUE_MAX,
  POOL_THREADS_MAX,
  POOL_THREADS_MIN,
} from "../../schemas/limits.js";
import { METHODS, type Method, type PoolMethodName, type RequestOf } from "../../schemas/methods.js";
import type { CallContext } from "../../schemas/rpc.js";
import type { StatusName } from "../../schemas/status.js";
import { systemClock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { Failure } from "../base/result.js";
import type { ReaderSettings } from "../store/read-context.js";
import { RpcClient } from "./client.js";
import { openChannel } from "./port.js";

/** What a worker is given; `port` where the answer is a stream. */
export interface PoolTask {
  readonly method: PoolMethodName;
  readonly request: never;
  readonly port: MessagePort | null;
}

export type PoolAnswer =
  | { readonly text: string }
  | {
      readonly failure: readonly [
        status: StatusName,
        message: string,
        members: Readonly<Record<string, unknown>> | null,
      ];
    };

export interface PoolOptions {
  /** The workers' script. */
  readonly url: URL;
  readonly settings: ReaderSettings;
  readonly log: Log;
  /** A pool of so many threads at most, and none while there is nothing to do; POOL_THREADS_MIN to POOL_THREADS_MAX unless said. */
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

/** A job's deadline, as the signal that ends it. */
class Patience {
  readonly #abort = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(deadline_ms: number) {
    this.#timer = setTimeout(() => this.#abort.abort(), deadline_ms);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The deadline counts from now. */
  renew(): void {
    this.#timer.refresh();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

export class Pool {
  readonly #piscina: Piscina;
  readonly #log: Log;
  readonly #deadline_ms: number | undefined;

  constructor(options: PoolOptions) {
    this.#log = options.log;
    this.#deadline_ms = options.deadline_ms;
    this.#piscina = new Piscina({
      filename: options.url.href,
      workerData: options.settings,
      minThreads: options.threads_max === undefined ? POOL_THREADS_MIN : 0,
      maxThreads: options.threads_max ?? POOL_THREADS_MAX,
      maxQueue: POOL_QUEUE_MAX,
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
    return this.#piscina.queueSize;
  }

  /** Runs a unary job. */
  async run<Name extends PoolMethodName>(
    method: Name,
    request: RequestOf<Name>,
    options: JobOptions = {},
  ): Promise<string | Failure> {
    const answer = await this.#submit(
      method,
      request,
      null,
      options,
      new Patience(this.#deadline_ms ?? options.deadline_ms ?? METHODS[method].deadline_ms),
    );
    if (answer instanceof Failure) return answer;
    return "text" in answer ? answer.text : new Failure(...answer.failure);
  }

  /** Runs a stream job: its chunks, a Failure as the last item where it failed. Leaving early cancels it. */
  async *stream<Name extends PoolMethodName>(
    method: Name,
    request: RequestOf<Name>,
    context: CallContext,
    options: JobOptions = {},
  ): AsyncGenerator<string | Failure, void, undefined> {
    const { near, far } = openChannel();
    const client = new RpcClient({ clock: systemClock });
    client.attach(near);
    const patience = new Patience(this.#deadline_ms ?? options.deadline_ms ?? METHODS[method].deadline_ms);
    const paced = (METHODS[method] as Method).paced === true;
    const finished = this.#submit(method, request, far, options, patience).then((answer) => {
      if (answer instanceof Failure) client.detach(answer);
    });
    // The worker's word that the job is done comes another way than the chunks, and may overtake the last
    // of them; the channel's own end comes after everything that was sent through it.
    near.once("close", () => {
      const end = (): void => client.detach(new Failure("UNAVAILABLE", "the job ended early"));
      void finished.then(end, end);
    });
    try {
      // The request itself goes with the task; here it would be copied a second time.
      for await (const chunk of client.stream(method, null as never, context)) {
        yield chunk;
        if (paced) patience.renew();
      }
    } finally {
      // The worker is done, or hears the cancellation and is; either way its end is not waited for.
      finished.catch((error: unknown) => this.#report("pool stream failed", error));
    }
  }

  async close(): Promise<void> {
    await this.#piscina.destroy();
  }

  async #submit(
    method: PoolMethodName,
    request: unknown,
    port: MessagePort | null,
    { transfer = [] }: JobOptions,
    patience: Patience,
  ): Promise<PoolAnswer | Failure> {
    if (this.#piscina.queueSize >= POOL_QUEUE_MAX) {
      patience.end();
      return new Failure("RESOURCE_EXHAUSTED", "the server is busy, try again");
    }
    const task = { method, request, port } as unknown as PoolTask;
    try {
      return (await this.#piscina.run(task, {
        signal: patience.signal,
        transferList: port === null ? [...transfer] : [port, ...transfer],
      })) as PoolAnswer;
    } catch (error) {
      if (patience.signal.aborted) return new Failure("DEADLINE_EXCEEDED", "deadline exceeded");
      this.#report("job failed", error);
      return new Failure("INTERNAL", "internal error");
    } finally {
      patience.end();
    }
  }

  #report(what: string, error: unknown): void {
    this.#log.error(what, { error: error instanceof Error ? error.message : String(error) });
  }
}
