/**
 * The pool's worker with jobs that follow instructions, for the tests of the pool. The program is the real one
 * (src/platform/threads/pool-program.ts); only the table of methods differs.
 */
import { isMainThread, threadId } from "node:worker_threads";
import * as Type from "typebox";
import { POOL_BATCH_MS_MAX, POOL_DEADLINE_MS } from "../../schemas/limits/pool.js";
import { Failure } from "../../src/base/result.js";
import { MethodTable } from "../../src/platform/rpc/method.js";
import { batchFunction } from "../../src/platform/threads/pool-program.js";
import { streamJob, unaryJob } from "../../src/platform/threads/pool-method.js";
import { Shared } from "./shared.js";

/** How long a stuck job sleeps in each round of its loop. */
const NAP_MS = 5;

/**
 * Runs far longer than any deadline, but not for ever, in case the worker is not ended.
 * @param napMs how long each round sleeps; with 0, the loop uses a processor until its end
 */
function loop(napMs: number): never {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const until = performance.now() + 4 * POOL_DEADLINE_MS;
  while (performance.now() < until) if (napMs > 0) Atomics.wait(cell, 0, 0, napMs);
  throw new Error("this worker was not ended");
}

/** Runs for a number of ms, after which its batch starts no further job. */
function spend(ms: number): string {
  const until = performance.now() + ms;
  while (performance.now() < until) Math.random();
  return "spent";
}

function act(what: string, shared?: SharedArrayBuffer): string | Failure {
  switch (what) {
    case "stuck":
      return loop(NAP_MS);
    case "busy":
      return loop(0);
    case "long":
      return spend(2 * POOL_BATCH_MS_MAX);
    case "throw":
      throw new Error("thrown on purpose");
    case "exit":
      return process.exit(3);
    case "refuse":
      return new Failure("NOT_FOUND", "not there", { what }).about({ what });
    case "thread":
      return `thread ${threadId}`;
    case "hold":
      if (shared !== undefined) new Shared(shared).hold();
      return "held";
    default:
      return `done ${what}`;
  }
}

const Shareable = Type.Optional(Type.Unsafe<SharedArrayBuffer>(Type.Unknown()));
const ActRequest = Type.Object({ what: Type.String(), shared: Shareable });

const row = { request: ActRequest, reply: Type.String(), models: {} };

/** Follows the request's instruction. */
export const bounded = unaryJob({
  ...row,
  name: "test.bounded",
  cost: "bounded",
  run: (_, r) => act(r.what, r.shared),
});
/** The same, as a job of unknown cost. */
export const unbounded = unaryJob({
  ...row,
  name: "test.unbounded",
  cost: "unbounded",
  run: (_, request) => act(request.what, request.shared),
});

/** Counts to a limit, or for ever if it is null, then follows the request's instruction. Replies with the count. */
export const counting = streamJob({
  name: "test.counting",
  request: Type.Object({ what: Type.String(), limit: Type.Union([Type.Integer(), Type.Null()]) }),
  text: Type.String(),
  reply: Type.Object({ counted: Type.Integer() }),
  cost: "bounded",
  models: {},
  *run(_, { what, limit }) {
    for (let at = 0; at < (limit ?? Number.POSITIVE_INFINITY); at++) yield `${at},`;
    if (what === "refuse") yield new Failure("NOT_FOUND", "not there");
    if (what !== "") yield act(what);
    return { counted: limit ?? 0 };
  },
});

export const TEST_METHODS = new MethodTable([bounded, unbounded, counting]);

// The test itself imports the rows from here, too.
export const runBatch = isMainThread ? null : batchFunction(TEST_METHODS);
