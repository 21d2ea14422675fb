/**
 * WebSockets with the `ws` library, and topics. Published texts are encoded as frames once, and written to each
 * member's socket as one piece. A socket that has not sent everything it was given has backpressure; later texts are
 * not sent to it.
 */
import type { IncomingMessage } from "node:http";
import type { Socket as NetSocket } from "node:net";
import type { WebSocket, WebSocketServer } from "ws";
import {
  SOCKET_CLOSE_MS_MAX,
  SUBSCRIBER_FRAMES_PER_SECOND_MAX,
  SUBSCRIBER_MESSAGE_BYTES_MAX,
} from "../../../schemas/limits/events.js";
import { FrameMeter, TOO_MANY_FRAMES } from "../frame-meter.js";
import { PingRounds } from "../ping-rounds.js";
import type { Broadcaster, SendResult, Socket, SocketHandler, SocketOpener } from "../transport.js";
import { LaterSockets } from "../later-sockets.js";
import { SocketBuffer } from "../socket-buffers.js";
import { refuseHandshake } from "./malformed.js";

/** The size of one write. It is also the most that a socket still holds when it stops reading. */
const PIECE_BYTES_MAX = 64 * 1024;
/** The number of characters of a text that the handler gets if the text did not fit. They contain the id. */
const BEGINNING_CHARACTERS = 64;

/** A text of at least this length is sent to its sockets over several ticks, and encoded once. */
const LARGE_CHARACTERS = PIECE_BYTES_MAX;

// A text frame of a server (RFC 6455, section 5.2), complete and not masked.
const FINAL_TEXT = 0x81;
const LENGTH_16_BITS = 126;
const LENGTH_64_BITS = 127;
const EMPTY = new Uint8Array(0);

/** Frames that are written together. */
interface Piece {
  readonly frames: Buffer;
  /** The first of their texts. */
  readonly first: string;
}

function headBytes(length: number): number {
  return length < LENGTH_16_BITS ? 2 : length < 0x1_00_00 ? 4 : 10;
}

/** Writes one frame. Returns the offset of its end. */
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

/** Encodes texts as frames, in pieces of about PIECE_BYTES_MAX. */
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
    // The peer has violated the protocol. The library answers with the close code, and closes.
    ws.on("error", () => {
      this.#isAlive = true;
    });
    ws.on("close", () => this.#closed());
    this.#handler = opener(this);
  }

  send(text: string): SendResult {
    // Nothing may follow a close frame.
    if (this.#isBehind() || this.#ws.readyState !== this.#ws.OPEN) return "refused";
    if (text.length < LARGE_CHARACTERS) this.#ws.send(text);
    else this.#net.write(this.#sockets.frameOf(text));
    if (!this.#isBehind()) return "sent";
    if (!this.#hasRoom()) setImmediate(() => this.cut());
    this.#awaitDrain();
    return "behind";
  }

  /** Sends published texts. The handler is notified of the first one that does not fit. */
  give(pieces: readonly Piece[]): void {
    // Nothing may follow a close frame.
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

  /**
   * Does not send a text of the topic in this tick, and leaves the topic. The handler sends this text and the later
   * ones.
   */
  skip({ first }: Piece): void {
    this.#leave();
    this.#handler.missed(Buffer.from(first.slice(0, BEGINNING_CHARACTERS)));
  }

  /** Sends the skipped texts, in a later tick. */
  resume(): void {
    if (this.#ws.readyState === this.#ws.OPEN && !this.#isBehind()) this.#handler.drained();
  }

  /** Counts the bytes that the socket has not sent; returns false if there is no room for them. */
  #hasRoom(): boolean {
    return this.#net.destroyed || this.#buffer.set(this.#net.writableLength);
  }

  join(topic: string): void {
    this.#topic = topic;
    this.#sockets.enter(this, topic);
  }

  end(code: number, reason: string): void {
    this.#ws.close(code, reason);
  }

  cut(): void {
    this.#ws.terminate();
  }

  /** Pings the peer. A peer that has sent nothing since the last ping is cut off. */
  check(): void {
    if (!this.#isAlive) {
      this.cut();
      return;
    }
    this.#isAlive = false;
    this.#ws.ping();
  }

  /**
   * Called for each message, ping and pong of the peer. If there are too many, the server sends the close frame and
   * stops reading the socket, so that the peer gets the frame before the library cuts it. The rest of the same read
   * still comes here, and is ignored.
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
  /** The sockets of each topic that have no backpressure. */
  readonly #members = new Map<string, Set<NodeSocket>>();
  readonly #pings = new PingRounds(this.#all);
  readonly #later = new LaterSockets(() => {
    this.#framed = null;
  });
  /** The last large text as a frame. It is encoded once, and sent to one socket after the other. */
  #framed: { readonly text: string; readonly frame: Buffer } | null = null;

  publish(topic: string, texts: readonly string[]): number {
    const members = this.#members.get(topic);
    if (members === undefined) return 0;
    // The number includes sockets that get backpressure while the texts are sent. Their handlers are notified of the
    // texts that they missed.
    const { size } = members;
    const [text = ""] = texts;
    const is_large = texts.length === 1 && text.length >= LARGE_CHARACTERS;
    const pieces = is_large ? [{ frames: this.frameOf(text), first: text }] : piecesOf(texts);
    const [first] = pieces;
    if (first === undefined || !texts.some(({ length }) => length >= LARGE_CHARACTERS)) {
      for (const member of members) member.give(pieces);
      return size;
    }
    // A member that is not reached in this tick is treated as if it had backpressure: it gets the texts in a later
    // tick.
    for (const member of [...members]) {
      if (!this.#later.isOver) {
        member.give(pieces);
        continue;
      }
      member.skip(first);
      this.#later.add(() => member.resume());
    }
    return size;
  }

  /** Returns the frame of a large text. */
  frameOf(text: string): Buffer {
    if (this.#framed?.text === text) return this.#framed.frame;
    const [{ frames }] = piecesOf([text]) as [Piece];
    // The empty task keeps the frame for this tick at least. `#later` drops the frame when no socket waits any more.
    if (this.#framed === null) this.#later.add(() => undefined);
    this.#framed = { text, frame: frames };
    return frames;
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

  /** Loads the library at the first handshake: it loads all of TLS, which would slow down every start. */
  async #load(): Promise<void> {
    const { WebSocketServer: Library } = await import("ws");
    // These options are missing in the library's types. `closeTimeout`: a socket is destroyed this long after the close
    // frame. `maxFragments`: the library reports no fragment, so it has to count those of a message itself.
    // `maxPendingAutoPongs`: beyond it the library cuts a socket without a close frame, before it reports the ping.
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
