/**
 * The real writer with faults that keys and topics ask for: it crashes in the middle of a batch, it
 * crashes between a commit and the word of it, or it is held up so that a batch gathers behind it.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { workerData } from "node:worker_threads";
import type { WriterData } from "../../src/rpc/writer-thread.js";
import { COMMANDS, type Commands } from "../../workers/writer/commands.js";
import { RpcServer } from "../../src/rpc/server.js";
import { FAULTS, HELD_FILE } from "./faults.js";

const LOOK_MS = 5;

/** Says by a file that it holds the thread up, until the test takes the file away. */
function holdUntilGo(): void {
  const path = join((workerData as WriterData).data_dir, HELD_FILE);
  writeFileSync(path, "");
  const cell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  while (existsSync(path)) Atomics.wait(cell, 0, 0, LOOK_MS);
}

const putState = COMMANDS["state.put"];
const put: Commands["state.put"] = (context, request) => {
  if (request.key === FAULTS.crash) throw new Error("crashed on purpose, in a batch");
  if (request.key === FAULTS.hold) holdUntilGo();
  return putState(context, request);
};
Object.assign(COMMANDS, { "state.put": put });

// oxlint-disable-next-line typescript/unbound-method -- it is called with its own `this` below
const notify = RpcServer.prototype.notify;
RpcServer.prototype.notify = function notifyOrCrash(this: RpcServer, name, payload): void {
  if (name === "events" && JSON.stringify(payload).includes(FAULTS.silent))
    throw new Error("crashed on purpose, after a commit");
  notify.call(this, name, payload);
};

await import("../../workers/writer/main.js");
