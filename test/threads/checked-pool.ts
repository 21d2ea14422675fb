/** The pool's worker, whose requests and replies are held to the table of methods. */
import { workerData } from "node:worker_threads";
import type { PoolData } from "../../src/threads/pool.js";
import { checkMethods } from "./checked-methods.js";

checkMethods((workerData as PoolData).data_dir);

// oxlint-disable-next-line import/no-default-export -- piscina runs a file's default export
export { default } from "../../workers/pool/main.js";
