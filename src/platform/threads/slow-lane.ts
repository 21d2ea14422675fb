/**
 * Limits jobs whose running time is unknown. Such jobs match texts against users' regular expressions, check payloads
 * against users' schemas, or compute diffs of two versions. Runs on the front. Small inputs run at once with a short
 * deadline. Large inputs, and inputs for which an earlier job was slow, need a permit of a semaphore. There are few
 * permits, so that the pool has threads left for other jobs. Only few jobs may wait for a permit, so that each of them
 * is answered in time. If the queue is full, the client must try again.
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
} from "../../../schemas/limits/pool.js";
import { buffersOf, type PackedBytes } from "../../base/bytes.js";
import { Failure } from "../../base/result.js";
import { callerOf, type CallContext } from "../rpc/frames.js";
import type { ReplyOf, RequestOf } from "../rpc/method.js";
import type { Chunks, Pool } from "./pool.js";
import type { StreamJob, UnaryJob } from "./pool-method.js";
import { Semaphore } from "./semaphore.js";

/** The properties of a job that decide whether it needs a permit. */
export interface WorkSize {
  /** The size of the input. */
  readonly bytes: number;
  /**
   * The name of the rule or schema against which the input is checked. If the last job with this subject was slow, the
   * next one counts as slow too.
   */
  readonly subject?: string;
  /** The caller, as `callerOf` returns it. The semaphore and the pool serve the callers round-robin. */
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
  /**
   * The subjects that count as slow. A subject is added if one of its jobs misses the deadline, and removed after a
   * fast job. If there are too many subjects, the oldest is dropped.
   */
  readonly #slowSubjects = new Set<string>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Whether a job of this size runs at once, as a short job. */
  isShort({ bytes, subject }: Omit<WorkSize, "caller">): boolean {
    return bytes <= SHORT_WORK_BYTES_MAX && (subject === undefined || !this.#slowSubjects.has(subject));
  }

  /** Runs a job. A short job runs at once. Any other job waits for a permit. */
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
   * Like `run`, for a job on the body of a request. The size of the job is the length of the body. The body is
   * transferred to the pool instead of copied, because the front does not need it again.
   */
  runBody<Row extends UnaryJob>(
    job: Row,
    request: RequestOf<Row> & { readonly body: PackedBytes },
    whose: Omit<WorkSize, "bytes">,
  ): Promise<ReplyOf<Row> | Failure> {
    const { body }: { readonly body: PackedBytes } = request;
    return this.run(job, request, { ...whose, bytes: body.length }, buffersOf(body));
  }

  /** Runs a job without a permit, with the deadline of short jobs. */
  async runShort<Row extends UnaryJob>(
    job: Row,
    request: RequestOf<Row>,
    { caller, subject }: WorkSize,
    transfer = NO_BUFFERS,
  ): Promise<ReplyOf<Row> | Failure> {
    const deadlineMs = Math.min(SHORT_WORK_DEADLINE_MS, job.deadlineMs);
    const options = { transfer, short: true, deadlineMs, caller };
    return await this.#watch(subject, () => this.#pool.run(job, request, options));
  }

  /**
   * Runs a stream with a permit. The permit is released when the reader has taken the whole stream, or has left it
   * early.
   */
  async stream<Row extends StreamJob>(
    job: Row,
    request: RequestOf<Row>,
    context: CallContext,
    transfer = NO_BUFFERS,
  ): Promise<Chunks<ReplyOf<Row>> | Failure> {
    const release = await this.#semaphore.take(callerOf(context));
    return release === null ? BUSY : withPermit(this.#pool.stream(job, request, context, { transfer }), release);
  }

  /**
   * Runs a job and measures its time, which decides whether its subject counts as slow. If the pool is full, a subject
   * may wrongly count as slow until its next job.
   */
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

/** Yields the same chunks. Releases the permit when no more chunks will be read, for whatever reason. */
function withPermit<Reply>(chunks: Chunks<Reply>, release: () => void): Chunks<Reply> {
  const held = releasingAtEnd(chunks, release);
  const end = held.return.bind(held);
  // If the client leaves before the first chunk, the generator never starts, so its `finally` does not run. Therefore
  // `return` also releases the permit.
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
