/** A worker of the job pool. */
import { METHODS } from "../../src/methods.js";
import { poolWorker } from "../../src/threads/pool-program.js";

export default poolWorker(METHODS);
