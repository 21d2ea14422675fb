/** The pool's worker, with requests and replies checked against the table of methods. */
import { workerData } from "node:worker_threads";
import type { PoolData } from "../../src/platform/threads/pool-messages.js";
import { checkMethods } from "./checked-methods.js";

checkMethods((workerData as PoolData).data_dir);

export const { runBatch } = await import("../../workers/pool/main.js");
