/** The entry point of a thread of the worker pool. piscina starts it. */
import { METHODS } from "../../src/methods.js";
import { batchFunction } from "../../src/platform/threads/pool-program.js";

export const runBatch = batchFunction(METHODS);
