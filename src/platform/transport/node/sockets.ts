/**
 * Implements WebSockets and topics with the `ws` library. Encodes a published text as a frame only once. Then writes
 * the frames to the socket of each member of the topic, in one write for each socket. A socket with unsent bytes has
 * backpressure, and later texts are not sent to it. Runs on the front.
 */
import type { IncomingMessage } from "node:http";
import type { Socket as NetSocket } from "node:net";
import type { WebSocket, WebSocketServer } from "ws";
import {
  SOCKET_CLOSE_MS_MAX,
  SUBSCRIBER_FRAMES_PER_SECOND_MAX,
  SUBSCRIBER_MESSAGE_BYTES_MAX,
} from "../../../../schemas/limits/events.js";
import { FrameMeter, TOO_MANY_FRAMES } from "../frame-meter.js";
import { PingRounds } from "../ping-rounds.js";
import type { Broadcaster, SendResult, Socket, SocketHandler, SocketOpener } from "../transport.js";
import { SocketBuffer } from "../socket-buffers.js";
import { refuseHandshake } from "./malformed.js";

/** The maximum size of one write. If the peer stops reading, the socket holds at most this many unsent bytes. */
const PIECE_BYTES_MAX = 64 * 1024;
/** How many characters of an unsent text the handler gets. They contain the event's id. */
const BEGINNING_CHARACTERS = 64;

/** A text of at least this length is encoded once for all sockets. */
const LARGE_CHARACTERS = PIECE_BYTES_MAX;

// The first byte of a text frame from a server: one complete frame, not masked (RFC 6455, section 5.2).
const FINAL_TEXT = 0x81;
const LENGTH_16_BITS = 126;
const LENGTH_64_BITS = 127;
const EMPTY = new Uint8Array(0);

/** Frames that are written together. */
interface Piece {
  readonly frames: Buffer;
  /** The text of the first of the frames. */
  readonly first: string;
}

function headBytes(length: number): number {
  return length < LENGTH_16_BITS ? 2 : length < 0x1_00_00 ? 4 : 10;
}

/** Writes one frame at an offset. Returns the offset of the frame's end. */
function writeFrame(frames: Buffer, at: number, text: string, length: number): number {
  const head = headBytes(length);
  frames[at] = FINAL_TEXT;
  if (head === 2) {
    frames[at + 1] = length;
  } else if (head === 4) {
    frames[at + 1] = LENGTH_16_BITS;
    frames.writeUInt16BE(length, at + 2);
  } else {
    frames[at + 1] = LENGTH_64_BITS;
    frames.writeBigUInt64BE(BigInt(length), at + 2);
  }
  return at + head + frames.write(text, at + head);
}

/** Encodes texts as frames, and groups the frames in pieces of about PIECE_BYTES_MAX. */
export function piecesOf(texts: readonly string[]): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  let bytes = 0;
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const close = (until: number): void => {
    const frames = Buffer.allocUnsafe(bytes);
    let at = 0;
    for (let one = from; one < until; one++) at = writeFrame(frames, at, texts[one] ?? "", lengths[one] ?? 0);
    pieces.push({ frames, first: texts[from] ?? "" });
    from = until;
    bytes = 0;
  };
  for (const [one, length] of lengths.entries()) {
    const size = headBytes(length) + length;
    if (bytes > 0 && bytes + size > PIECE_BYTES_MAX) close(one);
    bytes += size;
  }
  if (bytes > 0) close(texts.length);
  return pieces;
}

class NodeSocket implements Socket {
  readonly #ws: WebSocket;
  readonly #net: NetSocket;
  readonly #sockets: NodeSockets;
  readonly #handler: SocketHandler;
  /** The topic of the socket; "" for none. */
  #topic = "";
  /** The position at which the socket joined its topic. */
  #position = 0;
  #isAlive = true;
  readonly #frames = new FrameMeter();
  readonly #buffer = new SocketBuffer();

