/** The writer, with requests and replies checked against the table of methods. */
import { workerData } from "node:worker_threads";
import type { WriterData } from "../../src/platform/threads/early-writer.js";
import { checkMethods } from "./checked-methods.js";

checkMethods((workerData as WriterData).data_dir);
await import("../../workers/writer/main.js");
