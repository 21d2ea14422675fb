/**
 * Tests floods of tiny pieces: frames of a WebSocket client, and chunks of a body. Each piece costs a call, so a client
 * that sends too many is refused soon, however many arrive in one read. A well-behaved client never is.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import t, { type Test } from "tap";
import { SUBSCRIBER_FRAMES_PER_SECOND_MAX, SUBSCRIBER_MESSAGE_BYTES_MAX } from "../schemas/limits/events.js";
import { CHUNK_BYTES_MIN, SMALL_CHUNKS_MAX } from "../schemas/limits/request-bodies.js";
import { closeOf, dial, MALFORMED, send } from "./support/http-client.js";
import { countInFlight } from "./support/metrics.js";
import { startKoor } from "./support/server-process.js";
import { TRANSPORT } from "./support/variant.js";
import { MessageReader, OPCODE_CLOSE, type SocketMessage } from "./support/websocket-messages.js";
import { betweenLooks } from "./support/between-looks.js";

const OPCODE_PONG = 10;
const POLICY = 1008;
/** Empty masked frames of each kind. */
const FRAMES = { text: 0x81, binary: 0x82, ping: 0x89, pong: 0x8a };
const UPGRADE =
  "GET /api/events/subscribe?pattern=none HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const TINY_CHUNK = "1\r\na\r\n";
const LAST_CHUNK = "0\r\n\r\n";
const HIDDEN = "DELETE /api/state/victim HTTP/1.1\r\nHost: localhost\r\n\r\n";
/** More chunks than are allowed, in one block. */
const FLOOD = TINY_CHUNK.repeat(50_000);

const koor = await startKoor(t);
const { port } = koor;

interface Client {
  readonly socket: Socket;
  readonly frames: SocketMessage[];
  /** Resolves at the close frame to its code and reason. */
  readonly closed: Promise<readonly [code: number, reason: string]>;
}

async function subscribe(t: Test): Promise<Client> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  t.teardown(() => void socket.destroy());
  socket.on("error", () => undefined).write(UPGRADE);
  const [head] = (await once(socket, "data")) as [Buffer];
  if (!head.toString("latin1").startsWith("HTTP/1.1 101 ")) throw new Error("no upgrade");
  const frames: SocketMessage[] = [];
  const closed = new Promise<readonly [number, string]>((resolve, reject) => {
    const reader = new MessageReader((message) => {
      frames.push(message);
      const { opcode, payload } = message;
      if (opcode === OPCODE_CLOSE) resolve([payload.readUInt16BE(0), payload.toString("utf8", 2)]);
    });
    socket.on("data", (chunk: Buffer) => reader.read(chunk));
    socket.once("close", () => reject(new Error("cut without a close frame")));
  });
  closed.catch(() => undefined);
  return { socket, frames, closed };
}

function frame(first: number, payload = 0): Buffer {
  if (payload < 126) return Buffer.concat([Buffer.from([first, 0x80 | payload, 0, 0, 0, 0]), Buffer.alloc(payload)]);
  const head = Buffer.from([first, 0x80 | 126, payload >> 8, payload & 0xff, 0, 0, 0, 0]);
  return Buffer.concat([head, Buffer.alloc(payload)]);
}

function repeat(bytes: Buffer, count: number): Buffer {
  return Buffer.alloc(bytes.byteLength * count, bytes);
}

for (const [kind, first] of Object.entries(FRAMES)) {
  t.test(`frames beyond the limit of a second close the socket: ${kind}`, async (t) => {
    const { socket, closed } = await subscribe(t);
    socket.write(repeat(frame(first), SUBSCRIBER_FRAMES_PER_SECOND_MAX + 1));
    const [code, reason] = await closed;
    t.equal(code, POLICY);
    t.match(reason, `more than ${SUBSCRIBER_FRAMES_PER_SECOND_MAX} frames`);
  });
}

t.test("the frame over the limit is the last that is read, also of those in the same read", async (t) => {
  const { socket, frames, closed } = await subscribe(t);
  socket.write(repeat(frame(FRAMES.ping), 10_000));
  t.equal((await closed)[0], POLICY);
  const pongs = frames.filter(({ opcode }) => opcode === OPCODE_PONG).length;
  t.ok(pongs >= SUBSCRIBER_FRAMES_PER_SECOND_MAX && pongs <= SUBSCRIBER_FRAMES_PER_SECOND_MAX + 1, `${pongs} pongs`);
});

t.test("frames within the limit are answered, the largest messages included", async (t) => {
  const { socket, frames } = await subscribe(t);
  const half = SUBSCRIBER_FRAMES_PER_SECOND_MAX / 2;
  socket.write(repeat(frame(FRAMES.binary, SUBSCRIBER_MESSAGE_BYTES_MAX), half));
  socket.write(repeat(frame(FRAMES.ping), half));
  while (frames.length < half) await once(socket, "data");
  t.ok(frames.every(({ opcode }) => opcode === OPCODE_PONG));
  t.equal(frames.length, half);
});

