/**
 * The thread of one restore: takes a snapshot in pieces into the staging database. Whoever started it ends
 * it; a disk that takes no more is told, anything else that fails ends the thread.
 */
import { parentPort, workerData } from "node:worker_threads";
import { Staging } from "../../src/backup/staging.js";
import { must } from "../../src/base/assert.js";
import { systemClock } from "../../src/base/clock.js";
import { Failure } from "../../src/base/result.js";
import { RpcServer, type ServerCall } from "../../src/rpc/server.js";
import { loadRuleReading } from "../../src/rules/rule.js";
import type { StagingData } from "../../src/rpc/staging-thread.js";
import { writeFailure } from "../../src/store/open.js";
import { openStaging } from "../../src/store/staging.js";
import { STAGING_METHODS } from "./methods.js";

type Handler = (staging: Staging, request: unknown) => unknown;

await loadRuleReading();
let staging: Staging | undefined;

function carryOut(call: ServerCall): unknown {
  try {
    staging ??= new Staging(openStaging((workerData as StagingData).data_dir));
    return (STAGING_METHODS[call.method as keyof typeof STAGING_METHODS] as Handler)(staging, call.request);
  } catch (error) {
    const failure = writeFailure(error);
    if (failure === undefined) throw error;
    return failure;
  }
}

const server = new RpcServer(must(parentPort, "a restore runs in a worker thread"), {
  clock: systemClock,
  execute: (calls) => {
    for (const call of calls) {
      const reply = carryOut(call);
      if (reply instanceof Failure) server.fail(call, reply);
      else server.reply(call, reply);
    }
  },
});
