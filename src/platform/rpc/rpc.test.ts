/**
 * Tests the RPC between two threads: deadlines, cancellation, limits, order, streams, and the end of the other side.
 * The other side is test/threads/peer.ts. A gate in that thread holds calls back until the test opens it. The test
 * injects the time on both sides.
 */
import { Worker } from "node:worker_threads";
import t from "tap";
import { STREAM_CREDIT_CHUNKS, OUTCOME_GRACE_MS } from "../../../schemas/limits/rpc.js";
import type { CallContext, Frame } from "./frames.js";
import { framesOf } from "../../../test/support/frames.js";
import type { Owner } from "../../../test/support/server-process.js";
import { act, AFTER, BEFORE, count, PEER_METHODS } from "../../../test/threads/peer-methods.js";
import { Shared, type PeerData } from "../../../test/threads/shared.js";
import { AssertionError } from "../../base/assert.js";
import { Failure, RemoteFailure } from "../../base/result.js";
import { RpcClient, type RpcClientOptions } from "./client.js";
import { READY } from "../threads/push-messages.js";
import type { ReplyOf } from "./method.js";
import { openChannel, Port } from "./port.js";

const PEER = new URL("../../../test/threads/peer.js", import.meta.url);
const CONTEXT: CallContext = { actor: "someone", trace: "t1" };
const GONE = new Failure("UNAVAILABLE", "the other side has ended");

/** Starts the peer's thread without the loaders of the test runner, because loading them takes seconds. */
function startPeer(workerData: PeerData): Worker {
  return new Worker(PEER, { workerData, execArgv: [], env: {} });
}

type Acted = ReplyOf<typeof act>;

/** A client with its peer. `log` records the replies and push messages, in order. */
class Pair {
  readonly shared: Shared;
  readonly worker: Worker;
  readonly client: RpcClient;
  readonly pushes: string[] = [];
  readonly log: string[] = [];
  readonly outcomes = new Map<string, Acted | Failure>();

  constructor(t: Owner, options: Partial<RpcClientOptions> = {}, mailboxMax?: number) {
    this.shared = Shared.make(mailboxMax);
    this.worker = startPeer({ shared: this.shared.buffer });
    this.client = new RpcClient({
      methods: PEER_METHODS,
      clock: this.shared,
      pushMessages: [BEFORE, AFTER, READY],
      onPush: (name, payload) => this.log.push(`${name} ${String(payload)}`),
      ...options,
    });
    this.client.attach(this.worker);
    t.teardown(async () => {
      this.shared.open();
      await this.worker.terminate();
    });
  }

  /** Makes a call whose topic tells the peer how to respond. Records the outcome under the topic. */
  call(topic: string, deadlineMs = 1000, weight = 0): number {
    return this.client.call(
      act,
      { topic, padding: "x".repeat(weight) },
      CONTEXT,
      (reply) => {
        this.log.push(topic);
        this.outcomes.set(topic, reply);
      },
      deadlineMs,
    );
  }

  /** Makes a call like `call`, and returns its outcome. */
  async ask(topic: string): Promise<Acted | Failure> {
    return await this.client.request(act, { topic }, CONTEXT);
  }

  /**
   * Returns the calls that the peer has executed. The peer receives messages in order, so it has received all earlier
   * ones.
   */
  async executed(): Promise<string[]> {
    const reply = await this.ask("executed");
    if (reply instanceof Failure) throw new Error(reply.message);
    return reply.topics;
  }

  status(topic: string): string | undefined {
    const outcome = this.outcomes.get(topic);
    return outcome instanceof Failure ? outcome.status : outcome && "OK";
  }

  /** Starts a call that keeps the peer busy, so that all later calls wait. */
  async hold(): Promise<void> {
    this.call("hold");
    await this.shared.held();
  }
}