/** Sends bytes and returns what comes back until the connection ends. After a refusal a 503 may come for a while. */
async function converse(t: Test, bytes: string): Promise<string> {
  for (;;) {
    const text = await converseOnce(t, bytes);
    if (!text.startsWith("HTTP/1.1 503 ")) return text;
  }
}

async function converseOnce(t: Test, bytes: string): Promise<string> {
  const socket = await dial(t, port);
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
  });
  socket.on("error", () => undefined).write(bytes);
  await closeOf(socket);
  return text;
}

function chunked(line: string, ...headers: string[]): string {
  return [`${line} HTTP/1.1`, "Host: localhost", "Transfer-Encoding: chunked", ...headers, "", ""].join("\r\n");
}

/** The wait of a long poll, in s. Over Node's transport, its body is read only after the answer. */
const POLL_WAIT_S = TRANSPORT === "uws" ? 60 : 1;
/** Routes with a body, without one, with a streamed one, with a body that is thrown away, and none. */
const LINES = [
  "PUT /api/state/flooded",
  "GET /health",
  "GET /api/state/victim",
  "HEAD /api/state/victim",
  "GET /api/events/stream",
  `GET /api/events/history?wait=${POLL_WAIT_S}`,
  "POST /api/restore",
  "POST /mcp",
  "POST /nowhere",
];

for (const line of LINES) {
  t.test(`a body of tiny chunks is refused, and the connection closed: ${line}`, async (t) => {
    const text = await converse(t, chunked(line, "Content-Type: application/json") + FLOOD);
    // A route that does not exist need not read the body.
    if (line === "POST /nowhere") t.match(text, /^HTTP\/1\.1 40[04] /);
    else t.match(text, MALFORMED);
    t.match(text, /\r\nconnection: close\r\n/i);
    if (MALFORMED.test(text) && !line.startsWith("HEAD"))
      t.match(JSON.parse(text.slice(text.indexOf("\r\n\r\n"))), {
        error: new RegExp(`${CHUNK_BYTES_MIN} bytes`),
        code: 400,
      });
    t.equal(text.match(/HTTP\/1\.1/g)?.length, 1, "one answer");
  });
}

t.test("nothing was stored, and no refused request is in flight", async (t) => {
  t.equal((await send(port, "GET", "/api/state/flooded")).status, 404);
  // A refused event stream ends when its connection does.
  while ((await countInFlight(port)) > 0) await betweenLooks();
});

t.test("after a refusal the address waits with bodies in chunks, and only with those", async (t) => {
  // The test waits for the end of the connection, which Node's transport keeps for a minute.
  const body = chunked("PUT /api/state/waits", "Connection: close") + `1\r\n1\r\n${LAST_CHUNK}`;
  await converse(t, chunked("GET /health") + FLOOD);
  const refusal = await converseOnce(t, body);
  // Over Node's transport no chunk arrives after the refusal.
  if (TRANSPORT === "uws") {
    t.match(refusal, /^HTTP\/1\.1 503 /);
    t.match(refusal, /Content-Length/);
  }
  t.equal((await send(port, "PUT", "/api/state/waits", { body: "1" })).status, 200);
  t.match(await converse(t, body), /^HTTP\/1\.1 200 /);
});

t.test("chunks are counted until the refusal", async (t) => {
  const free = SMALL_CHUNKS_MAX;
  for (const [count, size, status] of [
    [1_000, 1, 200],
    [free, 1, 200],
    [free + free / 32, 1, 400],
    [4 * free, CHUNK_BYTES_MIN, 200],
    [3 * free, CHUNK_BYTES_MIN / 2, 400],
    [free, 300, 200],
  ] as const) {
    const body = `${size.toString(16)}\r\n${"a".repeat(size)}\r\n`.repeat(count) + LAST_CHUNK;
    const text = await converse(t, chunked("PUT /api/state/counted", "Connection: close") + body);
    t.match(text, new RegExp(`^HTTP/1\\.1 ${status} `), `${count} chunks of ${size} bytes`);
  }
});

t.test("nothing runs behind a refused body, in the same read or later", async (t) => {
  await send(port, "PUT", "/api/state/victim", { body: "1" });
  for (const line of LINES)
    for (const end of [LAST_CHUNK, "g\r\n\r\n", "\r\n"]) {
      const text = await converse(t, chunked(line) + TINY_CHUNK.repeat(2 * SMALL_CHUNKS_MAX) + end + HIDDEN + HIDDEN);
      t.notMatch(text, "deleted");
    }
  t.equal((await send(port, "GET", "/api/state/victim")).status, 200);
});

t.test("requests of other connections are answered meanwhile", async (t) => {
  const floods = Array.from({ length: 20 }, () => converseOnce(t, chunked("GET /health") + FLOOD));
  const others = Array.from({ length: 200 }, (_, at) => send(port, "PUT", `/api/state/other-${at}`, { body: "1" }));
  for (const text of await Promise.all(floods)) t.match(text, /^HTTP\/1\.1 (400|503) /);
  for (const { status } of await Promise.all(others)) if (status !== 200) t.fail(`answered ${status}`);
});
