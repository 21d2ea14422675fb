/** The writer, whose requests and replies are held to the table of methods. */
import { workerData } from "node:worker_threads";
import type { WriterData } from "../../src/rpc/writer-thread.js";
import { COMMANDS } from "../../workers/writer/commands.js";
import { checkHandlers } from "./checked-methods.js";

checkHandlers(COMMANDS, (workerData as WriterData).data_dir);
await import("../../workers/writer/main.js");