  constructor(ws: WebSocket, net: NetSocket, sockets: NodeSockets, opener: SocketOpener) {
    this.#ws = ws;
    this.#net = net;
    this.#sockets = sockets;
    const received = (): void => this.#received();
    ws.on("message", received);
    ws.on("pong", received);
    ws.on("ping", received);
    // The peer has violated the protocol. The library itself sends a close frame with the reason, and closes the
    // socket.
    ws.on("error", () => {
      this.#isAlive = true;
    });
    ws.on("close", () => this.#closed());
    this.#handler = opener(this);
  }

  send(text: string): SendResult {
    // No frame may follow a close frame.
    if (this.#isBehind() || this.#ws.readyState !== this.#ws.OPEN) return "refused";
    if (text.length < LARGE_CHARACTERS) this.#ws.send(text);
    else this.#net.write(this.#sockets.frameOf(text));
    if (!this.#isBehind()) return "sent";
    if (!this.#hasRoom()) setImmediate(() => this.cut());
    this.#awaitDrain();
    return "behind";
  }

  /** Sends published texts. At the first text that does not fit, stops and passes this text to the handler. */
  give(pieces: readonly Piece[]): void {
    // No frame may follow a close frame.
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    for (const { frames, first } of pieces) {
      if (this.#isBehind()) {
        this.#leave();
        this.#awaitDrain();
        this.#handler.missed(Buffer.from(first.slice(0, BEGINNING_CHARACTERS)));
        return;
      }
      this.#net.write(frames);
      if (this.#isBehind() && !this.#hasRoom()) {
        this.cut();
        return;
      }
    }
  }

  /** Counts the socket's unsent bytes in the budget of all sockets. Returns false if the budget is used up. */
  #hasRoom(): boolean {
    return this.#net.destroyed || this.#buffer.set(this.#net.writableLength);
  }

  join(topic: string, position: number): void {
    this.#topic = topic;
    this.#position = position;
    this.#sockets.enter(this, topic);
  }

  /**
   * Whether this socket gets the texts that are published to `topic` up to `position`. It gets them only if it joined
   * the topic before this position.
   */
  takes(topic: string, position: number): boolean {
    return this.#topic === topic && this.#position < position;
  }

  end(code: number, reason: string): void {
    this.#ws.close(code, reason);
  }

  cut(): void {
    this.#ws.terminate();
  }

  /** Pings the peer. If the peer has sent nothing since the last ping, cuts the connection instead. */
  check(): void {
    if (!this.#isAlive) {
      this.cut();
      return;
    }
    this.#isAlive = false;
    this.#ws.ping();
  }

  /**
   * Called for each message, ping and pong of the peer. If there are too many, sends a close frame and pauses the
   * socket. Without the pause, the library would cut the socket before the peer gets the close frame. The rest of the
   * current read still arrives here, and is ignored.
   */
  #received(): void {
    this.#isAlive = true;
    if (this.#ws.isPaused || this.#frames.take(performance.now()) === "read") return;
    this.end(TOO_MANY_FRAMES.code, TOO_MANY_FRAMES.reason);
    this.#ws.pause();
  }

  #isBehind(): boolean {
    return this.#net.writableLength > 0;
  }

  #awaitDrain(): void {
    this.#net.write(EMPTY, () => {
      this.#buffer.set(0);
      this.#handler.drained();
    });
  }

  #leave(): void {
    if (this.#topic !== "") this.#sockets.leave(this, this.#topic);
    this.#topic = "";
  }

  #closed(): void {
    this.#buffer.set(0);
    this.#leave();
    this.#sockets.forget(this);
    this.#handler.closed();
  }
}

/** The sockets of one port. */
export class NodeSockets implements Broadcaster {
  #server: WebSocketServer | undefined;
  #closed = false;
  readonly #all = new Set<NodeSocket>();
  /** The sockets of each topic, except those with backpressure. */
  readonly #members = new Map<string, Set<NodeSocket>>();
  readonly #pings = new PingRounds(this.#all);
  /** The number of calls of `publish` that are in progress. A call may be paused. */
  #publishing = 0;
  /** The last large text and its frame. The text is encoded once, and the frame is used for every socket. */
  #framed: { readonly text: string; readonly frame: Buffer } | null = null;

