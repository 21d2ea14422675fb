/** A thread of the job pool. */
import { METHODS } from "../../src/methods.js";
import { servePool } from "../../src/threads/pool-program.js";

servePool(METHODS);
