/**
 * Where a read runs: on the front's own handle when its answer is sure to be short, else in the pool.
 * Runs on the front; the jobs themselves are the features' (src/jobs.ts).
 */
import { FRONT_READ_ROWS_MAX } from "../../schemas/limits.js";
import type { PoolMethodName, RequestOf } from "../../schemas/methods.js";
import type { CallContext } from "../../schemas/rpc.js";
import { Failure } from "../base/result.js";
import { runJob } from "../jobs.js";
import type { ReadContext } from "../store/read-context.js";
import type { Pool } from "./pool.js";

export type Chunks = AsyncGenerator<string | Failure, void, undefined>;

export class Reads {
  constructor(
    readonly context: ReadContext,
    readonly pool: Pool,
  ) {}

  /**
   * Runs a read.
   * @param rows how many rows it may look at; up to FRONT_READ_ROWS_MAX it is answered at once
   */
  run<Name extends PoolMethodName>(
    name: Name,
    request: RequestOf<Name>,
    context: CallContext,
    rows: number,
  ): string | Failure | Chunks {
    if (rows > FRONT_READ_ROWS_MAX) return this.pool.stream(name, request, context);
    let text = "";
    for (const chunk of runJob(this.context, name, request)) {
      if (chunk instanceof Failure) return chunk;
      text += chunk;
    }
    return text;
  }
}
