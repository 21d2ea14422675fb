/**
 * Limits work of unknown cost: texts against users' regular expressions, payloads against users' schemas, diffs of two
 * versions. Small inputs run at once with a short deadline. Large inputs, and inputs that were slow before, take a
 * permit of a semaphore: so few run together that the pool has threads left for other jobs, and so few wait that each
 * is answered in time. If the queue is full, the client is told to try again. Runs on the front.
 */
import {
  LONG_SUBJECTS_KEPT_MAX,
  LONG_WAIT_MS_MAX,
  LONG_WORK_TOGETHER_MAX,
  LONG_WORK_WAITING_MAX,
  LONG_WORK_WAITING_OF_CALLER_MAX,
  SHORT_WORK_BYTES_MAX,
  SHORT_WORK_DEADLINE_MS,
  SHORT_WORK_MS_MAX,
} from "../../schemas/limits.js";
import { buffersOf, type PackedBytes } from "../base/bytes.js";
import { Failure } from "../base/result.js";
import { callerOf, type CallContext } from "../rpc/frames.js";
import type { ReplyOf, RequestOf } from "../rpc/method.js";
import type { Chunks, Pool } from "./pool.js";
import type { StreamJob, UnaryJob } from "./pool-method.js";
import { Semaphore } from "./semaphore.js";

/** The known properties of a piece of work. */
export interface WorkSize {
  /** The size of the input. */
  readonly bytes: number;
  /**
   * The name of what the input is checked against, such as a contract: the work counts as slow if that was slow before.
   */
  readonly subject?: string;
  /** The caller by `callerOf`: callers are served round-robin, here and in the pool. */
  readonly caller: string;
}

const BUSY = new Failure("RESOURCE_EXHAUSTED", "the server is busy with long validations and diffs, try again");
const NO_BUFFERS: readonly ArrayBuffer[] = [];

export class SlowLane {
  readonly #pool: Pool;
  readonly #semaphore = new Semaphore({
    permits: LONG_WORK_TOGETHER_MAX,
    waitingMax: LONG_WORK_WAITING_MAX,
    waitingOfCallerMax: LONG_WORK_WAITING_OF_CALLER_MAX,
    waitMsMax: LONG_WAIT_MS_MAX,
  });
  /** The subjects whose last work did not end in time; the oldest are dropped. */
  readonly #slowSubjects = new Set<string>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Whether work of this size is tried as short work first. */
  isShort({ bytes, subject }: Omit<WorkSize, "caller">): boolean {
    return bytes <= SHORT_WORK_BYTES_MAX && (subject === undefined || !this.#slowSubjects.has(subject));
  }

  /** Runs a job: at once if it is short, else with a permit. */
  async run<Row extends UnaryJob>(
    job: Row,
    request: RequestOf<Row>,
    size: WorkSize,
    transfer = NO_BUFFERS,
  ): Promise<ReplyOf<Row> | Failure> {
    if (this.isShort(size)) return await this.runShort(job, request, size, transfer);
    const { caller, subject } = size;
    const release = await this.#semaphore.take(caller);
    if (release === null) return BUSY;
    try {
      return await this.#watch(subject, () => this.#pool.run(job, request, { transfer, caller }));
    } finally {
      release();
    }
  }

  /**
   * As `run`, for the body of a request: its length is the size, and it is transferred, because the front does not need
   * it again.
   */
  runBody<Row extends UnaryJob>(
    job: Row,
    request: RequestOf<Row> & { readonly body: PackedBytes },
    whose: Omit<WorkSize, "bytes">,
  ): Promise<ReplyOf<Row> | Failure> {
    const { body }: { readonly body: PackedBytes } = request;
    return this.run(job, request, { ...whose, bytes: body.length }, buffersOf(body));
  }

  /** Runs a job with the deadline of short work. */
  async runShort<Row extends UnaryJob>(
    job: Row,
    request: RequestOf<Row>,
    { caller, subject }: WorkSize,
    transfer = NO_BUFFERS,
  ): Promise<ReplyOf<Row> | Failure> {
    const deadline_ms = Math.min(SHORT_WORK_DEADLINE_MS, job.deadline_ms);
    const options = { transfer, short: true, deadline_ms, caller };
    return await this.#watch(subject, () => this.#pool.run(job, request, options));
  }

  /** Runs a stream with a permit, which is held until the reader has taken all of it or has left. */
  async stream<Row extends StreamJob>(
    job: Row,
    request: RequestOf<Row>,
    context: CallContext,
    transfer = NO_BUFFERS,
  ): Promise<Chunks<ReplyOf<Row>> | Failure> {
    const release = await this.#semaphore.take(callerOf(context));
    return release === null ? BUSY : withPermit(this.#pool.stream(job, request, context, { transfer }), release);
  }

  /** Measures how long a job takes. A full pool may make a subject look slow, but only until its next job. */
  async #watch<Reply>(subject: string | undefined, work: () => Promise<Reply | Failure>): Promise<Reply | Failure> {
    const startedMs = performance.now();
    const answer = await work();
    if (subject === undefined) return answer;
    if (answer instanceof Failure && answer.status === "DEADLINE_EXCEEDED") this.#remember(subject);
    else if (performance.now() - startedMs <= SHORT_WORK_MS_MAX) this.#slowSubjects.delete(subject);
    return answer;
  }

  #remember(subject: string): void {
    const [oldest] = this.#slowSubjects;
    if (this.#slowSubjects.size >= LONG_SUBJECTS_KEPT_MAX && oldest !== undefined) this.#slowSubjects.delete(oldest);
    this.#slowSubjects.add(subject);
  }
}

/** Passes the chunks on; releases the permit when no more will be taken, for whatever reason. */
function withPermit<Reply>(chunks: Chunks<Reply>, release: () => void): Chunks<Reply> {
  const held = releasingAtEnd(chunks, release);
  const end = held.return.bind(held);
  // A generator that was never started ends without its `finally`: the client has gone before the first chunk.
  held.return = async (value) => {
    try {
      return await end(value);
    } finally {
      release();
    }
  };
  return held;
}

async function* releasingAtEnd<Reply>(chunks: Chunks<Reply>, release: () => void): Chunks<Reply> {
  try {
    return yield* chunks;
  } finally {
    release();
  }
}
