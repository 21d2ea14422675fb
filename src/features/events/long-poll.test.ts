/**
 * Tests how a long poll ends: with a result, after the timeout, when the client disconnects, and when the server shuts
 * down.
 */
import t from "tap";
import { FakeBroadcaster } from "../../../test/support/fake-broadcaster.js";
import { Failure, invalid } from "../../base/result.js";
import type { CommittedEvent } from "../../../schemas/events.js";
import { EventCounters } from "./counters.js";
import { Hub } from "./hub.js";
import { waitForEvents } from "./long-poll.js";
import { compilePattern } from "../../platform/topics/pattern.js";

/** A timeout that is longer than any test. So if an answer arrives during a test, the poll did not time out. */
const LONG_MS = 60_000;

function event(id: number, topic: string): CommittedEvent {
  return { id, topic, source: "", text: `{"id":${id}}` };
}

/** A poll for the pattern `a.*`, with its own hub. */
class Poll {
  readonly hub = new Hub(new FakeBroadcaster(), new EventCounters(), 0);
  readonly answer: Promise<string | Failure>;
  reads = 0;
  aborted: () => void = () => undefined;

  constructor(read: () => string | Failure | Promise<string | Failure>, waitMs = LONG_MS) {
    const pattern = compilePattern("a.*");
    if (pattern instanceof Failure) throw new Error(pattern.message);
    const answer = waitForEvents(
      this.hub,
      pattern,
      waitMs,
      () => {
        this.reads += 1;
        return Promise.resolve(read()).then((found) =>
          found instanceof Failure ? found : { text: found, reply: null },
        );
      },
      (listener) => {
        this.aborted = listener;
      },
    );
    this.answer = answer.then((found) => (found instanceof Failure ? found : found.text));
  }

  /** True if nothing of the poll is left in the hub. */
  get gone(): boolean {
    return this.hub.subscribers === 0 && this.hub.patterns === 0;
  }
}

function loopTick(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

t.test("an existing event is answered at once", async (t) => {
  const poll = new Poll(() => '[{"id":1}]');
  t.equal(poll.hub.subscribers, 1, "it listens before it reads: nothing falls between the two");
  t.equal(await poll.answer, '[{"id":1}]');
  t.ok(poll.gone);
  const refused = new Poll(() => Promise.resolve(invalid("malformed pattern")));
  t.match(await refused.answer, { status: "INVALID_ARGUMENT" }, "a refusal is an answer");
  t.ok(refused.gone);
});

t.test("a matching event ends the wait, with all events of its tick", async (t) => {
  let text = "[]";
  const poll = new Poll(() => text);
  await loopTick();
  t.equal(poll.reads, 1);
  poll.hub.fanOut([event(1, "b.x"), event(2, "a.x.y")]);
  await loopTick();
  t.equal(poll.reads, 1, "others are not even looked at");
  text = "[3,4,5]";
  poll.hub.fanOut([event(3, "a.x"), event(4, "a.y")]);
  poll.hub.fanOut([event(5, "a.z")]);
  t.equal(await poll.answer, "[3,4,5]");
  t.equal(poll.reads, 2, "read once");
  t.ok(poll.gone);
});

t.test("an event that another filter excludes does not end the wait", async (t) => {
  let text = "[]";
  const poll = new Poll(() => text);
  poll.hub.fanOut([event(1, "a.x")]);
  await loopTick();
  await loopTick();
  t.equal(poll.reads, 2);
  t.equal(poll.hub.subscribers, 1);
  text = "[2]";
  poll.hub.fanOut([event(2, "a.x")]);
  t.equal(await poll.answer, "[2]");
});

t.test("an event that arrives while the history is read is not missed", async (t) => {
  const answers: ((text: string) => void)[] = [];
  const poll = new Poll(() => new Promise((resolve) => answers.push(resolve)));
  poll.hub.fanOut([event(1, "a.x")]);
  await loopTick();
  t.equal(poll.reads, 1, "one read at a time");
  answers[0]?.("[]");
  await loopTick();
  t.equal(poll.reads, 2, "and another after it");
  answers[1]?.("[1]");
  t.equal(await poll.answer, "[1]");
});

t.test("the answer is empty after the timeout", async (t) => {
  const poll = new Poll(() => "[]", 1);
  t.equal(await poll.answer, "[]");
  t.ok(poll.gone);
  poll.hub.fanOut([event(1, "a.x")]);
  await loopTick();
  t.equal(poll.reads, 1, "nothing is read for it any more");
});

t.test("a disconnect and a shutdown end the wait", async (t) => {
  const abandoned = new Poll(() => "[]");
  abandoned.aborted();
  t.equal(await abandoned.answer, "[]");
  t.ok(abandoned.gone);
  abandoned.aborted();
  t.equal(abandoned.hub.subscribers, 0, "once is enough");

  let answerLate: (text: string) => void = () => undefined;
  const ended = new Poll(
    () =>
      new Promise((resolve) => {
        answerLate = resolve;
      }),
  );
  ended.hub.end();
  t.equal(await ended.answer, "[]");
  t.ok(ended.gone);
  answerLate("[1]");
  t.equal(await ended.answer, "[]", "a read that comes back later changes nothing");
});