t.test("a call reaches the other side and its reply comes back", async (t) => {
  const pair = new Pair(t);
  const reply = await pair.ask("echo");
  t.match(reply, { topics: [] });
  const second = await pair.ask("executed");
  t.same(second, { topics: ["echo"], actor: "someone", trace: "t1" }, "actor and trace travel along");
  const refusal = await pair.ask("refuse");
  t.ok(refusal instanceof RemoteFailure, "a refusal of the other side is marked as such");
  t.match(refusal, {
    status: "FAILED_PRECONDITION",
    message: "precondition failed",
    members: { current_version: 3 },
    outcomeUnknown: false,
  });
  t.equal(pair.client.depth, 0);
  t.throws(() => pair.client.attach(pair.worker), AssertionError, "one port at a time");
});

t.test("a call that has not started before its deadline is not executed", async (t) => {
  const pair = new Pair(t);
  await pair.hold();
  pair.call("seen by the client", 100);
  pair.call("seen by the peer", 100);
  pair.call("in time", 101);
  pair.client.tick(99);
  pair.shared.timeMs = 101;
  pair.client.tick(100);
  t.equal(pair.client.depth, 4, "first the peer is asked for the outcome");
  pair.shared.open();
  t.same(await pair.executed(), ["hold", "in time"]);
  for (const topic of ["seen by the client", "seen by the peer"]) {
    t.match(pair.outcomes.get(topic), { status: "DEADLINE_EXCEEDED", outcomeUnknown: false }, `${topic}: not executed`);
  }
  t.equal(pair.status("in time"), "OK", "a call that starts at its deadline is in time");
});

t.test("the peer refuses overdue calls by itself", async (t) => {
  const pair = new Pair(t);
  await pair.hold();
  pair.call("late", 100);
  pair.shared.timeMs = 101;
  pair.shared.open();
  t.same(await pair.executed(), ["hold"], "without any tick of the client");
  t.match(pair.outcomes.get("late"), { status: "DEADLINE_EXCEEDED", outcomeUnknown: false });
});

t.test("a call that is never answered ends after its grace period with an unknown outcome", async (t) => {
  const pair = new Pair(t);
  pair.call("silent", 100);
  await pair.executed();
  pair.client.tick(100);
  pair.client.tick(100 + OUTCOME_GRACE_MS - 1);
  t.equal(pair.outcomes.size, 0);
  pair.client.tick(100 + OUTCOME_GRACE_MS);
  t.match(pair.outcomes.get("silent"), { status: "DEADLINE_EXCEEDED", outcomeUnknown: true });

  await pair.hold();
  pair.client.tick(1000 + OUTCOME_GRACE_MS);
  t.match(pair.outcomes.get("hold"), { status: "DEADLINE_EXCEEDED", outcomeUnknown: true });
  t.equal(pair.client.depth, 0);
  pair.shared.open();
  t.same(await pair.executed(), ["silent", "hold"], "it was executed after all");
  t.same(pair.log, ["ready null", "silent", "hold"], "and its late reply is dropped");
});

t.test("a cancelled call that still waits is never executed", async (t) => {
  const pair = new Pair(t);
  await pair.hold();
  const id = pair.call("cancelled");
  pair.call("kept");
  pair.client.cancel(id);
  pair.client.cancel(id);
  pair.client.cancel(12_345);
  t.equal(pair.client.depth, 2);
  pair.shared.open();
  t.same(await pair.executed(), ["hold", "kept"]);
  t.notOk(pair.outcomes.has("cancelled"), "its callback is not called");
  const late = pair.call("already executed");
  await pair.executed();
  pair.client.cancel(late);
  t.equal((await pair.executed()).at(-1), "already executed", "cancelling a finished call does nothing");
});

