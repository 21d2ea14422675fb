/**
 * What follows a close frame that the server sends: nothing more for the client, and an end of the connection whether
 * or not the client answers the frame.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import t from "tap";
import { TRANSPORT } from "./support/column.js";
import { send, sendJson } from "./support/http-client.js";
import { startKoor, type Owner } from "./support/server-process.js";

const TOKEN = "the-server's-own-token";
const RIGHT = { Authorization: `Bearer ${TOKEN}` };
const OPCODE_CONTINUATION = 0;
const OPCODE_TEXT = 1;
const OPCODE_CLOSE = 8;
/** The promise: uWebSockets.js looks every 4 s. */
const CUT_WITHIN_MS = TRANSPORT === "node" ? 1_000 : 4_000;
const SLACK_MS = 1_500;
/** Together more than the kernel takes of what a client does not read. */
const EVENTS = 16;
const EVENT_CHARACTERS = 1024 * 1024;
/** Ping frame, masked, empty. */
const PING = Buffer.from([0x89, 0x80, 0, 0, 0, 0]);

const koor = await startKoor(t, { args: ["--auth-token", TOKEN] });
const { port } = koor;

/** A message, or a control frame. */
interface Frame {
  readonly opcode: number;
  payload: Buffer;
}

/** A subscriber on a connection of its own that keeps its side open, whatever the server does with its own. */
class Client {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  readonly cut: Promise<void>;
  #rest: Buffer = Buffer.alloc(0);
  #wake: () => void = () => undefined;

  constructor(t: Owner) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    t.teardown(() => void this.socket.destroy());
    // A cut shows as the error of a write, or of a read.
    this.socket.on("error", () => undefined);
    this.cut = new Promise((resolve) => {
      this.socket.once("close", () => resolve());
    });
  }

  /** @returns the instance that it subscribes as */
  async subscribe(): Promise<string> {
    const { id, token } = (await sendJson(port, "POST", "/api/instances/register", { name: "x" }, RIGHT)).json<{
      readonly id: string;
      readonly token: string;
    }>();
    this.socket.write(
      "GET /api/events/subscribe?pattern=large HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n" +
        "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n" +
        `Authorization: Bearer ${token}\r\n\r\n`,
    );
    const [head] = (await once(this.socket, "data")) as [Buffer];
    if (!head.toString("latin1").startsWith("HTTP/1.1 101 ")) throw new Error("no upgrade");
    this.socket.on("data", (chunk: Buffer) => this.#take(chunk));
    return id;
  }

  /** Resolves with the close frame. */
  async closeFrame(): Promise<Frame> {
    for (;;) {
      const found = this.frames.find(({ opcode }) => opcode === OPCODE_CLOSE);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Sends pings until the connection is cut; how long it took from now, in ms. */
  async pingUntilCut(): Promise<number> {
    const from = performance.now();
    const timer = setInterval(() => this.socket.write(PING), 20);
    await this.cut;
    clearInterval(timer);
    return performance.now() - from;
  }

  #takeFrame(opcode: number, payload: Buffer): void {
    // A control frame may come between the fragments of a message.
    const begun =
      opcode === OPCODE_CONTINUATION ? this.frames.findLast((one) => one.opcode === OPCODE_TEXT) : undefined;
    if (begun === undefined) this.frames.push({ opcode, payload });
    else begun.payload = Buffer.concat([begun.payload, payload]);
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const rest = this.#rest;
      if (rest.length < 2) return;
      const short = rest.readUInt8(1) & 0x7f;
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (rest.length < head) return;
      const length = short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
      if (rest.length < head + length) return;
      this.#takeFrame(rest.readUInt8(0) & 0x0f, rest.subarray(head, head + length));
      this.#rest = rest.subarray(head + length);
      this.#wake();
    }
  }
}

const remove = (id: string) => send(port, "DELETE", `/api/instances/${id}`, { headers: RIGHT });
const publish = (data: string) => sendJson(port, "POST", "/api/events/publish", { topic: "large", data }, RIGHT);

t.test("a client that ignores the close frame is cut, and gets nothing meanwhile", async (t) => {
  const client = new Client(t);
  const id = await client.subscribe();
  await publish("before");
  await remove(id);
  const { payload } = await client.closeFrame();
  t.equal(payload.readUInt16BE(0), 4401);
  const cut = client.pingUntilCut();
  await publish("after");
  t.ok((await cut) < CUT_WITHIN_MS + SLACK_MS, "whatever it sends");
  t.same(
    client.frames.map(({ opcode }) => opcode),
    [OPCODE_TEXT, OPCODE_CLOSE],
  );
});

t.test("a client whose message is too large is cut, too", async (t) => {
  const client = new Client(t);
  await client.subscribe();
  const head = Buffer.alloc(8);
  head.writeUInt8(0x81, 0);
  head.writeUInt8(0x80 | 126, 1);
  head.writeUInt16BE(20_000, 2);
  client.socket.write(Buffer.concat([head, Buffer.alloc(20_000, "a")]));
  const { payload } = await client.closeFrame();
  t.equal(payload.readUInt16BE(0), 1009);
  t.ok((await client.pingUntilCut()) < CUT_WITHIN_MS + SLACK_MS);
});

t.test("a subscriber that is behind gets the close frame after what its socket was given", async (t) => {
  const client = new Client(t);
  const id = await client.subscribe();
  client.socket.pause();
  const data = "x".repeat(EVENT_CHARACTERS);
  for (let event = 0; event < EVENTS; event++) await publish(data);
  await remove(id);
  await publish("after");
  client.socket.resume();
  const { payload } = await client.closeFrame();
  t.equal(payload.readUInt16BE(0), 4401);
  const texts = client.frames.filter(({ opcode }) => opcode === OPCODE_TEXT).map((frame) => frame.payload.toString());
  t.ok(texts.length < EVENTS, "it was behind");
  t.ok(texts.every((text) => text.includes(data)));
});

t.test("a subscriber that is behind and reads nothing is cut", async (t) => {
  const client = new Client(t);
  const id = await client.subscribe();
  client.socket.pause();
  const data = "x".repeat(EVENT_CHARACTERS);
  for (let event = 0; event < EVENTS; event++) await publish(data);
  await remove(id);
  t.ok((await client.pingUntilCut()) < CUT_WITHIN_MS + SLACK_MS);
  t.notOk(client.frames.some(({ opcode }) => opcode === OPCODE_CLOSE));
});
