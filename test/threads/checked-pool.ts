/** The pool's worker, whose requests are held to the table of methods. */
import { workerData } from "node:worker_threads";
import { JOBS } from "../../src/jobs.js";
import type { ReaderSettings } from "../../src/store/read-context.js";
import { checkHandlers } from "./checked-methods.js";

checkHandlers(JOBS, (workerData as ReaderSettings).data_dir);

// oxlint-disable-next-line import/no-default-export -- piscina runs a file's default export
export { default } from "../../workers/pool/main.js";
