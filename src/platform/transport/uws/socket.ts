/**
 * Implements one WebSocket with uWebSockets.js. The socket is a member of at most one of the library's topics. It leaves
 * the topic when it has backpressure. Its handler then sends the texts that the socket has missed. A large text is sent
 * in fragments, as fast as the peer reads. sockets.ts publishes texts to the sockets of a topic.
 */
import type { WebSocket } from "uWebSockets.js";
import { SOCKET_CLOSE_MS_MAX } from "../../../../schemas/limits/events.js";
import { FrameMeter, TOO_MANY_FRAMES } from "../frame-meter.js";
import { SocketBuffer } from "../socket-buffers.js";
import type { SendResult, Socket, SocketHandler, SocketOpener } from "../transport.js";
import { wireText } from "./text.js";

/**
 * The minimum length of a text that is encoded only once for all sockets. If the text exceeds FRAGMENT_BYTES, it is
 * sent in fragments, as fast as the peer reads. Otherwise the library would allocate memory for the whole text, for
 * each socket, before it sends the first byte.
 */
const LARGE_CHARACTERS = 64 * 1024;
const FRAGMENT_BYTES = 128 * 1024;
/** The length of the beginning of a text that `missed` and `fellBehind` receive. */
const BEGINNING_CHARACTERS = 64;

/** Two results of the library's `send`. */
const SENT = 1;
const REFUSED = 2;

/** Methods of the library's sockets that its types omit. Each has the same result as `send`. */
interface FragmentSender {
  sendFirstFragment(piece: Uint8Array, isBinary: boolean): number;
  sendFragment(piece: Uint8Array): number;
  sendLastFragment(piece: Uint8Array): number;
}

/** The library's data of a connection. */
export interface Peer {
  readonly opener: SocketOpener;
  socket: UwsSocket | null;
}

/** The services of the port to which a socket belongs (`UwsSockets`). */
export interface SocketPort {
  /** Returns the bytes of a large text. */
  encode(text: string): Uint8Array;
  /** Adds a socket to a topic at a position. */
  enter(socket: UwsSocket, topic: string, position: number): void;
  /** Removes a socket with backpressure from a topic. */
  leaveLater(socket: UwsSocket, topic: string): void;
  /** Removes a closed socket. */
  forget(socket: UwsSocket, topic: string): void;
}

export class UwsSocket implements Socket {
  readonly #ws: WebSocket<Peer>;
  readonly #port: SocketPort;
  #handler: SocketHandler | null = null;
  readonly #buffer = new SocketBuffer();
  #closed = false;
  /** The topic of the socket; "" for none. */
  #topic = "";
  /** The position at which the socket joined its topic. */
  #position = 0;
  #isAlive = true;
  readonly #frames = new FrameMeter();
  /** A close frame that is sent after the socket's earlier texts; null if none waits. */
  #pendingClose: { readonly code: number; readonly reason: string; readonly timer: NodeJS.Timeout } | null = null;
  /** A copy of the unsent rest of a large text; null if there is none. Nothing else may be sent before it. */
  #rest: Uint8Array | null = null;
  /** The number of bytes of `#rest` that were sent. */
  #restSent = 0;
  /** Whether the socket will be cut, because there was no memory for the unsent rest of a large text. */
  #mustCut = false;

  constructor(ws: WebSocket<Peer>, port: SocketPort) {
    this.#ws = ws;
    this.#port = port;
  }

  serve(opener: SocketOpener): void {
    const handler = opener(this);
    this.#handler = handler;
    // The opener itself may have ended the socket.
    if (this.#closed) handler.closed();
  }

  send(text: string): SendResult {
    if (this.#isEnding() || this.#rest !== null || this.#mustCut) return "refused";
    if (isLarge(text)) return this.#sendLarge(this.#port.encode(text));
    const status = this.#ws.send(wireText(text), false);
    // Defer the cut, because the caller may be in a loop over sockets.
    if (status !== SENT && status !== REFUSED && !this.hasRoom()) setImmediate(() => this.cut());
    return status === SENT ? "sent" : status === REFUSED ? "refused" : "behind";
  }

  #sendLarge(bytes: Uint8Array): SendResult {
    const sender = this.#ws as unknown as FragmentSender;
    const whole = bytes.byteLength <= FRAGMENT_BYTES;
    const status = whole
      ? this.#ws.send(bytes, false)
      : sender.sendFirstFragment(bytes.subarray(0, FRAGMENT_BYTES), false);
    if (status === REFUSED) return "refused";
    const first = whole ? bytes.byteLength : FRAGMENT_BYTES;
    const sent = status === SENT ? this.#sendFragments(bytes, first) : first;
    const left = bytes.byteLength - sent;
    if (left === 0 && this.#ws.getBufferedAmount() === 0) return "sent";
    if (!this.#takeRoom(left)) {
      this.#mustCut = true;
      // Defer the cut, because the caller may be in a loop over sockets.
      setImmediate(() => this.cut());
    } else if (left > 0) {
      this.#rest = Buffer.from(bytes.subarray(sent));
      this.#restSent = 0;
    }
    return "behind";
  }

  /**
   * Sends the fragments after the first one, until the socket has backpressure. Returns the offset of the first unsent
   * byte.
   */
  #sendFragments(bytes: Uint8Array, from: number): number {
    const sender = this.#ws as unknown as FragmentSender;
    for (let at = from; at < bytes.byteLength; ) {
      const piece = bytes.subarray(at, at + FRAGMENT_BYTES);
      at += piece.byteLength;
      const status = at === bytes.byteLength ? sender.sendLastFragment(piece) : sender.sendFragment(piece);
      if (status !== SENT) return at;
    }
    return bytes.byteLength;
  }

  /**
   * Sends published texts, some of which are large. At the first text that does not fit, stops and passes this text to
   * the handler.
   */
  give(texts: readonly string[]): void {
    for (const text of texts) {
      // If the library refuses a text, it also passes the text to `dropped`.
      const result = this.send(text);
      if (this.#topic === "" || this.#mustCut) return;
      if (result === "refused") {
        this.#leaveTopic();
        this.#handler?.missed(beginningOf(text));
        return;
      }
      if (this.#rest === null) continue;
      // The socket must leave the topic. Otherwise it would get the next published text in the middle of this one.
      this.#leaveTopic();
      this.#handler?.fellBehind(beginningOf(text));
    }
  }

  #leaveTopic(): void {
    this.#port.leaveLater(this, this.#topic);
    this.#topic = "";
  }

  /**
   * Sends texts to this socket only, in order. If a text does not fit, the library passes the first such text to
   * `dropped`.
   */
  sendEach(texts: readonly Uint8Array[]): void {
    this.#ws.cork(() => {
      for (const text of texts) if (this.#ws.send(text, false) === REFUSED) return;
    });
  }

  /** Counts the socket's unsent bytes in the budget of all sockets. Returns false if the budget is used up. */
  hasRoom(): boolean {
    return this.#takeRoom(this.#rest?.byteLength ?? 0);
  }

  /** @param left the number of bytes of a large text that are kept here, because they are not sent yet */
  #takeRoom(left: number): boolean {
    return this.#closed || this.#buffer.set(this.#ws.getBufferedAmount() + left);
  }

