/**
 * A worker of the pool: runs one job at a time on a read-only handle of its own. A unary job's reply is the
 * task's result; a stream goes through the RPC over the port that came with the task.
 */
import type { MessagePort } from "node:worker_threads";
import { workerData } from "node:worker_threads";
import { must } from "../base/assert.js";
import { systemClock } from "../base/clock.js";
import { Failure } from "../base/result.js";
import type { MethodTable } from "../rpc/method.js";
import { RpcServer } from "../rpc/server.js";
import { isPoolMethod, type AnyMethod } from "./methods.js";
import type { PoolAnswer, PoolData, PoolTask } from "./pool.js";
import type { StreamJob } from "./pool-method.js";
import { Reader } from "./reader.js";

/** What piscina runs in a worker of Pool. */
export function poolWorker(methods: MethodTable<AnyMethod>): (task: PoolTask) => Promise<PoolAnswer> {
  let reader: Reader | undefined;
  return async ({ method, request, port }) => {
    const { data_dir, settings } = workerData as PoolData;
    reader ??= new Reader(data_dir, settings);
    const row = methods.at(method);
    const job = must(isPoolMethod(row) ? row : undefined, "the pool is asked for its own methods");
    await job.prepare?.();
    if (job.kind === "stream") return serveStream(methods, job, request, reader, must(port, "a stream has its port"));
    const reply: unknown = reader.run(job, request);
    if (!(reply instanceof Failure)) return { reply };
    return { failure: [reply.status, reply.message, reply.members, false, reply.subject] };
  };
}

/** Serves the one call that comes over the port; ends when its last chunk was taken or it was cancelled. */
function serveStream(
  methods: MethodTable<AnyMethod>,
  job: StreamJob,
  request: unknown,
  reader: Reader,
  port: MessagePort,
): Promise<PoolAnswer> {
  return new Promise((resolve) => {
    const server = new RpcServer<AnyMethod>(port, {
      methods,
      clock: systemClock,
      execute: (calls) => {
        for (const call of calls) server.stream(call, untilDone(reader.stream(job, request), finish));
      },
    });
    // The last frame is queued after the chunks' end: it leaves before the port is closed.
    const finish = (): void => {
      setImmediate(() => {
        server.flush();
        server.close();
        resolve({ reply: null });
      });
    };
  });
}

function* untilDone<Item, End>(items: Iterable<Item, End>, done: () => void): Generator<Item, End, undefined> {
  try {
    return yield* items;
  } finally {
    done();
  }
}
