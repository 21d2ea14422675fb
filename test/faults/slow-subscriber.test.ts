/**
 * Tests subscribers that do not read, beside others that do. The healthy ones lose nothing; a slow one gets exactly
 * what its connection took, 64 more, and a notice in the place of the dropped events; the publisher is not slowed, and
 * memory stays bounded.
 */
import t, { type Test } from "tap";
import { PUBLISH_EVENTS_MAX, SUBSCRIBER_BUFFER_EVENTS_MAX } from "../../schemas/limits/events.js";
import { countRounds, sampleRows } from "../support/test-size.js";
import { send, sendJson } from "../support/http-client.js";
import { startKoor, type Koor } from "../support/server-process.js";
import { openSocket, openStream, type Dropped, type ReceivedEvent } from "../support/subscriber.js";
import { openSlowSocket, openSlowStream, type SlowClient } from "../support/slow-client.js";
import { betweenLooks } from "../support/between-looks.js";

/** So large that the system's buffers, some megabytes, are full after a few dozen. */
const FILLER = "x".repeat(100_000);
const MIB = 1024 * 1024;
/** Bursts of SUBSCRIBER_BUFFER_EVENTS_MAX events each: at least twice as many as a connection takes. */
const HEALTHY_ROUNDS = countRounds(10, 20);

const OPENERS = { "a WebSocket": openSlowSocket, "a stream": openSlowStream } as const;

async function publish(
  koor: Koor,
  events: readonly { readonly topic: string; readonly data?: unknown }[],
): Promise<number> {
  const answer = await sendJson(koor.port, "POST", "/api/events/publish", events);
  return answer.json<ReceivedEvent[]>().at(-1)?.id ?? 0;
}

interface Figures {
  readonly delivered: number;
  readonly dropped: number;
  readonly subscribers: number;
  readonly resident: number;
}

async function figures(koor: Koor): Promise<Figures> {
  const { text } = await send(koor.port, "GET", "/metrics");
  const figure = (name: string): number => Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1]);
  return {
    delivered: figure("koor_events_delivered_total"),
    dropped: figure("koor_events_dropped_total"),
    subscribers: figure("koor_subscribers"),
    resident: figure("process_resident_memory_bytes"),
  };
}

/** Returns the figures when the server has sent all it can: it sends in slices, between which it answers others. */
async function settledFigures(koor: Koor): Promise<Figures> {
  let last = await figures(koor);
  for (let same = 0; same < 10; ) {
    const next = await figures(koor);
    same = next.delivered === last.delivered && next.dropped === last.dropped ? same + 1 : 0;
    last = next;
  }
  return last;
}

