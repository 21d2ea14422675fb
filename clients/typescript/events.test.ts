/** Tests events and subscriptions. clients/behaviours.json describes the expected behaviour. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mock } from "node:test";
import t, { type Test } from "tap";
import { behaviour } from "../../test/support/behaviours.js";
import { betweenLooks } from "../../test/support/between-looks.js";
import { readMetric } from "../../test/support/metrics.js";
import { ScriptedServer } from "../../test/support/scripted-server.js";
import { makeDirectory, startKoor } from "../../test/support/server-process.js";
import { connect, type Event, type LagNotice, TimeoutError, UnauthorizedError, UnavailableError } from "./client.js";
import { readEvents, type StreamEvent } from "./event-stream.js";

/** Reads this many events from a subscription. */
async function take(events: AsyncIterable<Event>, count: number): Promise<Event[]> {
  const taken: Event[] = [];
  for await (const event of events) if (taken.push(event) === count) break;
  return taken;
}

const message = (id: number): string => `id: ${id}\ndata: ${JSON.stringify({ id, topic: "a", data: null })}\n\n`;
const stream = (body: string) => ({ status: 200, headers: { "content-type": "text/event-stream" }, body });
const sinceOf = (address: string | undefined): string | null =>
  new URL(address ?? "", "http://localhost").searchParams.get("since");

await behaviour(t, "events-publish", async (t) => {
  const { url } = await startKoor(t);
  const { events } = connect({ url });
  const first = await events.publish("build.done", { ok: true }, { source: "ci" });
  t.match(first, { topic: "build.done", data: { ok: true }, source: "ci" });
  const both = await events.publish([{ topic: "a" }, { topic: "b", data: 1 }]);
  t.same(
    [first, ...both].map(({ topic }) => topic),
    ["build.done", "a", "b"],
  );
  t.ok((both[0]?.id ?? 0) > first.id && (both[1]?.id ?? 0) > (both[0]?.id ?? 0));
  t.match(await events.history({ after: first.id, topic: "b" }), [{ data: 1 }]);
});

await behaviour(t, "events-resume", async (t) => {
  const dataDir = makeDirectory(t);
  const first = await startKoor(t, { data_dir: dataDir });
  const client = connect({ url: first.url });
  const events = client.events.subscribe("job.*", { since: 0 })[Symbol.asyncIterator]();
  t.teardown(() => events.return());
  const got: unknown[] = [];
  const next = async (count: number): Promise<void> => {
    for (let taken = 0; taken < count; taken++) {
      const { value } = await events.next();
      if (value !== undefined) got.push(value.data);
    }
  };
  for (const n of [1, 2, 3]) await client.events.publish("job.done", n);
  await next(3);
  await first.stop("SIGKILL");
  const pending = next(3);
  const second = await startKoor(t, { data_dir: dataDir, args: ["--bind", `127.0.0.1:${first.port}`] });
  t.equal(second.port, first.port);
  for (const n of [4, 5, 6]) await client.events.publish("job.done", n);
  await pending;
  t.same(got, [1, 2, 3, 4, 5, 6]);
});

await behaviour(t, "events-resume-cut", async (t) => {
  const cut = message(6).slice(0, -1);
  const server = await ScriptedServer.start(t, [stream(message(5) + cut), stream(message(6) + message(7))]);
  const got = await take(connect({ url: server.url }).events.subscribe("", { since: 4 }), 3);
  t.same(
    got.map(({ id }) => id),
    [5, 6, 7],
  );
  t.same(
    server.requests.map(({ url }) => sinceOf(url)),
    ["4", "5"],
  );
});

await behaviour(t, "events-lag", async (t) => {
  const { url } = await startKoor(t);
  const client = connect({ url });
  const { id } = await client.events.publish("a", 1);
  const notices: LagNotice[] = [];
  const onLag = (notice: LagNotice): void => {
    notices.push(notice);
    void client.events.publish("a", 2);
  };
  const [event] = await take(client.events.subscribe("a", { since: 1000, onLag }), 1);
  t.same(notices, [{ type: "lagged", last_id: id }]);
  t.equal(event?.data, 2);
});

await behaviour(t, "events-dropped", async (t) => {
  const notice = { type: "dropped", count: 2, after_id: 1 };
  const gap = `event: dropped\ndata: ${JSON.stringify(notice)}\n\n`;
  const server = await ScriptedServer.start(t, [
    stream(`: subscribed\n\n${message(1)}${gap}${message(4)}`),
    stream([2, 3, 4].map(message).join("")),
  ]);
  const notices: LagNotice[] = [];
  const subscription = connect({ url: server.url }).events.subscribe("", {
    since: 0,
    onLag: (lag) => notices.push(lag),
  });
  t.same(
    (await take(subscription, 4)).map(({ id }) => id),
    [1, 2, 3, 4],
  );
  t.same(notices, [notice]);
  t.equal(sinceOf(server.requests[1]?.url), "1");
  t.equal(subscription.lastId, 4);
});

