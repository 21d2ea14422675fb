/**
 * Executes jobs on a read-only database handle, each job on one snapshot. The reader owns the handle, and the models
 * that are open on it. The front has one reader, and so has each worker of the pool.
 */
import type { StoreSettings } from "../../../schemas/config.js";
import type { Failure } from "../../base/result.js";
import type { ReplyOf, RequestOf } from "../rpc/method.js";
import { openReader, type Db, type Statement } from "../store/open.js";
import { Models } from "./model.js";
import type { Pieces, StreamJob, UnaryJob } from "./pool-method.js";

export class Reader {
  readonly models: Models;
  readonly #db: Db;
  readonly #begin: Statement<[], unknown>;
  readonly #commit: Statement<[], unknown>;
  readonly #bound = new Map<UnaryJob | StreamJob, (request: unknown) => unknown>();

  constructor(dataDir: string, settings: StoreSettings) {
    this.#db = openReader(dataDir);
    this.models = new Models(this.#db, settings);
    this.#begin = this.#db.prepare("BEGIN");
    this.#commit = this.#db.prepare("COMMIT");
  }

  /** Executes a unary job. */
  run<Row extends UnaryJob>(job: Row, request: RequestOf<Row>): ReplyOf<Row> | Failure {
    if (job.snapshot === "own") return this.#functionOf(job)(request) as ReplyOf<Row> | Failure;
    this.#begin.run();
    try {
      return this.#functionOf(job)(request) as ReplyOf<Row> | Failure;
    } finally {
      this.#commit.run();
    }
  }

  /** Executes a streaming job and yields its chunks. The snapshot stays open until the last chunk has been taken. */
  *stream<Row extends StreamJob>(
    job: Row,
    request: RequestOf<Row>,
  ): Generator<string | Failure, ReplyOf<Row> | Failure, undefined> {
    this.#begin.run();
    try {
      return yield* this.#functionOf(job)(request) as Pieces<ReplyOf<Row> | Failure>;
    } finally {
      this.#commit.run();
    }
  }

  close(): void {
    this.#db.close();
  }

  #functionOf(job: UnaryJob | StreamJob): (request: unknown) => unknown {
    let bound = this.#bound.get(job);
    if (bound === undefined) {
      bound = job.bind(this.models);
      this.#bound.set(job, bound);
    }
    return bound;
  }
}
