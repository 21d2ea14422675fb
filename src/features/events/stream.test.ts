/** Tests the format of Server-Sent Events, and the comments that keep an idle stream alive. */
import { setImmediate as loopTick } from "node:timers/promises";
import t from "tap";
import { SSE_COMMENT_INTERVAL_MS, SSE_COMMENTS_PER_TICK } from "../../../schemas/limits/events.js";
import { FakeBroadcaster } from "../../../test/support/fake-broadcaster.js";
import { Failure } from "../../base/result.js";
import { WriteBuffer } from "../../platform/store/write-buffer.js";
import { migrate } from "../../platform/store/migrate.js";
import { EventCounters } from "./counters.js";
import { Hub } from "./hub.js";
import { ReplayPages } from "./replay-pages.js";
import { compilePattern } from "../../platform/topics/pattern.js";
import type { FeedSources } from "./feed.js";
import { SendingTurns } from "./sending-turns.js";
import { Streams } from "./stream.js";
import { EventAppender, EventReader } from "./table.js";
import { RecordingSink } from "../../../test/support/recording-sink.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import { openDatabase } from "../../platform/store/sqlite/choice.js";

const COMMENT = ": still here\n\n";

function openStream(
  t: { teardown(done: () => void): void },
  since: number | null = null,
  readBarrier: FeedSources["readBarrier"] = null,
) {
  const db = openDatabase(":memory:");
  t.teardown(() => db.close());
  migrate(db);
  const counters = new EventCounters();
  const hub = new Hub(new FakeBroadcaster(), counters, 0, new SendingTurns({ now: () => 0 }));
  const log = quietLog();
  const history = new EventReader(db);
  const pages = new ReplayPages(history, hub.turns);
  const streams = new Streams({ hub, counters, history, pages, log, readBarrier }, { now: () => 0 });
  const pattern = compilePattern("a");
  if (pattern instanceof Failure) throw new Error(pattern.message);
  const sink = new RecordingSink();
  streams.open(sink, { pattern, since, notices: false });
  const rows = new WriteBuffer(db);
  const appender = new EventAppender(db, rows);
  const publish = (topic: string): void => {
    const event = appender.append(topic, "1", "", 0);
    rows.write();
    hub.fanOut([event]);
  };
  return { hub, streams, sink, publish };
}

t.test("a subscriber gets a frame at once when it connects, then each event as a frame", (t) => {
  const { sink, publish, hub } = openStream(t);
  t.equal(sink.written.length, 1);
  t.match(sink.written[0], /^:.*\n\n$/, "a comment, which clients pass over");
  publish("a");
  publish("b");
  publish("a");
  t.same(
    sink.written.slice(1),
    [1, 3].map(
      (id) =>
        `id: ${id}\ndata: {"id":${id},"topic":"a","data":1,"source":"","created_at":"1970-01-01T00:00:00.000Z"}\n\n`,
    ),
  );
  t.equal(hub.subscribers, 1);
  sink.end();
  t.equal(hub.subscribers, 0);
  publish("a");
  t.equal(sink.written.length, 3, "a disconnected subscriber gets nothing");
  t.end();
});

t.test("a comment is sent when it is due, and not earlier", (t) => {
  const { sink, streams } = openStream(t);
  const comments = (): number => sink.written.filter((text) => text === COMMENT).length;
  streams.tick(SSE_COMMENT_INTERVAL_MS - 1);
  t.equal(comments(), 0);
  streams.tick(SSE_COMMENT_INTERVAL_MS);
  t.equal(comments(), 1);
  streams.tick(2 * SSE_COMMENT_INTERVAL_MS - 1);
  t.equal(comments(), 1);
  streams.tick(2 * SSE_COMMENT_INTERVAL_MS);
  t.equal(comments(), 2);
  sink.end();
  streams.tick(9 * SSE_COMMENT_INTERVAL_MS);
  t.equal(comments(), 2, "not to a disconnected subscriber");
  t.end();
});

t.test("comments that are due together are sent a few at a time", (t) => {
  const { streams } = openStream(t);
  const pattern = compilePattern("a");
  if (pattern instanceof Failure) throw new Error(pattern.message);
  const sinks = Array.from({ length: 2 * SSE_COMMENTS_PER_TICK }, () => new RecordingSink());
  for (const sink of sinks) streams.open(sink, { pattern, since: null, notices: false });
  const commented = (): number => sinks.filter(({ written }) => written.includes(COMMENT)).length;
  streams.tick(SSE_COMMENT_INTERVAL_MS);
  t.equal(commented(), SSE_COMMENTS_PER_TICK - 1, "and one for the first stream");
  streams.tick(SSE_COMMENT_INTERVAL_MS);
  streams.tick(SSE_COMMENT_INTERVAL_MS);
  t.equal(commented(), sinks.length);
  streams.end();
  t.end();
});

t.test("a slow socket gets no comment in addition", (t) => {
  const { sink, streams, publish } = openStream(t);
  sink.takes = false;
  publish("a");
  streams.tick(SSE_COMMENT_INTERVAL_MS);
  t.notOk(sink.written.includes(COMMENT));
  sink.drain();
  streams.tick(SSE_COMMENT_INTERVAL_MS + 1);
  t.ok(sink.written.includes(COMMENT));
  t.end();
});

t.test("the shutdown of the server ends every stream", (t) => {
  const { sink, streams } = openStream(t);
  streams.end();
  t.ok(sink.ended);
  t.end();
});

/** Returns the ids of the events that were written. */
function idsOf({ written }: RecordingSink): (string | undefined)[] {
  const events = written.slice(1).filter((text) => !text.startsWith("event: lagged"));
  return events.flatMap((text) => [...text.matchAll(/^id: (\d+)/gm)].map(([, id]) => id));
}

t.test("a subscriber that comes from a node that is ahead does not get its events twice", async (t) => {
  let passBarrier = (): void => undefined;
  const { sink, publish } = openStream(t, 2, (done) => {
    passBarrier = done;
  });
  await loopTick();
  for (const topic of ["a", "a", "a"]) publish(topic);
  t.same(idsOf(sink), ["3"]);
  passBarrier();
  publish("a");
  t.same(idsOf(sink), ["3", "4"]);

  const single = openStream(t, 2);
  await loopTick();
  for (const topic of ["a", "a", "a"]) single.publish(topic);
  t.same(idsOf(single.sink), ["1", "2", "3"], "a single server has no events of other nodes");
});

t.test("a subscriber that is ahead of all nodes gets every event since it connected", async (t) => {
  let passBarrier = (): void => undefined;
  const { sink, publish, streams } = openStream(t, 1_000, (done) => {
    passBarrier = done;
  });
  await loopTick();
  publish("a");
  publish("b");
  publish("a");
  t.same(idsOf(sink), [], "another node may have sent them");
  passBarrier();
  await loopTick();
  t.same(idsOf(sink), ["1", "3"]);
  publish("a");
  t.same(idsOf(sink), ["1", "3", "4"]);
  passBarrier();
  await loopTick();
  t.same(idsOf(sink), ["1", "3", "4"], "once");
  streams.end();
});

t.test("a subscriber that is ahead of the newest event is told so, and continues from the newest", async (t) => {
  const { sink, publish } = openStream(t, 5);
  t.same(sink.written.slice(1), ['event: lagged\nid: 0\ndata: {"type":"lagged","last_id":0}\n\n']);
  await loopTick();
  publish("a");
  t.match(sink.written[2], /^id: 1\n/);
  sink.end();
});
