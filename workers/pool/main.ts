/** Entry of a worker pool thread. */
import { METHODS } from "../../src/methods.js";
import { servePool } from "../../src/platform/threads/pool-program.js";

servePool(METHODS);
