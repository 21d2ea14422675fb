/**
 * The serving side of the RPC in a thread of its own, for the tests of the RPC alone: no database, and
 * each call does what its topic says. What test and thread share is in `Shared`: the clock, and a gate
 * that holds the thread up in the middle of a call for as long as the test wants. It also stands in for
 * the writer, which is given no such memory.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { PublishReply, PublishRequest } from "../../schemas/events.js";
import type { ListRequest } from "../../schemas/state.js";
import { must } from "../../src/base/assert.js";
import { Failure } from "../../src/base/result.js";
import { RpcServer, type ServerCall } from "../../src/rpc/server.js";
import { Shared, type PeerData } from "./shared.js";

const data = workerData as PeerData;
const shared = data.shared === undefined ? Shared.make() : new Shared(data.shared);
/** Topics of the calls that were carried out, in order. */
const executed: string[] = [];

/** The chunks of a stream; counted in `shared`, and its end too. */
function* chunks({ prefix, limit }: ListRequest): Generator<string | Failure, void, undefined> {
  try {
    for (let at = 0; at < (limit ?? Number.POSITIVE_INFINITY); at++) {
      shared.countProduced();
      yield String(at);
    }
    if (prefix === "fail") yield new Failure("NOT_FOUND", "no more", { at: limit });
  } finally {
    shared.countEnded();
  }
}

function answer(call: ServerCall, server: RpcServer): void {
  if (call.method === "state.list") {
    server.stream(call, chunks(call.request as ListRequest));
    return;
  }
  if (call.method === "store.close") {
    server.reply(call, null);
    server.flush();
    server.close();
    return;
  }
  const topic = (call.request as PublishRequest).events[0]?.topic ?? "";
  const [verb] = topic.split(" ");
  const names = verb === "executed" ? executed : [];
  const reply: PublishReply = {
    events: names.map((name, at) => ({ id: at, topic: name, source: call.actor, text: call.trace })),
  };
  if (verb !== "executed") executed.push(topic);
  switch (verb) {
    case "hold":
      shared.hold();
      break;
    case "silent":
      return;
    case "refuse":
      server.fail(call, new Failure("FAILED_PRECONDITION", "precondition failed", { current_version: 3 }));
      return;
    case "notice":
      server.notify("before", topic);
      server.reply(call, reply);
      server.notify("after", topic);
      return;
    case "commit":
      // As the writer does: the id is set when the transaction is on disk, before any reply leaves.
      Atomics.store(new BigInt64Array(must(data.committed, "the test gave the thread its cell")), 0, BigInt(call.id));
      return;
    case "crash":
      throw new Error("crashed on purpose");
  }
  server.reply(call, reply);
}

const server = new RpcServer(must(parentPort, "the peer runs in a worker thread"), {
  clock: shared,
  mailbox_max: shared.mailbox_max,
  execute: (calls) => {
    for (const call of calls) answer(call, server);
  },
});
server.notify("ready", { state_keys: 0, last_event_id: 0 });
