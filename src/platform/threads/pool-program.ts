/**
 * Runs a thread of the pool. It runs the jobs of a batch one after the other, on its own read-only database handle, and
 * posts their answers together. A stream uses the RPC over the port that came with its task. Runs in the pool.
 */
import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { POOL_ANSWERS_HELD_MS_MAX } from "../../../schemas/limits/pool.js";
import { must } from "../../base/assert.js";
import { machineClock } from "../../base/clock.js";
import { isShortage } from "../../base/descriptors.js";
import { reasonOf } from "../../base/reason.js";
import { Failure } from "../../base/result.js";
import type { MethodTable } from "../rpc/method.js";
import { RpcServer } from "../rpc/server.js";
import { isPoolMethod, type AnyMethod } from "./methods.js";
import { BatchCursor, type PoolAnswer, type PoolAnswers, type PoolTask, type PoolThreadData } from "./pool-messages.js";
import type { PoolMethod, StreamJob } from "./pool-method.js";
import { Reader } from "./reader.js";

/** The first message of the thread. It has no answers and says that the thread accepts jobs now. */
const STARTED: PoolAnswers = [0, [], false];

/** Serves jobs in a worker that PoolThread has started. */
export function servePool(methods: MethodTable<AnyMethod>): void {
  const port = must(parentPort, "the pool's jobs run in worker threads");
  const { data_dir, settings, cursor: memory } = workerData as PoolThreadData;
  const cursor = new BatchCursor(memory);
  const prepared = new Set<PoolMethod>();
  let reader: Reader | undefined;

  const runTask = async ([method, request, streamPort]: PoolTask): Promise<PoolAnswer> => {
    try {
      reader ??= new Reader(data_dir, settings);
      const row = methods.at(method);
      const job = must(isPoolMethod(row) ? row : undefined, "the pool is asked for its own methods");
      if (!prepared.has(job)) {
        await job.prepare?.();
        prepared.add(job);
      }
      if (job.kind === "stream")
        return await serveStream(methods, job, request, reader, must(streamPort, "a stream has its port"));
      const reply: unknown = reader.run(job, request);
      if (!(reply instanceof Failure)) return ["reply", reply];
      return ["failure", reply.status, reply.message, reply.members, reply.subject];
    } catch (error) {
      return [isShortage(error) ? "short" : "thrown", reasonOf(error)];
    }
  };

  const serve = async (tasks: readonly PoolTask[]): Promise<void> => {
    let posted = 0;
    let postedMs = performance.now();
    let answers: PoolAnswer[] = [];
    const post = (ended: boolean): void => {
      port.postMessage([posted, answers, ended] satisfies PoolAnswers);
      posted += answers.length;
      answers = [];
    };
    for (const [at, task] of tasks.entries()) {
      if (at > 0) {
        if (!cursor.advance(at)) break;
        // Answers are posted together with later ones, unless those take too long.
        const nowMs = performance.now();
        if (nowMs - postedMs > POOL_ANSWERS_HELD_MS_MAX) {
          postedMs = nowMs;
          post(false);
        }
      }
      answers.push(await runTask(task));
    }
    post(true);
  };

  port.on("message", (tasks: readonly PoolTask[]) => void serve(tasks));
  port.postMessage(STARTED);
  // The database is opened early, while there are file descriptors for it. If there are none, the first job reports
  // that.
  setImmediate(() => {
    try {
      reader ??= new Reader(data_dir, settings);
    } catch {
      // The error is ignored here, because the first job tries again and reports it.
    }
  });
}

/**
 * Serves the one call that comes over the port. Resolves when the call's last chunk was taken, or the call was
 * cancelled.
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
    // The last frame is queued when the chunks have ended, and it must be sent before the port is closed.
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
