/**
 * A worker of the job pool: runs one job at a time on a read-only handle of its own. A short answer is
 * the task's result; a stream goes through the RPC over the port that came with the task.
 */
import { workerData } from "node:worker_threads";
import { systemClock } from "../../src/base/clock.js";
import { Failure } from "../../src/base/result.js";
import { prepareJob, runJob } from "../../src/jobs.js";
import type { PoolAnswer, PoolTask } from "../../src/rpc/pool.js";
import { RpcServer } from "../../src/rpc/server.js";
import { ReadContext, type ReaderSettings } from "../../src/store/read-context.js";

let context: ReadContext | undefined;

export default async function runTask(task: PoolTask): Promise<PoolAnswer> {
  context ??= new ReadContext(workerData as ReaderSettings);
  await prepareJob(task.method);
  if (task.port !== null) return serveStream(task, context);
  let text = "";
  for (const chunk of runJob(context, task.method, task.request)) {
    if (chunk instanceof Failure) return { failure: [chunk.status, chunk.message, chunk.members] };
    text += chunk;
  }
  return { text };
}

/** Serves the one call that comes over the port; ends when its last chunk was taken or it was cancelled. */
function serveStream(task: PoolTask, reads: ReadContext): Promise<PoolAnswer> {
  return new Promise((resolve) => {
    if (task.port === null) return;
    const server = new RpcServer(task.port, {
      clock: systemClock,
      execute: (calls) => {
        for (const call of calls) server.stream(call, untilDone(runJob(reads, task.method, task.request), finish));
      },
    });
    // The last frame is queued after the chunks' end: it leaves before the port is closed.
    const finish = (): void => {
      setImmediate(() => {
        server.flush();
        server.close();
        resolve({ text: "" });
      });
    };
  });
}

function* untilDone<Item>(items: Iterable<Item>, done: () => void): Generator<Item, void, undefined> {
  try {
    yield* items;
  } finally {
    done();
  }
}