  *publish(topic: string, texts: readonly string[], position: number): Generator<number, number, undefined> {
    const members = this.#members.get(topic);
    if (members === undefined) return 0;
    const [text = ""] = texts;
    const isLarge = texts.length === 1 && text.length >= LARGE_CHARACTERS;
    const pieces = isLarge ? [{ frames: this.frameOf(text), first: text }] : piecesOf(texts);
    // Count the sockets that are served. A socket that gets backpressure during the publish counts, because its handler
    // sends the missed texts. Sockets may join and leave during a pause.
    let served = 0;
    this.#publishing += 1;
    for (const member of members) {
      if (!member.takes(topic, position)) continue;
      member.give(pieces);
      served += 1;
      yield 0;
    }
    this.#publishing -= 1;
    this.#forgetFrame();
    return served;
  }

  /**
   * Returns the frame of a large text. The frame is kept until the end of this tick and of all publishes in progress.
   */
  frameOf(text: string): Buffer {
    if (this.#framed?.text === text) return this.#framed.frame;
    const [{ frames }] = piecesOf([text]) as [Piece];
    if (this.#framed === null) setImmediate(() => this.#forgetFrame());
    this.#framed = { text, frame: frames };
    return frames;
  }

  #forgetFrame(): void {
    if (this.#publishing === 0) this.#framed = null;
  }

  /** Completes an accepted upgrade, and serves the socket. */
  open(req: IncomingMessage, net: NetSocket, head: Buffer, opener: SocketOpener): void {
    if (this.#server === undefined) {
      this.#load().then(
        () => this.open(req, net, head, opener),
        () => net.destroy(),
      );
      return;
    }
    if (this.#closed) {
      net.destroy();
      return;
    }
    this.#server.handleUpgrade(req, net, head, (ws) => {
      this.#all.add(new NodeSocket(ws, net, this, opener));
      this.#pings.begin();
    });
  }

  enter(socket: NodeSocket, topic: string): void {
    const members = this.#members.get(topic);
    if (members === undefined) this.#members.set(topic, new Set([socket]));
    else members.add(socket);
  }

  leave(socket: NodeSocket, topic: string): void {
    const members = this.#members.get(topic);
    members?.delete(socket);
    if (members?.size === 0) this.#members.delete(topic);
  }

  /** Removes a closed socket. */
  forget(socket: NodeSocket): void {
    this.#all.delete(socket);
  }

  /** Sends a close frame to all sockets. */
  end(code: number, reason: string): void {
    for (const socket of [...this.#all]) socket.end(code, reason);
  }

  /** Breaks every connection. */
  close(): void {
    this.#closed = true;
    this.#pings.end();
    for (const socket of [...this.#all]) socket.cut();
  }

  /**
   * Loads the library at the first handshake. At the start it would cost too much time, because the library loads all
   * of TLS.
   */
  async #load(): Promise<void> {
    const { WebSocketServer: Library } = await import("ws");
    // Options that are missing in the library's types. `closeTimeout` is the time from the close frame until the socket
    // is destroyed. `maxFragments` makes the library limit the fragments of a message, because it does not report them.
    // Beyond `maxPendingAutoPongs` pings, the library cuts a socket without a close frame, before it reports the ping.
    const options = {
      noServer: true,
      clientTracking: false,
      maxPayload: SUBSCRIBER_MESSAGE_BYTES_MAX,
      closeTimeout: SOCKET_CLOSE_MS_MAX,
      maxFragments: SUBSCRIBER_FRAMES_PER_SECOND_MAX,
      maxPendingAutoPongs: SUBSCRIBER_FRAMES_PER_SECOND_MAX + 1,
    };
    this.#server ??= new Library(options).on("wsClientError", refuseHandshake);
  }
}
