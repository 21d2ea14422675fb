/** A restore's thread, with requests and replies checked against the table of methods. */
import { workerData } from "node:worker_threads";
import type { StagingData } from "../../src/platform/threads/staging-thread.js";
import { checkMethods } from "./checked-methods.js";

checkMethods((workerData as StagingData).data_dir);
await import("../../workers/staging/main.js");
