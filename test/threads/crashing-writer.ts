/**
 * The real writer with faults that keys and topics ask for: it crashes in the middle of a batch, it
 * crashes between a commit and the word of it, a method throws, it is held up so that a batch gathers behind it, or
 * it starts late.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { workerData } from "node:worker_threads";
import { RpcServer } from "../../src/rpc/server.js";
import { putState } from "../../src/state/commands.js";
import type { Models } from "../../src/threads/model.js";
import type { WriterData } from "../../src/threads/early-writer.js";
import { FAULTS, HELD_FILE, LATE_FILE } from "./faults.js";
import { sqliteError } from "../../src/store/sqlite/codes.js";

const LOOK_MS = 5;

const pathOf = (file: string): string => join((workerData as WriterData).data_dir, file);

/** Holds the thread up until the test takes the file away. */
function holdWhileThere(file: string): void {
  const path = pathOf(file);
  const cell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  while (existsSync(path)) Atomics.wait(cell, 0, 0, LOOK_MS);
}

const bind = putState.bind.bind(putState);
Object.assign(putState, {
  bind: (models: Models): ReturnType<typeof bind> => {
    const put = bind(models);
    return (request, call) => {
      // What says that the database cannot be relied on ends the thread; anything else fails its call.
      if (request.key === FAULTS.crash) throw sqliteError("crashed on purpose, in a batch", "SQLITE_CORRUPT");
      if (request.key === FAULTS.hold) {
        writeFileSync(pathOf(HELD_FILE), "");
        holdWhileThere(HELD_FILE);
      }
      const reply = put(request, call);
      if (request.key === FAULTS.bug) throw new Error("thrown on purpose, after an effect");
      return reply;
    };
  },
});

// oxlint-disable-next-line typescript/unbound-method -- it is called with its own `this` below
const notify = RpcServer.prototype.push;
RpcServer.prototype.push = function notifyOrCrash(this: RpcServer, notice, payload): void {
  if (notice.name === "events" && JSON.stringify(payload).includes(FAULTS.silent))
    throw new Error("crashed on purpose, after a commit");
  notify.call(this, notice, payload);
};

holdWhileThere(LATE_FILE);
await import("../../workers/writer/main.js");
