/** Entry of a worker pool thread, which piscina loads. */
import { METHODS } from "../../src/methods.js";
import { batchFunction } from "../../src/platform/threads/pool-program.js";

export const runBatch = batchFunction(METHODS);
