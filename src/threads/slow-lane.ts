/**
 * The one way into work of which nobody can say beforehand how long it takes: texts against somebody's regular
 * expressions, payloads against somebody's schemas, the diff of two versions. What is small is tried at once, under a
 * short deadline. What is large, or was long before, takes turns: so few run together that the pool has threads left
 * for others, so few wait that an answer comes in time, and who finds no room is told to try again.
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

/** What is known of a piece of work beforehand. */
export interface WorkSize {
  /** Of what is looked at. */
  readonly bytes: number;
  /** What it is held against (a contract's name, say): if that was long before, it counts as long. */
  readonly subject?: string;
  /** Who asks for it, as `turnOf` says: callers take turns, here and in the pool. */
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
  /** Subjects whose last work did not end in time; the oldest are forgotten. */
  readonly #slowSubjects = new Set<string>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Whether work of this size is tried as short work. */
  isShort({ bytes, subject }: Omit<WorkSize, "caller">): boolean {
    return bytes <= SHORT_WORK_BYTES_MAX && (subject === undefined || !this.#slowSubjects.has(subject));
  }

  /** Runs a job at once where it is short, else in its turn. */
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

  /** As `run`, over the body of a request: as long as that is, and given away, since nobody here needs it again. */
  runBody<Row extends UnaryJob>(
    job: Row,
    request: RequestOf<Row> & { readonly body: PackedBytes },
    whose: Omit<WorkSize, "bytes">,
  ): Promise<ReplyOf<Row> | Failure> {
    const { body }: { readonly body: PackedBytes } = request;
    return this.run(job, request, { ...whose, bytes: body.length }, buffersOf(body));
  }

  /** Runs a job under the deadline of short work. */
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

  /** Runs a stream in its turn, which is held until its reader has taken all of it or has left. */
  async stream<Row extends StreamJob>(
    job: Row,
    request: RequestOf<Row>,
    context: CallContext,
    transfer = NO_BUFFERS,
  ): Promise<Chunks<ReplyOf<Row>> | Failure> {
    const release = await this.#semaphore.take(callerOf(context));
    return release === null ? BUSY : withPermit(this.#pool.stream(job, request, context, { transfer }), release);
  }

  /** Sees how long a job takes. A full pool may make it look long, but not for ever. */
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

/** The chunks as they come; gives the permit back when no more will be taken, however that came. */
function withPermit<Reply>(chunks: Chunks<Reply>, release: () => void): Chunks<Reply> {
  const held = releasingAtEnd(chunks, release);
  const end = held.return.bind(held);
  // A generator that was not begun ends without its `finally`: its client has gone before the first chunk.
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
