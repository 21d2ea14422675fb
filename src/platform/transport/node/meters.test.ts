/** Tests that the port limits tiny chunks of bodies, and small WebSocket frames. */
import { once } from "node:events";
import { connect } from "node:net";
import t, { type Test } from "tap";
import { SUBSCRIBER_FRAMES_PER_SECOND_MAX } from "../../../../schemas/limits/events.js";
import { CHUNK_BYTES_MIN, SMALL_CHUNKS_MAX } from "../../../../schemas/limits/request-bodies.js";
import { must } from "../../../base/assert.js";
import { Failure } from "../../../base/result.js";
import { ConnectionLimit } from "../connection-limit.js";
import { headerBlock, type WireReply } from "../reply.js";
import type { Exchange, RouterRow } from "../transport.js";
import { nodeTransport } from "./port.js";

const HEADERS = headerBlock([["Content-Type", "text/plain"]]);
const ANSWER: WireReply = { status: 200, body: "1", headers: HEADERS };
const REFUSAL: WireReply = { status: 400, body: "refused", headers: HEADERS };
const CHUNKED = "Transfer-Encoding: chunked";
const LAST_CHUNK = "0\r\n\r\n";
const EMPTY = new Uint8Array(0);
/** A body with more tiny chunks than a client may send. */
const TINY_CHUNKS = "1\r\na\r\n".repeat(10 * SMALL_CHUNKS_MAX);
const BEHIND = "GET /behind HTTP/1.1\r\nHost: localhost\r\n\r\n";
const UPGRADE = [
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  "Sec-WebSocket-Version: 13",
];

function head(line: string, ...headers: readonly string[]): string {
  return [`${line} HTTP/1.1`, "Host: localhost", ...headers, "", ""].join("\r\n");
}

/** Opens a port, sends bytes to it, and returns all bytes that come back until the connection ends. */
async function exchangeBytes(t: Test, rows: readonly RouterRow[], sent: string | Buffer): Promise<Buffer> {
  const port = nodeTransport.openPort({
    rows,
    unrouted: (exchange) => exchange.send(ANSWER),
    connections: new ConnectionLimit(Number.POSITIVE_INFINITY),
  });
  t.teardown(() => port.close());
  const at = must(await port.listen({ host: "127.0.0.1", port: 0 }), "a port");
  const socket = connect({ port: at, host: "127.0.0.1" });
  t.teardown(() => socket.destroy());
  const received: Buffer[] = [];
  socket.on("data", (more: Buffer) => received.push(more));
  socket.on("error", () => undefined);
  socket.write(sent);
  await once(socket, "close");
  return Buffer.concat(received);
}

function checkRefused(t: Test, answer: Buffer): void {
  const text = answer.toString("latin1");
  t.match(text, /^HTTP\/1\.1 400 [^]*\r\nConnection: close\r\n/);
  t.equal(text.split("HTTP/1.1 ").length, 2, "one answer, and nothing behind the body is carried out");
}

/** A route that collects the body of its request. */
function collecting(pieces: number[], bodies: (Uint8Array | Failure)[]): RouterRow {
  const serve = (exchange: Exchange): void =>
    exchange.receive({
      reserve: (bytes) => pieces.push(bytes) > 0,
      partial: () => undefined,
      done: (body) => {
        bodies.push(body);
        exchange.send(body instanceof Failure ? REFUSAL : ANSWER);
      },
    });
  return { method: "PUT", pattern: "/", serve };
}

t.test("a collected body of tiny chunks is refused after the free ones", async (t) => {
  const pieces: number[] = [];
  const bodies: (Uint8Array | Failure)[] = [];
  const sent = head("PUT /", CHUNKED) + TINY_CHUNKS + LAST_CHUNK + BEHIND;
  const answer = await exchangeBytes(t, [collecting(pieces, bodies)], sent);
  checkRefused(t, answer);
  t.match(bodies, [{ status: "INVALID_ARGUMENT", message: /too many small chunks/ }]);
  t.ok(pieces.length < 2 * SMALL_CHUNKS_MAX, `${pieces.length} chunks`);
});

t.test("a body of small chunks and one of many chunks of the least size are taken", async (t) => {
  const chunk = `${CHUNK_BYTES_MIN.toString(16)}\r\n${"a".repeat(CHUNK_BYTES_MIN)}\r\n`;
  const sizes = { "1\r\na\r\n": SMALL_CHUNKS_MAX, [chunk]: 10 * SMALL_CHUNKS_MAX };
  for (const [one, count] of Object.entries(sizes)) {
    const bodies: (Uint8Array | Failure)[] = [];
    const sent = head("PUT /", CHUNKED, "Connection: close") + one.repeat(count) + LAST_CHUNK;
    t.match((await exchangeBytes(t, [collecting([], bodies)], sent)).toString(), /^HTTP\/1\.1 200 /);
    const [body] = bodies;
    t.equal(body instanceof Failure ? 0 : body?.byteLength, count * (one === chunk ? CHUNK_BYTES_MIN : 1));
  }
});

