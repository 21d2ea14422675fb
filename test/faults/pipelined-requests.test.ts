/**
 * Tests clients that send requests without reading the answers, or more requests than a server answers in one go: what
 * waits for them is bounded, other clients are served, and answers that are read in the end are whole. Against a real
 * server.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import t from "tap";
import { must } from "../../src/base/assert.js";
import { parseExposition } from "../support/exposition.js";
import { send } from "../support/http-client.js";
import { countInFlight } from "../support/metrics.js";
import { startKoor, type Owner } from "../support/server-process.js";

const MIB = 2 ** 20;
/** Short enough that its answer does not count as a held one. */
const VALUE = "x".repeat(250_000);
const CONNECTIONS = 20;
const REQUESTS = 200;
/** The answers to so many requests are more than the buffers of a socket hold. */
const ASKED_MAX = 60;
/** All answers together are 950 MiB. */
const RESIDENT_BYTES_MAX = 400 * MIB;

async function residentBytes(port: number): Promise<number> {
  const families = parseExposition((await send(port, "GET", "/metrics")).text);
  return must(families.get("process_resident_memory_bytes")?.samples[0]?.value, "it is exposed");
}

/** Sends bytes on a connection of its own, and reads nothing. */
async function sendUnread(t: Owner, port: number, bytes: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1").pause();
  t.teardown(() => {
    socket.destroy();
  });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
  return socket;
}

function requestOf(path: string, lines = "", method = "GET"): string {
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`;
}

/** Reads to the end of the connection. */
async function readAll(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("latin1").on("data", (piece: string) => {
    text += piece;
  });
  socket.resume();
  if (!socket.destroyed) await once(socket, "close");
  return text;
}

t.test("answers to pipelined requests that are not read take bounded memory", async (t) => {
  const { port } = await startKoor(t);
  await send(port, "PUT", "/api/state/a", { body: VALUE });
  for (let at = 0; at < CONNECTIONS; at++) await sendUnread(t, port, requestOf("/api/state/a").repeat(REQUESTS));
  t.equal((await send(port, "GET", "/health")).status, 200, "other clients are served");
  const resident = await residentBytes(port);
  t.ok(resident < RESIDENT_BYTES_MAX, `${Math.round(resident / MIB)} MiB`);
});

/**
 * Sends requests one at a time, and reads no answer, until the socket takes no more. Over uWebSockets.js one answer
 * then waits; Node reads no further request by itself.
 */
async function askUnread(t: Owner, port: number) {
  await send(port, "PUT", "/api/state/a", { body: VALUE });
  const socket = await sendUnread(t, port, "");
  let asked = 0;
  const ask = async (): Promise<number> => {
    asked += 1;
    await new Promise<void>((resolve) => socket.write(requestOf("/api/state/a"), () => resolve()));
    // The server may answer the first call in the turn of its event loop in which it then reads the request.
    await countInFlight(port);
    return countInFlight(port);
  };
  let waiting = 0;
  for (let at = 0; at < ASKED_MAX && waiting === 0; at++) waiting = await ask();
  /** Reads until all answers are whole, or the connection ends. */
  const read = async (): Promise<readonly string[]> => {
    let text = "";
    let answers: readonly string[] = [];
    await new Promise<void>((resolve) => {
      socket
        .setEncoding("latin1")
        .on("data", (piece: string) => {
          text += piece;
          answers = text.split(/(?=HTTP\/1\.1 \d{3} )/);
          if (answers.length === asked && isWhole(answers.at(-1))) resolve();
        })
        .once("close", () => resolve())
        .resume();
    });
    return answers;
  };
  return { socket, ask, read, asked: () => asked, waiting };
}

function isWhole(answer = ""): boolean {
  return answer.endsWith(`\r\n\r\n${VALUE}`);
}

t.test("answers that are read late are whole", async (t) => {
  const { port } = await startKoor(t);
  const { socket, read, asked } = await askUnread(t, port);
  t.ok(asked() > 1, `${asked()} requests`);
  const answers = await read();
  t.equal(answers.length, asked());
  for (const [at, answer] of answers.entries()) t.ok(isWhole(answer), `answer ${at + 1}: ${answer.length} characters`);
  t.equal(socket.closed, false);
  socket.removeAllListeners("data");
  const next = readAll(socket);
  socket.write(requestOf("/health", "Connection: close\r\n"));
  t.match(await next, /^HTTP\/1\.1 200 .*"status":"ok"/s, "the connection can be used again");
});

t.test("a request that is sent while an answer waits cuts off this answer at most", async (t) => {
  const { port } = await startKoor(t);
  const { socket, ask, read, asked, waiting } = await askUnread(t, port);
  const before = asked();
  await ask();
  const answers = await read();
  const whole = waiting === 0 ? asked() : before - 1;
  for (let at = 0; at < whole; at++) t.ok(isWhole(answers[at]), `answer ${at + 1}`);
  if (waiting === 0) return;
  if (!socket.closed) await once(socket, "close");
  t.equal(answers.length, before, "the last request is not answered");
  t.match(answers.at(-1), new RegExp(`^content-length: ${VALUE.length}\r$`, "im"), "a client sees what is missing");
  t.notOk(isWhole(answers.at(-1)));
});

t.test("pipelined requests of all kinds are answered in order", async (t) => {
  const { port } = await startKoor(t);
  await send(port, "PUT", "/api/state/a", { body: VALUE });
  const etag = String((await send(port, "HEAD", "/api/state/a")).headers.etag);
  const kinds = [
    requestOf("/api/state/a"),
    requestOf("/api/state/a", "", "HEAD"),
    requestOf("/api/state/a", `If-None-Match: ${etag}\r\n`),
    requestOf("/api/state/none"),
    requestOf("/health", "Connection: close\r\n"),
  ];
  const text = await readAll(await sendUnread(t, port, kinds.join("")));
  const answers = text.split(/(?=HTTP\/1\.1 \d{3} )/);
  t.same(
    answers.map((answer) => answer.slice(9, 12)),
    ["200", "200", "304", "404", "200"],
  );
  for (const [at, bytes] of [VALUE.length, 0, 0].entries()) {
    const [head = "", body = ""] = (answers[at] ?? "").split("\r\n\r\n");
    t.match(head, new RegExp(`^content-length: ${VALUE.length}$`, "im"), "each answer has the length of the value");
    t.equal(body.length, bytes);
  }
});

t.test("a request that follows one that ends the connection does not run", async (t) => {
  const { port } = await startKoor(t);
  for (const value of ["close", "Close", "close, te", "keep-alive, close"]) {
    const write = `${requestOf("/api/state/behind", "Content-Length: 1\r\n", "PUT")}1`;
    const socket = await sendUnread(t, port, requestOf("/health", `Connection: ${value}\r\n`) + write);
    const text = await readAll(socket);
    t.notMatch(text, /HTTP\/1\.1 2\d\d .*HTTP\/1\.1 2\d\d /s, `${value}: at most the first is answered`);
    t.equal((await send(port, "GET", "/api/state/behind")).status, 404, `${value}: nothing is stored`);
    const alone = await sendUnread(t, port, requestOf("/health", `Connection: ${value}\r\n`));
    t.match(
      await readAll(alone),
      /^HTTP\/1\.1 200 .*^connection: close$.*"status":"ok"/ims,
      `${value}: the answer alone`,
    );
  }
});
