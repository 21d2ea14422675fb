/** A restore's thread, whose requests and replies are held to the table of methods. */
import { workerData } from "node:worker_threads";
import type { StagingData } from "../../src/rpc/staging-thread.js";
import { STAGING_METHODS } from "../../workers/staging/methods.js";
import { checkHandlers } from "./checked-methods.js";

checkHandlers(STAGING_METHODS, (workerData as StagingData).data_dir);
await import("../../workers/staging/main.js");
