/**
 * The real writer with faults that keys and topics cause: it crashes in the middle of a batch, or between a commit and
 * the messages about it; a method throws; it is paused so that a batch collects; or it starts late.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { workerData } from "node:worker_threads";
import { RpcServer } from "../../src/platform/rpc/server.js";
import { putState } from "../../src/features/state/commands.js";
import type { Models } from "../../src/platform/threads/model.js";
import type { WriterData } from "../../src/platform/threads/early-writer.js";
import { FAULTS, HELD_FILE, LATE_FILE } from "./faults.js";
import { sqliteError } from "../../src/platform/store/sqlite/codes.js";

const LOOK_MS = 5;

const pathOf = (file: string): string => join((workerData as WriterData).data_dir, file);

/** Pauses the thread until the test removes the file. */
function waitWhileExists(file: string): void {
  const path = pathOf(file);
  const cell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  while (existsSync(path)) Atomics.wait(cell, 0, 0, LOOK_MS);
}

const bind = putState.bind.bind(putState);
Object.assign(putState, {
  bind: (models: Models): ReturnType<typeof bind> => {
    const put = bind(models);
    return (request, call) => {
      // An error that reports damage ends the thread; any other error fails its call.
      if (request.key === FAULTS.crash) throw sqliteError("crashed on purpose, in a batch", "SQLITE_CORRUPT");
      if (request.key === FAULTS.hold) {
        writeFileSync(pathOf(HELD_FILE), "");
        waitWhileExists(HELD_FILE);
      }
      const reply = put(request, call);
      if (request.key === FAULTS.bug) throw new Error("thrown on purpose, after an effect");
      return reply;
    };
  },
});

// oxlint-disable-next-line typescript/unbound-method -- it is called with its own `this` below
const push = RpcServer.prototype.push;
RpcServer.prototype.push = function pushOrCrash(this: RpcServer, message, payload): void {
  if (message.name === "events" && JSON.stringify(payload).includes(FAULTS.silent))
    throw new Error("crashed on purpose, after a commit");
  push.call(this, message, payload);
};

waitWhileExists(LATE_FILE);
await import("../../workers/writer/main.js");
