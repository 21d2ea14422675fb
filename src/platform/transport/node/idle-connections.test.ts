import { once } from "node:events";
import { connect } from "node:net";
import t from "tap";
import { IDLE_CONNECTION_MS, REQUEST_TIMEOUT_MS } from "../../../../schemas/limits/connections.js";
import { must } from "../../../base/assert.js";
import { ConnectionLimit } from "../connection-limit.js";
import { headerBlock, type WireReply } from "../reply.js";
import { IdleConnections } from "./idle-connections.js";
import { nodeTransport } from "./port.js";

const SWEEP_MS = 2_000;
const ANSWER: WireReply = { status: 200, body: "1", headers: headerBlock([["Content-Type", "text/plain"]]) };

class PlayedConnection {
  answer: { writableFinished: boolean } | undefined = undefined;
  destroyed = false;

  destroy(): void {
    this.destroyed = true;
  }
}

function play(): { idle: IdleConnections<PlayedConnection>; connection: PlayedConnection; pass: (ms: number) => void } {
  const idle = new IdleConnections<PlayedConnection>(({ answer }) => answer);
  const connection = new PlayedConnection();
  idle.add(connection);
  let nowMs = 0;
  const pass = (ms: number): void => {
    for (const endMs = nowMs + ms; nowMs < endMs; nowMs += SWEEP_MS) idle.sweep(nowMs);
  };
  return { idle, connection, pass };
}

const LONG_MS = 2 * (IDLE_CONNECTION_MS + REQUEST_TIMEOUT_MS);

t.test("a connection is closed within a fixed time after its last answer has ended", (t) => {
  const { connection, pass } = play();
  connection.answer = { writableFinished: true };
  pass(IDLE_CONNECTION_MS + REQUEST_TIMEOUT_MS);
  t.notOk(connection.destroyed, "a request that started in time may still arrive");
  pass(2 * SWEEP_MS);
  t.ok(connection.destroyed);
  t.end();
});

t.test("an answer that is not finished, another one, and no answer at all keep the connection open", (t) => {
  const { connection, pass } = play();
  pass(LONG_MS);
  t.notOk(connection.destroyed, "Node bounds the time to the first request");
  connection.answer = { writableFinished: false };
  pass(LONG_MS);
  t.notOk(connection.destroyed, "a stream");
  connection.answer.writableFinished = true;
  for (let request = 0; request < 5; request++) {
    pass(IDLE_CONNECTION_MS);
    connection.answer = { writableFinished: true };
  }
  t.notOk(connection.destroyed, "requests");
  pass(LONG_MS);
  t.ok(connection.destroyed);
  t.end();
});

t.test("a connection that became a WebSocket stays open", (t) => {
  const { idle, connection, pass } = play();
  connection.answer = { writableFinished: true };
  pass(IDLE_CONNECTION_MS);
  idle.delete(connection);
  pass(LONG_MS);
  t.notOk(connection.destroyed);
  t.end();
});

t.test("a port checks its connections: empty lines keep none of them open", async (t) => {
  const sweeps: (() => void)[] = [];
  const { setInterval: real } = globalThis;
  t.teardown(() => Object.assign(globalThis, { setInterval: real }));
  let aheadMs = 0;
  const now = performance.now.bind(performance);
  t.intercept(performance, "now", { value: () => now() + aheadMs, configurable: true });
  Object.assign(globalThis, {
    setInterval: (sweep: () => void) => real(() => undefined, sweeps.push(sweep) * SWEEP_MS),
  });
  const port = nodeTransport.openPort({
    rows: [{ method: "GET", pattern: "/", serve: (exchange) => exchange.send(ANSWER) }],
    unrouted: (exchange) => exchange.send(ANSWER),
    connections: new ConnectionLimit(Number.POSITIVE_INFINITY),
  });
  t.teardown(() => port.close());
  const socket = connect({
    port: must(await port.listen({ host: "127.0.0.1", port: 0 }), "a port"),
    host: "127.0.0.1",
  });
  socket.on("error", () => undefined);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  for (let request = 0; request < 2; request++) {
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n\r\n");
    t.match(String(await once(socket, "data")), /^HTTP\/1\.1 200 /, "a connection in use stays open");
    for (const sweep of sweeps) sweep();
    aheadMs += IDLE_CONNECTION_MS;
    for (const sweep of sweeps) sweep();
  }
  socket.write("\r\n");
  aheadMs += IDLE_CONNECTION_MS;
  for (const sweep of sweeps) sweep();
  await closed;
});
