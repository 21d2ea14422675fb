/**
 * Runs batches of jobs in a thread of the pool, one job after the other. The jobs use the thread's own read-only
 * database handle. The chunks of a stream are sent with the RPC, over the port that came with the task. Runs in the
 * pool.
 */
import { workerData, type MessagePort } from "node:worker_threads";
import { POOL_BATCH_MS_MAX } from "../../../schemas/limits/pool.js";
import { must } from "../../base/assert.js";
import { machineClock } from "../../base/clock.js";
import { isShortage } from "../../base/descriptors.js";
import { reasonOf } from "../../base/reason.js";
import { Failure } from "../../base/result.js";
import type { MethodTable } from "../rpc/method.js";
import { RpcServer } from "../rpc/server.js";
import { findMoved } from "../store/open-files.js";
import { isPoolMethod, type AnyMethod } from "./methods.js";
import {
  BatchCursors,
  type BatchFunction,
  type PoolAnswer,
  type PoolData,
  type PoolTask,
  type PoolThreadData,
} from "./pool-messages.js";
import type { PoolMethod, StreamJob } from "./pool-method.js";
import { Reader } from "./reader.js";

/** Returns the function that the script of a thread exports as BATCH_FUNCTION. */
export function batchFunction(methods: MethodTable<AnyMethod>): BatchFunction {
  const { cursors: memory, ...data } = workerData as PoolThreadData;
  const cursors = new BatchCursors(memory);
  const prepared = new Set<PoolMethod>();
  let reader: Reader | undefined;
  // Open the database now, while a file descriptor is free for it.
  try {
    const opened = openOwn(data);
    if (opened instanceof Reader) reader = opened;
  } catch {
    // Ignore the error, because the first job tries again and reports it.
  }

  const runTask = async ([method, request, port]: PoolTask): Promise<PoolAnswer> => {
    try {
      if (reader === undefined) {
        const opened = openOwn(data);
        if (opened instanceof Failure)
          return ["failure", opened.status, opened.message, opened.members, opened.subject];
        reader = opened;
      }
      const row = methods.at(method);
      const job = must(isPoolMethod(row) ? row : undefined, "the pool is asked for its own methods");
      if (!prepared.has(job)) {
        await job.prepare?.();
        prepared.add(job);
      }
      if (job.kind === "stream")
        return await serveStream(methods, job, request, reader, must(port, "a stream has its port"));
      const reply: unknown = reader.run(job, request);
      if (!(reply instanceof Failure)) return ["reply", reply];
      return ["failure", reply.status, reply.message, reply.members, reply.subject];
    } catch (error) {
      return isShortage(error) ? endThread(error) : ["thrown", reasonOf(error)];
    }
  };

  return async ({ cell, batch, tasks }) => {
    const startedMs = performance.now();
    const answers: PoolAnswer[] = [];
    for (const [at, task] of tasks.entries()) {
      // The answers of a batch are sent together, so a finished job's answer waits for the jobs after it. Stop early,
      // to limit this wait.
      if (at > 0 && performance.now() - startedMs > POOL_BATCH_MS_MAX) break;
      if (!cursors.start(cell, batch, at)) break;
      answers.push(await runTask(task));
    }
    return answers;
  };
}

/**
 * Opens the database that the server has open. A file that was put in its place must not be opened, because this thread
 * would read it until the server ends. So the files are checked again after the opening. The Failure is temporary.
 */
function openOwn({ data_dir, settings, files }: PoolData): Reader | Failure {
  const findFault = (): Failure | null => {
    const fault = findMoved(files);
    return fault === null ? null : new Failure("UNAVAILABLE", `the database cannot be read: ${fault}`);
  };
  const before = findFault();
  if (before !== null) return before;
  let reader: Reader;
  try {
    reader = new Reader(data_dir, settings);
  } catch (error) {
    const fault = findFault();
    if (fault === null) throw error;
    return fault;
  }
  const after = findFault();
  if (after === null) return reader;
  reader.close();
  return after;
}

/**
 * Ends this thread with an error. Called if a file could not be opened because there are too few file descriptors. The
 * end of the thread closes all of its files. It also makes room for a new thread, which can load the module that has
 * failed to load. The same thread cannot load it again.
 */
function endThread(error: unknown): Promise<never> {
  return new Promise(() => {
    setImmediate(() => {
      throw error;
    });
  });
}

/**
 * Serves the one call that arrives over the port. Resolves when the reader has taken the call's last chunk, or when the
 * call was cancelled.
 */
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
      clock: machineClock,
      execute: (calls) => {
        for (const call of calls) server.stream(call, untilDone(reader.stream(job, request), finish));
      },
    });
    // Called after the last chunk. The last frame is only queued at that time, so it must be sent before the port is
    // closed.
    const finish = (): void => {
      setImmediate(() => {
        server.flush();
        server.close();
        resolve(["reply", null]);
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
