/**
 * Tests what follows a close frame of the server: the client gets nothing more, and the connection ends whether or not
 * the client answers the frame.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import t from "tap";
import { TRANSPORT } from "./support/variant.js";
import { send, sendJson } from "./support/http-client.js";
import { startKoor, type Owner } from "./support/server-process.js";
import { MessageReader, OPCODE_CLOSE, OPCODE_TEXT, type SocketMessage } from "./support/websocket-messages.js";

const TOKEN = "the-server's-own-token";
const RIGHT = { Authorization: `Bearer ${TOKEN}` };
/** The promised bound; uWebSockets.js checks every 4 s. */
const CUT_WITHIN_MS = TRANSPORT === "node" ? 1_000 : 4_000;
const SLACK_MS = 1_500;
/** Together more than the kernel buffers for a client that does not read. */
const EVENTS = 16;
const EVENT_CHARACTERS = 1024 * 1024;
/** A ping frame, masked, empty. */
const PING = Buffer.from([0x89, 0x80, 0, 0, 0, 0]);

const koor = await startKoor(t, { args: ["--auth-token", TOKEN] });
const { port } = koor;

/** A subscriber on a connection of its own that keeps its side open, whatever the server does with its side. */
class Client {
  readonly socket: Socket;
  readonly frames: SocketMessage[] = [];
  readonly cut: Promise<void>;
  #wake: () => void = () => undefined;

  constructor(t: Owner) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    t.teardown(() => void this.socket.destroy());
    // A cut shows as the error of a write or of a read.
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
    const reader = new MessageReader((message) => {
      this.frames.push(message);
      this.#wake();
    });
    this.socket.on("data", (chunk: Buffer) => reader.read(chunk));
    return id;
  }

  /** Resolves at the close frame. */
  async closeFrame(): Promise<SocketMessage> {
    for (;;) {
      const found = this.frames.find(({ opcode }) => opcode === OPCODE_CLOSE);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Sends pings until the connection is cut; resolves to the time that this took, in ms. */
  async pingUntilCut(): Promise<number> {
    const from = performance.now();
    const timer = setInterval(() => this.socket.write(PING), 20);
    await this.cut;
    clearInterval(timer);
    return performance.now() - from;
  }
}

const remove = (id: string) => send(port, "DELETE", `/api/instances/${id}`, { headers: RIGHT });
const publish = (data: string) => sendJson(port, "POST", "/api/events/publish", { topic: "large", data }, RIGHT);

const data = "x".repeat(EVENT_CHARACTERS);

/** Publishes more than the system buffers for a client that does not read. */
async function fillUp({ socket }: Client): Promise<void> {
  socket.pause();
  for (let event = 0; event < EVENTS; event++) await publish(data);
}

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

t.test("a subscriber with backpressure gets the close frame after what its socket was given", async (t) => {
  const client = new Client(t);
  const id = await client.subscribe();
  await fillUp(client);
  await remove(id);
  await publish("after");
  client.socket.resume();
  const { payload } = await client.closeFrame();
  t.equal(payload.readUInt16BE(0), 4401);
  const texts = client.frames.filter(({ opcode }) => opcode === OPCODE_TEXT).map((frame) => frame.payload.toString());
  t.ok(texts.length < EVENTS, "it had backpressure");
  t.ok(texts.every((text) => text.includes(data)));
});

t.test("a subscriber with backpressure that reads nothing is cut", async (t) => {
  const client = new Client(t);
  const id = await client.subscribe();
  await fillUp(client);
  await remove(id);
  t.ok((await client.pingUntilCut()) < CUT_WITHIN_MS + SLACK_MS);
  t.notOk(client.frames.some(({ opcode }) => opcode === OPCODE_CLOSE));
});
