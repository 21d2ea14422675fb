/**
 * Runs the thread of a restore, which executes the restore's methods on the staging database. If the disk is full, only
 * the current call fails. Any other error ends the thread. Otherwise the front ends it after the restore.
 */
import { parentPort, workerData } from "node:worker_threads";
import { must } from "../../base/assert.js";
import { machineClock } from "../../base/clock.js";
import { Failure } from "../../base/result.js";
import type { MethodTable } from "../rpc/method.js";
import { RpcServer, type ServerCall } from "../rpc/server.js";
import { writeFailure } from "../store/open.js";
import { openStaging } from "../store/staging.js";
import type { AnyMethod } from "./methods.js";
import { Models } from "./model.js";
import type { StagingMethod } from "./staging-method.js";
import type { StagingData } from "./staging-thread.js";

/** Serves the restore's methods. Called in a worker thread that StagingThread has started. */
export function runStaging(methods: MethodTable<AnyMethod>): void {
  let models: Models | undefined;
  const execute = ({ method, request }: ServerCall<StagingMethod>): unknown => {
    try {
      const { data_dir, settings } = workerData as StagingData;
      models ??= new Models(openStaging(data_dir), settings);
      return method.bind(models)(request);
    } catch (error) {
      const failure = writeFailure(error);
      if (failure === undefined) throw error;
      return failure;
    }
  };
  const server = new RpcServer<StagingMethod>(must(parentPort, "a restore runs in a worker thread"), {
    methods: methods as unknown as MethodTable<StagingMethod>,
    clock: machineClock,
    execute: (calls) => {
      for (const call of calls) {
        const reply = execute(call);
        if (reply instanceof Failure) server.fail(call, reply);
        else server.reply(call, reply);
      }
    },
  });
}