t.test("the calling side refuses calls when the mailbox is full", async (t) => {
  const pair = new Pair(t, { callsMax: 3, bytesMax: 100 });
  await pair.hold();
  t.ok(pair.call("heavy", 1000, 60) > 0);
  t.equal(pair.call("too heavy", 1000, 41), 0);
  t.match(pair.outcomes.get("too heavy"), { status: "RESOURCE_EXHAUSTED", outcomeUnknown: false }, "bytes");
  const fitting = pair.call("fitting", 1000, 40);
  t.equal(pair.call("one more"), 0);
  t.match(pair.outcomes.get("one more"), { status: "RESOURCE_EXHAUSTED" }, "calls");
  pair.client.cancel(fitting);
  t.ok(pair.call("in its place", 1000, 40) > 0, "a cancelled call makes room");
  pair.shared.open();
  while (pair.client.depth > 0) await new Promise((resolve) => setImmediate(resolve));
  t.same(await pair.executed(), ["hold", "heavy", "in its place"]);
  t.ok(pair.call("all again", 1000, 100) > 0, "an answered call makes room");
});

t.test("the serving side refuses calls when the mailbox is full", async (t) => {
  const pair = new Pair(t, {}, 4);
  await pair.hold();
  const topics = ["1", "2", "3", "4", "5", "6"];
  for (const topic of topics) pair.call(topic);
  pair.shared.open();
  while (pair.client.depth > 0) await new Promise((resolve) => setImmediate(resolve));
  t.same(
    topics.map((topic) => pair.status(topic)),
    ["OK", "OK", "OK", "OK", "RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED"],
  );
  t.same(await pair.executed(), ["hold", "1", "2", "3", "4"], "refused calls were not executed");
});

t.test("the other side crashes: everything in flight fails", async (t) => {
  const pair = new Pair(t);
  t.equal(await pair.ask("echo").then((reply) => reply instanceof Failure), false);
  const ended = new Promise((resolve) => pair.worker.once("exit", resolve));
  pair.worker.on("error", () => undefined);
  const first = pair.call("silent 1");
  pair.call("silent 2");
  const chunks = pair.client.stream(count, { prefix: "", limit: null }, CONTEXT);
  t.equal((await chunks.next()).value, "0");
  pair.call("crash");
  pair.call("never started");
  await ended;
  pair.client.detach(GONE, first);
  t.same(
    ["silent 1", "silent 2", "crash", "never started"].map((topic) => pair.status(topic)),
    Array.from({ length: 4 }, () => "UNAVAILABLE"),
  );
  t.match(
    pair.outcomes.get("silent 1"),
    { outcomeUnknown: true },
    "a call up to the committed id may have been executed",
  );
  t.match(pair.outcomes.get("silent 2"), { outcomeUnknown: false }, "a later one was not");
  let last: unknown;
  for await (const chunk of chunks) last = chunk;
  t.match(last, { status: "UNAVAILABLE" }, "an interrupted stream ends with the failure");
  t.equal(pair.client.attached, false);
  t.match(await pair.ask("no peer"), { status: "UNAVAILABLE" });
  t.equal(pair.client.depth, 0);

  const replacement = startPeer({ shared: pair.shared.buffer });
  t.teardown(() => replacement.terminate());
  pair.client.attach(replacement);
  t.same(await pair.executed(), [], "the next one serves");
});

t.test("a thousand calls in flight: replies and push messages come in the order sent", async (t) => {
  const pair = new Pair(t);
  await pair.hold();
  const expected = ["ready null", "hold"];
  for (let at = 0; at < 1000; at++) {
    const topic = at % 7 === 0 ? `push ${at}` : `echo ${at}`;
    pair.call(topic);
    expected.push(...(at % 7 === 0 ? [`before ${topic}`, topic, `after ${topic}`] : [topic]));
  }
  t.equal(pair.client.depth, 1001);
  pair.shared.open();
  const executed = await pair.executed();
  t.equal(executed.length, 1001);
  t.same(pair.log, expected);
  for (const outcome of pair.outcomes.values()) if (outcome instanceof Failure) t.fail(outcome.message);
  t.equal(pair.client.depth, 0);
});

