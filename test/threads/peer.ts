/**
 * The serving side of the RPC in a thread of its own, for the tests of the RPC by itself: it has no database, and each
 * call does what its topic says. `Shared` contains what the test and the thread share: the clock, and a gate that
 * pauses the thread in the middle of a call. The peer also stands in for the writer, which has no such memory.
 */
import { parentPort, workerData } from "node:worker_threads";
import { must } from "../../src/base/assert.js";
import { Failure } from "../../src/base/result.js";
import { SharedCounter } from "../../src/base/shared-counter.js";
import type { RequestOf } from "../../src/platform/rpc/method.js";
import { RpcServer, type ServerCall } from "../../src/platform/rpc/server.js";
import { closeStore } from "../../src/platform/threads/close-store.js";
import { READY } from "../../src/platform/threads/push-messages.js";
import { type act, AFTER, BEFORE, count, PEER_METHODS } from "./peer-methods.js";
import { Shared, type PeerData } from "./shared.js";

const data = workerData as PeerData;
const shared = data.shared === undefined ? Shared.make() : new Shared(data.shared);
/** The topics of the executed calls, in order. */
const executed: string[] = [];

/** The chunks of a stream. They are counted in `shared`, and so is the stream's end. */
function* chunks({ prefix, limit }: RequestOf<typeof count>): Generator<string | Failure, { counted: number }> {
  let counted = 0;
  try {
    for (; counted < (limit ?? Number.POSITIVE_INFINITY); counted++) {
      shared.countProduced();
      yield String(counted);
    }
    if (prefix === "fail") yield new Failure("NOT_FOUND", "no more", { at: limit });
    return { counted };
  } finally {
    shared.countEnded();
  }
}

function answer(call: ServerCall, server: RpcServer): void {
  if (call.method === count) {
    server.stream(call, chunks(call.request as RequestOf<typeof count>));
    return;
  }
  if (call.method === closeStore) {
    server.reply(call, null);
    server.flush();
    server.close();
    return;
  }
  const { topic } = call.request as RequestOf<typeof act>;
  const [verb] = topic.split(" ");
  const topics = verb === "executed" ? executed : [];
  const reply = { topics, actor: call.actor, trace: call.trace };
  if (verb !== "executed") executed.push(verb === "weighed" ? `${topic} ${call.weight}` : topic);
  switch (verb) {
    case "hold":
      shared.hold();
      break;
    case "silent":
      return;
    case "refuse":
      server.fail(call, new Failure("FAILED_PRECONDITION", "precondition failed", { current_version: 3 }));
      return;
    case "push":
      server.push(BEFORE, topic);
      server.reply(call, reply);
      server.push(AFTER, topic);
      return;
    case "commit":
      // The writer does the same: it sets the id when the transaction is on disk, before it sends any reply.
      new SharedCounter(must(data.committed, "the test gave the thread its memory")).set(call.id);
      return;
    case "crash":
      throw new Error("crashed on purpose");
  }
  server.reply(call, reply);
}

const server = new RpcServer(must(parentPort, "the peer runs in a worker thread"), {
  methods: PEER_METHODS,
  clock: shared,
  mailboxMax: shared.mailboxMax,
  execute: (calls) => {
    for (const call of calls) answer(call, server);
  },
});
server.push(READY, null);