await behaviour(t, "events-end", async (t) => {
  const { url, port } = await startKoor(t);
  const client = connect({ url });
  await client.events.publish("a");
  await take(client.events.subscribe("a", { since: 0 }), 1);
  const ending = new AbortController();
  const aborted = (async (): Promise<void> => {
    for await (const event of client.events.subscribe("a", { since: 0, signal: ending.signal }))
      ending.abort(new Error(`after ${event.topic}`));
  })();
  await t.rejects(aborted, { message: "after a" });
  // The server notices the end of a connection a moment later.
  while ((await readMetric(port, "koor_subscribers")) > 0) await betweenLooks();
  t.pass("no subscriber is left");
});

t.test("without a position a subscription begins when it is ready", async (t) => {
  const { url } = await startKoor(t);
  const client = connect({ url });
  await client.events.publish("a", "before");
  const subscription = client.events.subscribe("a");
  await subscription.ready();
  await client.events.publish("a", "after");
  t.match(await take(subscription, 1), [{ data: "after" }]);
});

t.test("a refusal that another connection cannot help ends the subscription", async (t) => {
  const { url } = await startKoor(t, { args: ["--auth-token", "a-token-of-the-server"] });
  await t.rejects(take(connect({ url }).events.subscribe("a"), 1), UnauthorizedError);
  await t.rejects(take(connect({ url }).events.subscribe("a", { since: 0 }), 1), UnauthorizedError);
});

t.test("a subscription that has no server for too long fails", async (t) => {
  const server = await ScriptedServer.start(t, [{ status: 503, body: '{"error":"away","code":503}' }]);
  const { events } = connect({ url: server.url });
  await t.rejects(take(events.subscribe("a", { since: 0, timeoutMs: 300 }), 1), UnavailableError);
  t.ok(server.requests.length > 1, "it tried again");
  const silent = await ScriptedServer.start(t, ["silent"]);
  await t.rejects(connect({ url: silent.url }).events.subscribe("a", { timeoutMs: 100 }).ready(), TimeoutError);
});

t.test("a subscription leaves a node that is cut off from its cluster", async (t) => {
  mock.timers.enable({ apis: ["setInterval"] });
  t.teardown(() => mock.timers.reset());
  let streams = 0;
  const isolated = createServer(({ url }, response) => {
    if (url === "/health") {
      response.writeHead(503).end('{"status":"degraded","cluster":{"state":"halted"}}');
      return;
    }
    streams += 1;
    response.writeHead(200, { "content-type": "text/event-stream" }).write(message(1));
  });
  isolated.listen(0, "127.0.0.1");
  await once(isolated, "listening");
  t.teardown(() => {
    isolated.close();
    isolated.closeAllConnections();
  });
  const healthy = await ScriptedServer.start(t, [{ status: 200, body: '{"status":"ok"}' }, stream(message(2))]);
  const { port } = isolated.address() as AddressInfo;
  const client = connect({ url: [`http://127.0.0.1:${port}`, healthy.url] });
  const events = client.events.subscribe("a", { since: 0 })[Symbol.asyncIterator]();
  t.teardown(() => events.return());
  t.match(await events.next(), { value: { id: 1 } });
  const second = events.next();
  mock.timers.tick(5000);
  t.match(await second, { value: { id: 2 } });
  t.equal(streams, 1);
  t.equal(sinceOf(healthy.requests[1]?.url), "1");
});

/** Parses a stream that arrives in these pieces. Returns its events. */
async function parse(pieces: readonly string[]): Promise<StreamEvent[]> {
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
      controller.close();
    },
  });
  const events: StreamEvent[] = [];
  for await (const event of readEvents(body, () => undefined)) events.push(event);
  return events;
}

t.test("a stream is read the same however it is cut into pieces", async (t: Test) => {
  const text = `: hello\n\nid: 1\ndata: {"a":\ndata: 1}\n\nevent: lagged\nid:2\ndata:é\n\ndata: unfinished\n`;
  const expected = [
    { type: "message", data: '{"a":\n1}' },
    { type: "lagged", data: "é" },
  ];
  t.same(await parse([text]), expected);
  for (let at = 1; at < text.length; at++) {
    const got = await parse([text.slice(0, at), text.slice(at)]);
    if (JSON.stringify(got) !== JSON.stringify(expected)) t.same(got, expected, `cut at ${at}`);
  }
});
