/**
 * Tests the cursors of batches, without threads. Checks which tasks a thread may start, and which tasks the front
 * reclaims.
 */
import t from "tap";
import { CALLS_TOGETHER_MAX } from "../../../schemas/limits/rpc.js";
import { BatchCursors } from "./pool-messages.js";

/** Creates two views of the same cursors. The front uses one of them, a thread the other one. */
function makeCursors(): { readonly front: BatchCursors; readonly thread: BatchCursors } {
  const front = BatchCursors.make(2);
  return { front, thread: new BatchCursors(front.memory) };
}

t.test("the front sees which task a thread runs, and reclaims the others", (t) => {
  const { front, thread } = makeCursors();
  const batch = front.reset(1);
  t.equal(front.sinceMs(1, batch), undefined, "no task was started");
  t.equal(thread.start(1, batch, 0), true);
  t.equal(thread.start(1, batch, 1), true);
  t.type(front.sinceMs(1, batch), "number");
  t.equal(front.reclaim(1, batch), 1);
  t.equal(thread.start(1, batch, 2), false, "a reclaimed task does not start");
  t.end();
});

t.test("all tasks of the largest batch start", (t) => {
  const { front, thread } = makeCursors();
  const batch = front.reset(0);
  for (let at = 0; at < CALLS_TOGETHER_MAX; at++) t.equal(thread.start(0, batch, at), true);
  t.equal(front.reclaim(0, batch), CALLS_TOGETHER_MAX - 1);
  t.end();
});

t.test("a batch that no thread has started gives back its first task", (t) => {
  const { front, thread } = makeCursors();
  const batch = front.reset(0);
  t.equal(front.reclaim(0, batch), 0);
  t.equal(thread.start(0, batch, 0), false);
  t.end();
});

t.test("a thread that is being ended starts no task in the next batch of its cell", (t) => {
  const { front, thread } = makeCursors();
  const ended = front.reset(0);
  t.equal(thread.start(0, ended, 0), true);
  const next = front.reset(0);
  t.equal(thread.start(0, next, 0), true);
  t.equal(thread.start(0, ended, 1), false);
  t.equal(front.reclaim(0, next), 0, "and does not advance it");
  t.end();
});
