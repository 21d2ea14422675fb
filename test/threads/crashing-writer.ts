/**
 * The real writer with faults that keys and topics ask for: it crashes in the middle of a batch, it
 * crashes between a commit and the word of it, or it takes its time so that a batch gathers behind it.
 */
import { COMMANDS, type Commands } from "../../workers/writer/commands.js";
import { RpcServer } from "../../src/rpc/server.js";
import { FAULTS } from "./faults.js";

const SLOW_MS = 300;

const putState = COMMANDS["state.put"];
const put: Commands["state.put"] = (context, request) => {
  if (request.key === FAULTS.crash) throw new Error("crashed on purpose, in a batch");
  if (request.key === FAULTS.slow) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SLOW_MS);
  return putState(context, request);
};
Object.assign(COMMANDS, { "state.put": put });

// oxlint-disable-next-line typescript/unbound-method -- it is called with its own `this` below
const notify = RpcServer.prototype.notify;
RpcServer.prototype.notify = function notifyOrCrash(this: RpcServer, name, payload): void {
  if (name === "events" && JSON.stringify(payload).includes(FAULTS.silent)) throw new Error("crashed on purpose, after a commit");
  notify.call(this, name, payload);
};

await import("../../workers/writer/main.js");
