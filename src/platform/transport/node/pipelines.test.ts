import { once } from "node:events";
import { connect, type Socket } from "node:net";
import t, { type Test } from "tap";
import { REQUESTS_PER_TICK, REQUESTS_TICK_MS } from "../../../../schemas/limits/answers.js";
import { PIPELINED_WAITING_MAX } from "../../../../schemas/limits/connections.js";
import { must } from "../../../base/assert.js";
import { ConnectionLimit } from "../connection-limit.js";
import { headerBlock, type WireReply } from "../reply.js";
import type { Exchange } from "../transport.js";
import { RequestTurns } from "../request-turns.js";
import { Pipelines } from "./pipelines.js";
import { nodeTransport } from "./port.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const ANSWER: WireReply = { status: 200, body: "1", headers: headerBlock([["Content-Type", "text/plain"]]) };
const REQUEST = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

const nextTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function passTime(ms: number): void {
  for (const fromMs = performance.now(); performance.now() - fromMs <= ms; );
}

class PlayedConnection {
  destroyed = false;
  paused = false;

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }
}

/** Opens a port whose only row calls `serve`, and connects to it. */
async function open(t: Test, serve: (exchange: Exchange) => void): Promise<Socket> {
  const port = nodeTransport.openPort({
    rows: [{ method: "GET", pattern: "/", serve }],
    unrouted: (exchange) => exchange.send(ANSWER),
    connections: new ConnectionLimit(Number.POSITIVE_INFINITY),
  });
  t.teardown(() => port.close());
  const at = must(await port.listen({ host: "127.0.0.1", port: 0 }), "a port");
  const socket = connect({ port: at, host: "127.0.0.1" });
  t.teardown(() => socket.destroy());
  socket.setEncoding("latin1");
  await once(socket, "connect");
  return socket;
}

/** Reads until the client has received this many answers. */
function readAnswers(socket: Socket, count: number): Promise<void> {
  let text = "";
  return new Promise((resolve) => {
    socket.on("data", (more: string) => {
      text += more;
      if (text.split("HTTP/1.1 200 OK").length > count && text.endsWith("\r\n\r\n1")) resolve();
    });
  });
}

t.test("a connection with many waiting requests is not read until few are left", async (t) => {
  const pipelines = new Pipelines<PlayedConnection>(new RequestTurns());
  const connection = new PlayedConnection();
  const executed: number[] = [];
  for (let at = 1; at < PIPELINED_WAITING_MAX; at++) pipelines.enter(connection);
  await nextTick();
  t.notOk(connection.paused, "few");
  for (let at = 0; at < 3; at++) pipelines.enter(connection);
  t.notOk(connection.paused, "while Node parses, it resumes the socket with each request");
  await nextTick();
  t.ok(connection.paused, "many");
  for (let at = 0; at < 2; at++)
    pipelines.leave(
      connection,
      () => "",
      () => executed.push(at),
    );
  t.ok(connection.paused, "still many");
  pipelines.leave(
    connection,
    () => "",
    () => executed.push(2),
  );
  t.notOk(connection.paused, "few again");
  t.same(executed, [0, 1, 2]);
});

t.test("a connection whose requests were answered within the read is not paused", async (t) => {
  const pipelines = new Pipelines<PlayedConnection>(new RequestTurns());
  const connection = new PlayedConnection();
  for (let at = 0; at < PIPELINED_WAITING_MAX; at++) pipelines.enter(connection);
  pipelines.leave(
    connection,
    () => "",
    () => undefined,
  );
  await nextTick();
  t.notOk(connection.paused);
});

t.test("a tick executes many requests or takes its time, and leaves the others to the next one", async (t) => {
  const pipelines = new Pipelines<PlayedConnection>(new RequestTurns());
  const [greedy, other] = [new PlayedConnection(), new PlayedConnection()];
  const executed: string[] = [];
  for (let at = 0; at < REQUESTS_PER_TICK; at++)
    pipelines.leave(
      greedy,
      () => "greedy",
      () => executed.push("greedy"),
    );
  t.equal(executed.length, REQUESTS_PER_TICK);
  passTime(REQUESTS_TICK_MS);
  pipelines.leave(
    greedy,
    () => "greedy",
    () => executed.push("late"),
  );
  pipelines.leave(
    other,
    () => "other",
    () => executed.push("closed"),
  );
  t.equal(executed.length, REQUESTS_PER_TICK, "the tick is over");
  other.destroyed = true;
  await nextTick();
  t.same(executed.slice(REQUESTS_PER_TICK), ["late"], "a connection that closed meanwhile executes nothing");
});

t.test("over a port: slow requests of one read are executed in several ticks, all of them, in order", async (t) => {
  const queries: (string | undefined)[] = [];
  const perTick: number[] = [];
  let inTick = 0;
  const socket = await open(t, (exchange) => {
    if (inTick === 0) {
      setImmediate(() => {
        perTick.push(inTick);
        inTick = 0;
      });
    }
    inTick += 1;
    queries.push(exchange.query);
    passTime(2);
    exchange.send(ANSWER);
  });
  const count = 10 * REQUESTS_PER_TICK;
  const answered = readAnswers(socket, count);
  socket.write(Array.from({ length: count }, (_, at) => REQUEST.replace("/", `/?${at}`)).join(""));
  await answered;
  t.same(
    queries,
    Array.from({ length: count }, (_, at) => String(at)),
  );
  await nextTick();
  // The first request of a read need not wait for another request, so it is not limited.
  t.ok(Math.max(...perTick) <= REQUESTS_PER_TICK + 2, `at most ${Math.max(...perTick)} in one tick`);
});

t.test("over a port: requests behind one that is not answered are not read without end", async (t) => {
  const held: Exchange[] = [];
  const socket = await open(t, (exchange) => {
    if (exchange.query === "held") held.push(exchange);
    else exchange.send(ANSWER);
  });
  socket.write(REQUEST.replace("/", "/?held"));
  while (held.length === 0) await nextTick();
  // Together, the requests are larger than the buffers of the operating system.
  const request = REQUEST.replace("\r\n\r\n", `\r\nX-Fill: ${"x".repeat(8 * KIB)}\r\n\r\n`);
  let requests = 1;
  while (socket.write(request) || socket.writableLength < 8 * MIB) requests += 1;
  const answered = readAnswers(socket, 1 + requests);
  for (let tick = 0; tick < 200; tick++) await nextTick();
  t.ok(socket.writableLength > 0, "the client has to wait");
  for (const exchange of held) exchange.send(ANSWER);
  await answered;
  t.equal(socket.writableLength, 0);
});
