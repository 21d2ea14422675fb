/**
 * Decides in which thread a read runs. If its answer is certain to be short, it runs on the front's own database
 * handle, otherwise in the pool. Also gives the front access to the models on its own handle. Runs on the front.
 */
import { FRONT_READ_CHARACTERS_MAX, FRONT_READ_ROWS_MAX } from "../../../schemas/limits/answers.js";
import { Failure } from "../../base/result.js";
import { callerOf, type CallContext } from "../rpc/frames.js";
import type { ReplyOf, RequestOf } from "../rpc/method.js";
import type { Model } from "./model.js";
import type { Chunks, Pool } from "./pool.js";
import type { StreamJob, UnaryJob } from "./pool-method.js";
import type { Reader } from "./reader.js";

/** The result of a stream that was read to its end: the whole text, and the return value. */
export interface WholeText<Reply = unknown> {
  readonly text: string;
  readonly reply: Reply;
}

const NOTHING_MORE = new Failure("CANCELLED", "cancelled");

export class Reads {
  readonly #reader: Reader;

  constructor(
    reader: Reader,
    readonly pool: Pool,
  ) {
    this.#reader = reader;
  }

  /** Returns a model on the front's own handle. */
  model<Opened>(model: Model<Opened>): Opened {
    return this.#reader.models.use(model);
  }

  /**
   * Executes a unary read. A read that runs in the pool is queued under its caller.
   * @param rows the maximum number of rows that the read may look at. Up to FRONT_READ_ROWS_MAX rows, the read runs on
   *   the front
   */
  run<Row extends UnaryJob>(
    job: Row,
    request: RequestOf<Row>,
    context: CallContext,
    rows: number,
  ): ReplyOf<Row> | Failure | Promise<ReplyOf<Row> | Failure> {
    return rows > FRONT_READ_ROWS_MAX
      ? this.pool.run(job, request, { caller: callerOf(context) })
      : this.#reader.run(job, request);
  }

  /**
   * Executes a streaming read. Decides like `run` where it runs. If the read runs on the front, the answer is the whole
   * text. If the text turns out to be too long for that, the read is started again in the pool.
   */
  stream<Row extends StreamJob>(
    job: Row,
    request: RequestOf<Row>,
    context: CallContext,
    rows: number,
  ): WholeText<ReplyOf<Row>> | Failure | Chunks<ReplyOf<Row>> {
    if (rows > FRONT_READ_ROWS_MAX) return this.pool.stream(job, request, context);
    let text = "";
    const chunks = this.#reader.stream(job, request);
    try {
      for (let next = chunks.next(); ; next = chunks.next()) {
        if (next.value instanceof Failure) return next.value;
        if (next.done === true) return { text, reply: next.value };
        text += next.value;
        if (text.length > FRONT_READ_CHARACTERS_MAX) return this.pool.stream(job, request, context);
      }
    } finally {
      chunks.return(NOTHING_MORE);
    }
  }
}

/** Reads a stream to its end. Closes the stream after a Failure, because it would otherwise wait for its reader. */
export async function readWhole<End>(read: WholeText<End> | Failure | Chunks<End>): Promise<WholeText<End> | Failure> {
  if (read instanceof Failure || "text" in read) return read;
  const pieces: string[] = [];
  for (;;) {
    const next = await read.next();
    if (next.value instanceof Failure) {
      await read.return(next.value);
      return next.value;
    }
    if (next.done === true) return { text: pieces.join(""), reply: next.value };
    pieces.push(next.value);
  }
}
