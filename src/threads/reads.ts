/**
 * Where a read runs: on the front's own handle when its answer is sure to be short, else in the pool. Also the
 * models of that handle, for what the front looks up itself. Runs on the front.
 */
import { FRONT_READ_ROWS_MAX } from "../../schemas/limits.js";
import { Failure } from "../base/result.js";
import type { CallContext } from "../rpc/frames.js";
import type { ReplyOf, RequestOf } from "../rpc/method.js";
import type { Model } from "./model.js";
import type { Chunks, Pool } from "./pool.js";
import type { StreamJob, UnaryJob } from "./pool-method.js";
import type { Reader } from "./reader.js";

export class Reads {
  readonly #reader: Reader;

  constructor(
    reader: Reader,
    readonly pool: Pool,
  ) {
    this.#reader = reader;
  }

  /** A model on the front's own handle. */
  model<Opened>(model: Model<Opened>): Opened {
    return this.#reader.models.use(model);
  }

  /**
   * Runs a unary read.
   * @param rows how many rows it may look at; up to FRONT_READ_ROWS_MAX it is answered at once
   */
  run<Row extends UnaryJob>(
    job: Row,
    request: RequestOf<Row>,
    rows: number,
  ): ReplyOf<Row> | Failure | Promise<ReplyOf<Row> | Failure> {
    return rows > FRONT_READ_ROWS_MAX ? this.pool.run(job, request) : this.#reader.run(job, request);
  }

  /** Runs a stream, as `run`; one that is short is its whole text. */
  stream<Row extends StreamJob>(
    job: Row,
    request: RequestOf<Row>,
    context: CallContext,
    rows: number,
  ): string | Failure | Chunks<ReplyOf<Row>> {
    if (rows > FRONT_READ_ROWS_MAX) return this.pool.stream(job, request, context);
    let text = "";
    for (const chunk of this.#reader.stream(job, request)) {
      if (chunk instanceof Failure) return chunk;
      text += chunk;
    }
    return text;
  }
}