/** Shortens events to their ids, and leaves notices. */
function short(items: readonly (ReceivedEvent | Dropped)[]): (number | Dropped)[] {
  return items.map((item) => ("id" in item ? item.id : item));
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

/**
 * Publishes until the only subscriber, which does not read, has backpressure. Returns how many events were sent to it.
 */
async function fillConnection(koor: Koor): Promise<number> {
  for (let delivered = 0; ; ) {
    const id = await publish(koor, [{ topic: "fill", data: FILLER }]);
    ({ delivered } = await settledFigures(koor));
    // This event waits in the buffer.
    if (delivered < id) return delivered;
  }
}

for (const [what, open] of sampleRows(Object.entries(OPENERS), 1)) {
  t.test(`${what} that does not read gets what its connection took, 64 more, and a notice`, async (t) => {
    const koor = await startKoor(t);
    const slow = await open(t, koor.port, "notices=1");
    const sent = await fillConnection(koor);
    t.ok(sent > 0, `its connection took ${sent} events`);
    let last = sent + 1;
    while (last < sent + SUBSCRIBER_BUFFER_EVENTS_MAX) last = await publish(koor, [{ topic: "held", data: last }]);
    t.match(await settledFigures(koor), { delivered: sent, dropped: 0 }, "64 events wait");
    last = await publish(koor, [{ topic: "dropped" }]);
    t.match(await settledFigures(koor), { delivered: sent, dropped: 1 }, "and no more");
    last = await publish(
      koor,
      Array.from({ length: PUBLISH_EVENTS_MAX }, () => ({ topic: "dropped" })),
    );
    const held = sent + SUBSCRIBER_BUFFER_EVENTS_MAX;
    t.match(await settledFigures(koor), { delivered: sent, dropped: 1 + PUBLISH_EVENTS_MAX });

    const reading = slow.readTo(last + 3);
    // Some events come while the last of the old ones are still being read.
    while ((await figures(koor)).delivered < held) await betweenLooks();
    const first = last + 1;
    last = await publish(koor, [{ topic: "after" }]);
    last = await publish(koor, [{ topic: "after" }, { topic: "after" }]);
    await reading;
    t.same(short(slow.items), [
      ...range(1, held),
      { type: "dropped", count: 1 + PUBLISH_EVENTS_MAX, after_id: held },
      ...range(first, last),
    ]);
    t.equal((await settledFigures(koor)).delivered, held + 3);
    slow.leave();
    while ((await figures(koor)).subscribers > 0) await betweenLooks();
    t.equal(await koor.stop(), 0);
  });

  t.test(`${what} that stops reading in the middle of a burst gets a notice of what was dropped`, async (t) => {
    const koor = await startKoor(t);
    const slow = await open(t, koor.port, "notices=1");
    // There are more than a connection takes, in one tick, and each is small enough to be sent together with others.
    const burst = Array.from({ length: PUBLISH_EVENTS_MAX }, () => ({ topic: "burst", data: "x".repeat(10_000) }));
    let last = await publish(koor, burst);
    const { delivered: sent, dropped } = await settledFigures(koor);
    const held = sent + SUBSCRIBER_BUFFER_EVENTS_MAX;
    t.ok(sent > 0 && held < PUBLISH_EVENTS_MAX, `its connection took ${sent} of ${PUBLISH_EVENTS_MAX}`);
    t.equal(dropped, PUBLISH_EVENTS_MAX - held);
    const reading = slow.readTo(last + 1);
    while ((await figures(koor)).delivered < held) await betweenLooks();
    last = await publish(koor, [{ topic: "after" }]);
    await reading;
    t.same(short(slow.items), [...range(1, held), { type: "dropped", count: dropped, after_id: held }, last]);
  });

  t.test(`${what} that replays more than its connection takes misses nothing while others publish`, async (t) => {
    const koor = await startKoor(t);
    const stored = await publish(
      koor,
      Array.from({ length: 90 }, () => ({ topic: "old", data: FILLER })),
    );
    const slow = await open(t, koor.port, "notices=1&since=0");
    while ((await figures(koor)).delivered === 0) await betweenLooks();
    const last = await publish(
      koor,
      Array.from({ length: 200 }, () => ({ topic: "new" })),
    );
    t.ok((await figures(koor)).delivered < stored, "it is still reading old events");
    await slow.readTo(last);
    const live = await publish(koor, [{ topic: "live" }]);
    await slow.readTo(live);
    t.same(short(slow.items), range(1, live), "it reads from history: nothing is missing, and nothing comes twice");
    t.equal((await settledFigures(koor)).dropped, 0);
  });

  t.test(`${what} without notices gets the same events`, async (t) => {
    const koor = await startKoor(t);
    const slow = await open(t, koor.port, "pattern=**");
    const sent = await fillConnection(koor);
    const held = sent + SUBSCRIBER_BUFFER_EVENTS_MAX;
    const last = await publish(
      koor,
      Array.from({ length: 500 }, () => ({ topic: "burst" })),
    );
    const reading = slow.readTo(last + 1);
    while ((await figures(koor)).delivered < held) await betweenLooks();
    await publish(koor, [{ topic: "after" }]);
    await reading;
    t.same(short(slow.items), [...range(1, held), last + 1]);
    t.equal((await settledFigures(koor)).dropped, last - held);
  });

  t.test(`${what} that reads now and then misses only what a notice says`, async (t) => {
    const koor = await startKoor(t, { args: ["--event-history", "0"] });
    const slow = await open(t, koor.port, "notices=1&pattern=a.*");
    const healthy = await openSocket(t, koor.port, "pattern=a.*");
    const rounds = 12;
    for (let round = 0; round < rounds; round++) {
      const events = Array.from({ length: 40 }, (_, at) => ({ topic: at % 4 === 0 ? "b.x" : "a.x", data: FILLER }));
      await healthy.untilId(await publish(koor, events));
      if (round % 3 === 2) await slow.readSome(5 * round);
    }
    const matching = rounds * 30;
    // The waiting events are read; the next one comes to a subscriber that keeps up.
    slow.resume();
    for (let settled = 0; settled < 2 * matching; ) {
      const { delivered, dropped } = await figures(koor);
      settled = delivered + dropped;
    }
    const last = await publish(koor, [{ topic: "a.end" }]);
    await slow.readTo(last);
    const all = short(await healthy.untilId(last)).filter((item) => typeof item === "number");
    t.equal(all.length, matching + 1, "the healthy one lost nothing");
    t.same(fillGaps(slow.items, all), all, "events and gaps together are all events, in order");
    const received = slow.items.reduce((sum, item) => sum + ("count" in item ? item.count : 0), 0);
    t.equal((await settledFigures(koor)).dropped, received, `${received} were dropped, as the notices say`);
    t.ok(received > 0);
  });
}

/** Returns the slow one's items with each gap replaced by the missing ids, so that a gap in the wrong place shows. */
function fillGaps(items: readonly (ReceivedEvent | Dropped)[], all: readonly number[]): (number | string)[] {
  const filled: (number | string)[] = [];
  for (const item of items) {
    if ("id" in item) {
      filled.push(item.id);
      continue;
    }
    const at = all.indexOf(item.after_id);
    if (filled.at(-1) !== item.after_id) filled.push(`a gap after ${item.after_id} stands after ${filled.at(-1)}`);
    filled.push(...all.slice(at + 1, at + 1 + item.count));
  }
  return filled;
}

async function checkHealthy(t: Test, koor: Koor, first: number): Promise<number> {
  const healthy = await Promise.all([
    openSocket(t, koor.port),
    openSocket(t, koor.port, "pattern=t"),
    openStream(t, koor.port),
  ]);
  const data = "x".repeat(30_000);
  let tookMs = 0;
  let last = 0;
  for (let round = 0; round < HEALTHY_ROUNDS; round++) {
    const fromMs = performance.now();
    // As many events as are held for each subscriber; this process reads only while the publisher waits.
    last = await publish(
      koor,
      Array.from({ length: SUBSCRIBER_BUFFER_EVENTS_MAX - 10 }, () => ({ topic: "t", data })),
    );
    for (let at = 0; at < 10; at++) last = await publish(koor, [{ topic: "t", data }]);
    tookMs += performance.now() - fromMs;
    await Promise.all(healthy.map((subscriber) => subscriber.untilId(last)));
  }
  for (const subscriber of healthy) {
    t.same(short(subscriber.received()), range(first, last), "nothing is missing, nothing comes twice");
    if ("socket" in subscriber) subscriber.socket.terminate();
    else subscriber.leave();
  }
  return tookMs;
}

t.test("twenty subscribers that never read slow no client down, and cost little memory", async (t) => {
  const koor = await startKoor(t);
  const aloneMs = await checkHealthy(t, koor, 1);
  const before = await figures(koor);
  const stalled: SlowClient[] = [];
  for (let at = 0; at < 20; at++)
    stalled.push(await (at % 4 === 3 ? openSlowStream : openSlowSocket)(t, koor.port, "notices=1"));
  const besideMs = await checkHealthy(t, koor, 1 + HEALTHY_ROUNDS * SUBSCRIBER_BUFFER_EVENTS_MAX);
  const after = await figures(koor);
  t.ok(after.dropped > 20 * HEALTHY_ROUNDS * 25, `${after.dropped} events were dropped for those that do not read`);
  // If they were kept, they would be twenty times thirty megabytes.
  t.ok(
    after.resident - before.resident < 200 * MIB,
    `memory grew by ${Math.round((after.resident - before.resident) / MIB)} MiB`,
  );
  t.ok(
    besideMs < 3 * aloneMs + 3000,
    `publishing took ${Math.round(aloneMs)} ms alone, ${Math.round(besideMs)} ms beside them`,
  );
  for (const client of stalled) client.leave();
  while ((await figures(koor)).subscribers > 0) await betweenLooks();
  t.equal(await koor.stop(), 0);
});

t.test("subscribers that never read do not delay the shutdown", async (t) => {
  const koor = await startKoor(t);
  for (const open of Object.values(OPENERS)) await open(t, koor.port, "");
  for (let at = 0; at < 3; at++)
    await publish(
      koor,
      Array.from({ length: 60 }, () => ({ topic: "t", data: FILLER })),
    );
  t.ok((await figures(koor)).dropped > 0);
  const fromMs = performance.now();
  t.equal(await koor.stop(), 0);
  t.ok(performance.now() - fromMs < 3000);
});
