/**
 * Defines the type of the methods of a restore's own thread, which work on the staging database.
 * src/features/backup/staging-jobs.ts declares them.
 */
import type { Static, TSchema } from "typebox";
import { POOL_DEADLINE_MS } from "../../../schemas/limits/pool.js";
import type { Failure } from "../../base/result.js";
import type { Method } from "../rpc/method.js";
import type { Model, Models, OpenedModels } from "./model.js";

export interface StagingMethod<Request extends TSchema = TSchema, Reply extends TSchema = TSchema>
  extends Method<Request, Reply> {
  readonly kind: "unary";
  readonly runsIn: "staging";
  bind(models: Models): (request: Static<Request>) => Static<Reply> | Failure;
}

export interface StagingRow<
  Request extends TSchema,
  Reply extends TSchema,
  Named extends Readonly<Record<string, Model>>,
> {
  readonly name: string;
  readonly request: Request;
  readonly reply: Reply;
  /** Returns the size of the request in bytes, which counts towards the limit of the thread's mailbox. */
  readonly weight: (request: Static<Request>) => number;
  readonly models: Named;
  readonly run: (models: OpenedModels<Named>, request: Static<Request>) => Static<Reply> | Failure;
}

export function stagingMethod<
  Request extends TSchema,
  Reply extends TSchema,
  Named extends Readonly<Record<string, Model>>,
>(row: StagingRow<Request, Reply, Named>): StagingMethod<Request, Reply> {
  const { models: named, run, ...rest } = row;
  return {
    ...rest,
    kind: "unary",
    runsIn: "staging",
    deadlineMs: POOL_DEADLINE_MS,
    bind: (models) => run.bind(undefined, models.bind(named)),
  };
}