  cut(): void {
    if (!this.#closed) this.#ws.close();
  }

  join(topic: string, position: number): void {
    if (this.#isEnding()) return;
    this.#topic = topic;
    this.#position = position;
    this.#port.enter(this, topic, position);
  }

  /**
   * Whether this socket gets the texts that are published to `topic` up to `position`. It gets them only if it joined
   * the topic before this position.
   */
  takes(topic: string, position: number): boolean {
    return this.#topic === topic && this.#position < position;
  }

  /**
   * Sends the close frame. The library drops a close frame that does not fit. So this method waits until the socket has
   * room, and cuts the socket after SOCKET_CLOSE_MS_MAX.
   */
  end(code: number, reason: string): void {
    if (this.#isEnding()) return;
    if (this.#rest === null && this.#ws.getBufferedAmount() === 0) {
      this.#ws.end(code, reason);
      return;
    }
    this.#pendingClose = { code, reason, timer: setTimeout(() => this.cut(), SOCKET_CLOSE_MS_MAX) };
    if (this.#topic !== "") this.#leaveTopic();
  }

  /**
   * Called for each frame that the peer sends. If this method ends or cuts the socket, the library reads nothing more
   * from it, not even the rest of the current read.
   * @returns whether the frame should be handled
   */
  received(): boolean {
    this.#isAlive = true;
    const verdict = this.#frames.take(performance.now());
    if (verdict === "end") this.end(TOO_MANY_FRAMES.code, TOO_MANY_FRAMES.reason);
    else if (verdict === "cut") this.cut();
    return verdict === "read";
  }

  check(): void {
    if (this.#isEnding()) return;
    if (!this.#isAlive) {
      this.cut();
      return;
    }
    this.#isAlive = false;
    this.#ws.ping();
  }

  #isEnding(): boolean {
    return this.#closed || this.#pendingClose !== null;
  }

  subscribe(topic: string): void {
    this.#ws.subscribe(topic);
  }

  /** Leaves the library's topic. `UwsSockets.#leaving` says when this may be called. */
  unsubscribe(topic: string): void {
    this.#ws.unsubscribe(topic);
  }

  /** Called when the library has dropped a message, because it did not fit into the socket's buffer. */
  dropped(message: ArrayBuffer): void {
    // A socket without a topic gets only texts that were sent to it alone. For such a text, `send` has already returned
    // "refused".
    if (this.#topic === "") return;
    // Defer the cut, because the library is still using this socket.
    if (!this.hasRoom()) setImmediate(() => this.cut());
    this.#leaveTopic();
    this.#handler?.missed(new Uint8Array(message));
  }

  drained(): void {
    if (this.#closed || this.#mustCut) return;
    if (this.#rest !== null && this.#ws.getBufferedAmount() === 0) {
      this.#restSent = this.#sendFragments(this.#rest, this.#restSent);
      if (this.#restSent === this.#rest.byteLength) this.#rest = null;
    }
    if (!this.hasRoom()) this.cut();
    else if (this.#rest !== null || this.#ws.getBufferedAmount() > 0) return;
    else if (this.#pendingClose === null) this.#handler?.drained();
    else this.#ws.end(this.#pendingClose.code, this.#pendingClose.reason);
  }

  closed(): void {
    this.#closed = true;
    clearTimeout(this.#pendingClose?.timer);
    this.#rest = null;
    this.#buffer.set(0);
    this.#port.forget(this, this.#topic);
    this.#topic = "";
    this.#handler?.closed();
  }
}

/** Whether a text is encoded only once for all sockets. */
export function isLarge(text: string): boolean {
  return text.length >= LARGE_CHARACTERS;
}

function beginningOf(text: string): Uint8Array {
  return Buffer.from(text.slice(0, BEGINNING_CHARACTERS));
}
