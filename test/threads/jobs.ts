/**
 * The pool's worker with jobs that do what they are told, for the tests of the pool: the script is the
 * real one (workers/pool/main.ts), only the table of jobs is another.
 */
import { POOL_DEADLINE_MS } from "../../schemas/limits.js";
import type { ListRequest } from "../../schemas/state.js";
import type { HistoryRequest } from "../../schemas/versioned.js";
import { Failure } from "../../src/base/result.js";
import { JOBS } from "../../src/jobs.js";
import { Shared } from "./shared.js";

/** A request of the pool's test: what to do is the key, or the prefix of a stream. */
export interface HoldRequest extends HistoryRequest {
  readonly shared: SharedArrayBuffer;
}

/** Far longer than any deadline, and yet the machine is not left burning where a worker is not ended. */
function burn(): never {
  const until = performance.now() + 4 * POOL_DEADLINE_MS;
  while (performance.now() < until) Math.random();
  throw new Error("nobody ended this worker");
}

function unary({ key, ...request }: HistoryRequest): string | Failure {
  switch (key) {
    case "stuck":
      return burn();
    case "throw":
      throw new Error("thrown on purpose");
    case "exit":
      return process.exit(3);
    case "refuse":
      return new Failure("NOT_FOUND", "not there", { key });
    case "hold":
      new Shared((request as HoldRequest).shared).hold();
      return "held";
    default:
      return `done ${key}`;
  }
}

function* stream({ prefix, limit }: ListRequest): Generator<string | Failure, void, undefined> {
  for (let at = 0; at < (limit ?? Number.POSITIVE_INFINITY); at++) yield `${at},`;
  if (prefix === "refuse") yield new Failure("NOT_FOUND", "not there");
  if (prefix !== "") yield unary({ key: prefix, limit: 1 });
}

Object.assign(JOBS, {
  "state.history": (_context: unknown, request: HistoryRequest) => unary(request),
  "state.list": (_context: unknown, request: ListRequest) => stream(request),
});

// oxlint-disable-next-line import/no-default-export -- piscina runs a file's default export
export { default } from "../../workers/pool/main.js";
