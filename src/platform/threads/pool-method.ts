/**
 * Defines the type of the pool's methods, which the features declare in their jobs.ts. A job is a read or a computation
 * that may take long, on one snapshot of the database. If its answer is certain to be short, the front runs it itself
 * (reads.ts).
 */
import type { Static, TSchema } from "typebox";
import { POOL_DEADLINE_MS } from "../../../schemas/limits/pool.js";
import type { Failure } from "../../base/result.js";
import { weightOf, type Method } from "../rpc/method.js";
import type { Model, Models, OpenedModels } from "./model.js";

/** Yields the chunks of a stream, and returns the reply. A Failure among the chunks ends the stream. */
export type Pieces<Reply> = Iterable<string | Failure, Reply>;

interface PoolMethodBase<Request extends TSchema, Reply extends TSchema> extends Method<Request, Reply> {
  readonly runsIn: "pool";
  /**
   * Whether the running time of the job has a known limit. It has none if the job uses a client's regular expression or
   * schema. Jobs without a limit never occupy all threads of the pool.
   */
  readonly cost: "bounded" | "unbounded";
  /**
   * Whether the deadline starts again each time the reader takes a chunk. Such a stream may take any time, as long as
   * its reader continues to read.
   */
  readonly paced: boolean;
  /** Loads the modules that only this job needs. Called once per worker; null if there are none. */
  readonly prepare: (() => Promise<void>) | null;
}

export interface UnaryJob<Request extends TSchema = TSchema, Reply extends TSchema = TSchema>
  extends PoolMethodBase<Request, Reply> {
  readonly kind: "unary";
  /**
   * How the job gets a snapshot of the database. "given": the snapshot is opened before the job runs. "own": the job
   * opens a snapshot itself, because it rarely needs one.
   */
  readonly snapshot: "given" | "own";
  bind(models: Models): (request: Static<Request>) => Static<Reply> | Failure;
}

export interface StreamJob<Request extends TSchema = TSchema, Reply extends TSchema = TSchema>
  extends PoolMethodBase<Request, Reply> {
  readonly kind: "stream";
  /** The schema of the text that all chunks form together. */
  readonly text: TSchema;
  bind(models: Models): (request: Static<Request>) => Pieces<Static<Reply> | Failure>;
}

export type PoolMethod = UnaryJob | StreamJob;

interface JobRow<Request extends TSchema, Named extends Readonly<Record<string, Model>>> {
  /** The name, `feature.verb`. It is unique among all methods. */
  readonly name: string;
  readonly request: Request;
  /** The deadline in ms; POOL_DEADLINE_MS by default. */
  readonly deadlineMs?: number;
  readonly cost: "bounded" | "unbounded";
  readonly prepare?: () => Promise<void>;
  readonly models: Named;
}

export interface UnaryRow<Request extends TSchema, Reply extends TSchema, Named extends Readonly<Record<string, Model>>>
  extends JobRow<Request, Named> {
  readonly reply: Reply;
  /** When the snapshot is opened (`PoolMethod.snapshot`); "given" by default. */
  readonly snapshot?: "own";
  readonly run: (models: OpenedModels<Named>, request: Static<Request>) => Static<Reply> | Failure;
}

export interface StreamRow<
  Request extends TSchema,
  Reply extends TSchema,
  Named extends Readonly<Record<string, Model>>,
> extends JobRow<Request, Named> {
  readonly text: TSchema;
  readonly reply: Reply;
  readonly paced?: true;
  readonly run: (models: OpenedModels<Named>, request: Static<Request>) => Pieces<Static<Reply> | Failure>;
}

export function unaryJob<Request extends TSchema, Reply extends TSchema, Named extends Readonly<Record<string, Model>>>(
  row: UnaryRow<Request, Reply, Named>,
): UnaryJob<Request, Reply> {
  const { models: named, run, deadlineMs = POOL_DEADLINE_MS, prepare = null, snapshot = "given", ...rest } = row;
  return {
    ...rest,
    kind: "unary",
    snapshot,
    runsIn: "pool",
    deadlineMs,
    prepare,
    paced: false,
    weight: weightOf,
    bind: (models) => run.bind(undefined, models.bind(named)),
  };
}

export function streamJob<
  Request extends TSchema,
  Reply extends TSchema,
  Named extends Readonly<Record<string, Model>>,
>(row: StreamRow<Request, Reply, Named>): StreamJob<Request, Reply> {
  const { models: named, run, deadlineMs = POOL_DEADLINE_MS, prepare = null, paced = false, ...rest } = row;
  return {
    ...rest,
    kind: "stream",
    runsIn: "pool",
    deadlineMs,
    prepare,
    paced,
    weight: weightOf,
    bind: (models) => run.bind(undefined, models.bind(named)),
  };
}