t.test("a body of tiny chunks that no route reads is refused", async (t) => {
  for (const line of ["GET /unread", "POST /nowhere"]) {
    let discarded = 0;
    const reply: WireReply = { ...ANSWER, discard: () => (discarded += 1) };
    const rows: RouterRow[] = [{ method: "GET", pattern: "/unread", serve: (exchange) => exchange.send(reply) }];
    checkRefused(t, await exchangeBytes(t, rows, head(line, CHUNKED) + TINY_CHUNKS + LAST_CHUNK + BEHIND));
    t.equal(discarded, line.startsWith("GET") ? 1 : 0, "the route's answer is dropped");
  }
});

t.test("a streamed body of tiny chunks is refused, and its reader is told that the client has gone", async (t) => {
  const ends: unknown[] = [];
  const serve = async (exchange: Exchange): Promise<void> => {
    const body = exchange.stream(() => undefined);
    let piece: unknown = EMPTY;
    while (piece instanceof Uint8Array) piece = await body.read();
    ends.push(piece);
    exchange.send(ANSWER);
  };
  const rows: RouterRow[] = [{ method: "PUT", pattern: "/", serve: (exchange) => void serve(exchange) }];
  checkRefused(t, await exchangeBytes(t, rows, head("PUT /", CHUNKED) + TINY_CHUNKS + LAST_CHUNK + BEHIND));
  t.same(ends, [undefined]);
});

const [TEXT, PING, PONG, FRAGMENT] = [0x81, 0x89, 0x8a, 0x00];

/** Returns a frame as a client sends it, with a mask and without data. */
function frame(first: number): Buffer {
  return Buffer.from([first, 0x80, 0, 0, 0, 0]);
}

/**
 * Sends frames to a socket. Returns the first bytes of the server's frames, and the code and reason of the last one.
 */
async function sendFrames(
  t: Test,
  frames: readonly Buffer[],
): Promise<{ firsts: number[]; code: number; reason: string }> {
  const admit = () => () => ({
    missed: () => undefined,
    drained: () => undefined,
    fellBehind: () => undefined,
    closed: () => undefined,
  });
  const rows: RouterRow[] = [{ method: "GET", pattern: "/", serve: (exchange) => exchange.send(ANSWER), admit }];
  const answer = await exchangeBytes(t, rows, Buffer.concat([Buffer.from(head("GET /", ...UPGRADE)), ...frames]));
  let at = answer.indexOf("\r\n\r\n") + 4;
  t.match(answer.toString("latin1", 0, at), /^HTTP\/1\.1 101 /);
  const firsts: number[] = [];
  let last = answer.subarray(at);
  for (; at < answer.length; at += last.length + 2) {
    firsts.push(answer.readUInt8(at));
    last = answer.subarray(at + 2, at + 2 + answer.readUInt8(at + 1));
  }
  return { firsts, code: last.length < 2 ? 0 : last.readUInt16BE(0), reason: last.toString("utf8", 2) };
}

t.test("a socket whose client sends too many messages, pings or pongs ends, and reads no more", async (t) => {
  const max = SUBSCRIBER_FRAMES_PER_SECOND_MAX;
  for (const kinds of [[TEXT], [PONG], [PING], [TEXT, PING, PONG]] as const) {
    const frames = Array.from({ length: 10 * max }, (_, at) => frame(kinds[at % kinds.length] ?? TEXT));
    const { firsts, code, reason } = await sendFrames(t, frames);
    const pongs = firsts.filter((first) => first === PONG).length;
    // The library answers a ping before it reports the ping. So the first ping beyond the limit may be answered, too.
    const pings = frames.slice(0, max + 1).filter(([first]) => first === PING).length;
    t.equal(pongs, pings, "pings beyond the limit are not answered");
    t.equal(firsts.at(-1), 0x88, "a close frame");
    t.equal(firsts.length, pongs + 1);
    t.equal(code, 1008);
    t.match(reason, new RegExp(`more than ${max} frames`));
  }
});

t.test("a message of too many fragments ends the socket", async (t) => {
  const fragments = Array.from({ length: 10 * SUBSCRIBER_FRAMES_PER_SECOND_MAX }, () => frame(FRAGMENT));
  const { firsts, code } = await sendFrames(t, [frame(0x01), ...fragments]);
  t.same(firsts, [0x88]);
  t.equal(code, 1008);
});