t.test("a stream runs ahead of its reader by no more than its credit", async (t) => {
  const pair = new Pair(t);
  const chunks = pair.client.stream(count, { prefix: "", limit: null }, CONTEXT);
  const read: unknown[] = [];
  for (const stop of [1, 250, 1000]) {
    while (read.length < stop) read.push((await chunks.next()).value);
    await pair.executed();
    t.equal(pair.shared.produced, STREAM_CREDIT_CHUNKS + stop, `after ${stop} that were read`);
  }
  t.same(
    read,
    Array.from({ length: 1000 }, (_, at) => String(at)),
  );
  t.equal(pair.shared.ended, 0);
  await chunks.return(GONE);
  await pair.executed();
  t.equal(pair.shared.ended, 1, "a reader that stops ends the generator");
  t.equal(pair.client.depth, 0);
  const produced = pair.shared.produced;
  await pair.executed();
  t.equal(pair.shared.produced, produced, "no more chunks are produced");
});

t.test("a stream ends after its last chunk, a failed one with its failure", async (t) => {
  const pair = new Pair(t);
  const read = async (prefix: string, limit: number): Promise<unknown[]> => {
    const items: unknown[] = [];
    for await (const chunk of pair.client.stream(count, { prefix, limit }, CONTEXT)) items.push(chunk);
    return items;
  };
  t.same(await read("", 0), []);
  const many = STREAM_CREDIT_CHUNKS * 3 + 1;
  t.same(
    await read("", many),
    Array.from({ length: many }, (_, at) => String(at)),
  );
  const failed = await read("fail", 2);
  t.same(failed.slice(0, 2), ["0", "1"]);
  t.match(failed[2], { status: "NOT_FOUND", message: "no more", members: { at: 2 } });
  t.equal(failed.length, 3);
  t.equal(pair.shared.ended, 3, "the cleanup of each generator has run");
});

t.test("a stream that is cancelled while it waits never starts", async (t) => {
  const pair = new Pair(t);
  await pair.hold();
  const chunks = pair.client.stream(count, { prefix: "", limit: null }, CONTEXT, 100);
  const first = chunks.next();
  pair.shared.timeMs = 100;
  pair.client.tick(100);
  pair.shared.open();
  t.match((await first).value, { status: "DEADLINE_EXCEEDED" });
  t.match(await chunks.next(), { done: true });
  await pair.executed();
  t.equal(pair.shared.produced, 0);
});

t.test("a stream returns its reply, and a call carries its weight", async (t) => {
  const pair = new Pair(t);
  const chunks = pair.client.stream(count, { prefix: "", limit: 2 }, CONTEXT);
  t.same(
    [await chunks.next(), await chunks.next(), await chunks.next()],
    [
      { done: false, value: "0" },
      { done: false, value: "1" },
      { done: true, value: { counted: 2 } },
    ],
  );
  pair.call("weighed", 1000, 12_345);
  t.same(await pair.executed(), ["weighed 12345"]);
});

t.test("the frames of one event-loop tick travel as one message", async (t) => {
  const { near, far } = openChannel();
  t.teardown(() => {
    near.close();
    far.close();
  });
  const messages: Frame[][] = [];
  const arrived = new Promise<void>((resolve) => {
    far.on("message", (message) => {
      if (messages.push(framesOf(message)) === 3) resolve();
    });
  });
  const port = new Port(near, () => undefined);
  for (let id = 1; id <= 3; id++) port.send([1, id]);
  await new Promise((resolve) => setImmediate(resolve));
  port.send([1, 4]);
  port.flush();
  port.send([1, 5]);
  await arrived;
  t.same(
    messages,
    [
      [
        [1, 1],
        [1, 2],
        [1, 3],
      ],
      [[1, 4]],
      [[1, 5]],
    ],
    "at the end of the tick, or at a flush",
  );
  port.send([1, 6]);
  port.close();
  port.send([1, 7]);
  port.flush();
  t.equal(messages.length, 3, "a closed port sends nothing");
});
