/**
 * Implements WebSockets with uWebSockets.js and its native topics. The library sends all texts of one tick to all
 * members of a topic at once, which costs a fraction of a separate send to each member. It cannot pause, so it gets
 * only as many texts as it can send within a time slice. If there are more texts or members, this class sends the texts
 * socket by socket. If a socket has backpressure, the library drops the messages for it, and reports only the first
 * dropped message of a tick. The socket's handler is notified of that message. The handler must then send that message
 * and all later ones itself.
 */
import type { HttpRequest, HttpResponse, TemplatedApp, WebSocket, us_socket_context_t } from "uWebSockets.js";
import {
  SOCKET_CLOSE_MS_MAX,
  SUBSCRIBER_MESSAGE_BYTES_MAX,
  SUBSCRIBER_MESSAGE_RECEIVED_BYTES_MAX,
} from "../../../../schemas/limits/events.js";
import { TIME_SLICE_MS } from "../../../../schemas/limits/process.js";
import { FrameMeter, TOO_MANY_FRAMES } from "../frame-meter.js";
import { PingRounds } from "../ping-rounds.js";
import { SocketBuffer } from "../socket-buffers.js";
import { wireText } from "./text.js";
import type { Admission, Broadcaster, SendResult, Socket, SocketHandler, SocketOpener } from "../transport.js";

/** The minimum length of a message that the library sends at once, and to each socket separately. */
const LIBRARY_LARGE_BYTES = 16 * 1024;
/**
 * The number of published messages that the library collects for a socket in one tick. At the next message, the library
 * first sends the collected messages. If one of them does not fit, it would still send the next message, which would
 * then arrive out of order.
 */
const LIBRARY_COLLECTED_MAX = 32;

/**
 * How long the library works at the end of the tick for each member of a topic, as measured. MEMBER_TEXT_MS is added
 * for each text to the member.
 */
const MEMBER_MS = 0.003;
const MEMBER_TEXT_MS = 0.0003;

/**
 * The minimum length of a text that is encoded only once for all sockets. If the text exceeds FRAGMENT_BYTES, it is
 * sent in fragments, as fast as the peer reads. Otherwise the library would allocate memory for the whole text, for
 * each socket, before it sends the first byte.
 */
const LARGE_CHARACTERS = 64 * 1024;
const FRAGMENT_BYTES = 128 * 1024;
/** The length of the beginning of a text that `missed` and `fellBehind` receive. */
const BEGINNING_CHARACTERS = 64;

/**
 * Turns the library's idle timeout off. Without it, the library takes at most 4 s to cut a peer that does not answer a
 * close frame. With an idle timeout of more than 31 s it would take 16 to 20 s, in which the server cannot close the
 * socket either.
 */
const NO_IDLE_TIMEOUT = 0;

/** Numbers of the library: two results of `send`, and the close code for a message that is too big. */
const SENT = 1;
const REFUSED = 2;
const TOO_BIG = 1009;

/** Methods of the library's sockets that its types omit. Each has the same result as `send`. */
interface FragmentSender {
  sendFirstFragment(piece: Uint8Array, isBinary: boolean): number;
  sendFragment(piece: Uint8Array): number;
  sendLastFragment(piece: Uint8Array): number;
}

interface Peer {
  readonly opener: SocketOpener;
  socket: UwsSocket | null;
}

class UwsSocket implements Socket {
  readonly #ws: WebSocket<Peer>;
  readonly #sockets: UwsSockets;
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

  constructor(ws: WebSocket<Peer>, sockets: UwsSockets) {
    this.#ws = ws;
    this.#sockets = sockets;
  }

  serve(opener: SocketOpener): void {
    const handler = opener(this);
    this.#handler = handler;
    // The opener itself may have ended the socket.
    if (this.#closed) handler.closed();
  }

  send(text: string): SendResult {
    if (this.#isEnding() || this.#rest !== null || this.#mustCut) return "refused";
    if (isLarge(text)) return this.#sendLarge(this.#sockets.encode(text));
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
    this.#sockets.leaveLater(this, this.#topic);
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
    this.#sockets.enter(this, topic, position);
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
    this.#sockets.forget(this, this.#topic);
    this.#topic = "";
    this.#handler?.closed();
  }
}

/** Returns whether a `Connection` header of the request has the option `Upgrade` (RFC 9110, 7.8). */
function asksForUpgrade(req: HttpRequest): boolean {
  let asks = false;
  // The library finds only the first of several headers of a name.
  req.forEach((name, value) => {
    if (name === "connection") asks ||= value.split(",").some((option) => option.trim().toLowerCase() === "upgrade");
  });
  return asks;
}

function isLarge(text: string): boolean {
  return text.length >= LARGE_CHARACTERS;
}

function beginningOf(text: string): Uint8Array {
  return Buffer.from(text.slice(0, BEGINNING_CHARACTERS));
}

/**
 * Whether a large text comes after a small one. The library collects small texts. At a large text it sends the
 * collected texts first. Even if one of them did not fit, it then sends the large text, so this order is not safe.
 */
function isMixed(texts: readonly string[]): boolean {
  let small = false;
  for (const text of texts) {
    const large = text.length * 3 >= LIBRARY_LARGE_BYTES && Buffer.byteLength(text) >= LIBRARY_LARGE_BYTES;
    if (large && small) return true;
    small ||= !large;
  }
  return false;
}

/** The sockets of a topic, except those with backpressure. */
interface Members {
  readonly sockets: Set<UwsSocket>;
  /** The position at which the last socket joined. */
  newest: number;
}

/** The sockets of one port. */
export class UwsSockets implements Broadcaster {
  readonly #app: TemplatedApp;
  readonly #onClosed: () => void;
  readonly #all = new Set<UwsSocket>();
  readonly #members = new Map<string, Members>();
  /**
   * The sockets that must leave a topic because of backpressure, each with its topic. They leave the library's topic
   * before the next publish. They cannot leave it at once, because the library reports a dropped message while it
   * iterates over the socket's messages. Leaving would free those messages, and the process would crash.
   */
  readonly #leaving = new Map<UwsSocket, string>();
  readonly #pings = new PingRounds(this.#all);
  /** The number of publishes of large texts that are in progress. A publish may be paused. */
  #publishing = 0;
  /** The last large text and its bytes. The text is encoded once, and the bytes are used for every socket. */
  #encoded: { readonly text: string; readonly bytes: Uint8Array } | null = null;

  /**
   * @param onClosed called for each socket that is closed
   */
  constructor(app: TemplatedApp, onClosed: () => void = () => undefined) {
    this.#app = app;
    this.#onClosed = onClosed;
  }

  *publish(topic: string, texts: readonly string[], position: number): Generator<number, number, undefined> {
    const members = this.#members.get(topic);
    if (members === undefined) return 0;
    // Count the sockets that are served. A socket that gets backpressure during the publish counts, because its handler
    // sends the missed texts.
    const { sockets, newest } = members;
    const { size } = sockets;
    const cost = size * (MEMBER_MS + texts.length * MEMBER_TEXT_MS);
    const large = texts.some(isLarge);
    if (
      newest < position &&
      cost <= TIME_SLICE_MS &&
      !large &&
      texts.length <= LIBRARY_COLLECTED_MAX &&
      !isMixed(texts)
    ) {
      for (const text of texts) {
        this.#unsubscribeLeaving();
        this.#app.publish(topic, wireText(text), false);
      }
      yield cost;
      return size;
    }
    return yield* large ? this.#publishLarge(topic, texts, position) : this.#publishEach(topic, texts, position);
  }

  /** Sends texts to one socket after the other. Sockets may join and leave during a pause. */
  *#publishEach(topic: string, texts: readonly string[], position: number): Generator<number, number, undefined> {
    const encoded = texts.map((text) => Buffer.from(text));
    let served = 0;
    for (const member of this.#members.get(topic)?.sockets ?? []) {
      if (!member.takes(topic, position)) continue;
      member.sendEach(encoded);
      if (!member.hasRoom()) member.cut();
      served += 1;
      yield 0;
    }
    return served;
  }

  /** Like `#publishEach`, for texts some of which are large. */
  *#publishLarge(topic: string, texts: readonly string[], position: number): Generator<number, number, undefined> {
    let served = 0;
    this.#publishing += 1;
    for (const member of this.#members.get(topic)?.sockets ?? []) {
      if (!member.takes(topic, position)) continue;
      member.give(texts);
      served += 1;
      yield 0;
    }
    this.#publishing -= 1;
    this.#forgetEncoded();
    return served;
  }

  /**
   * Returns the bytes of a large text. The bytes are kept until the end of this tick and of all publishes in progress.
   */
  encode(text: string): Uint8Array {
    if (this.#encoded?.text === text) return this.#encoded.bytes;
    const bytes = Buffer.from(text);
    if (this.#encoded === null) setImmediate(() => this.#forgetEncoded());
    this.#encoded = { text, bytes };
    return bytes;
  }

  #forgetEncoded(): void {
    if (this.#publishing === 0) this.#encoded = null;
  }

  enter(socket: UwsSocket, topic: string, position: number): void {
    const members = this.#members.get(topic);
    if (members === undefined) this.#members.set(topic, { sockets: new Set([socket]), newest: position });
    else {
      members.sockets.add(socket);
      members.newest = position;
    }
    // A socket in `#leaving` is still in the library's topic, so it need not subscribe again.
    if (!this.#leaving.delete(socket)) socket.subscribe(topic);
  }

  /** Removes a socket with backpressure from a topic. The socket leaves the library's topic before the next publish. */
  leaveLater(socket: UwsSocket, topic: string): void {
    this.#leave(socket, topic);
    this.#leaving.set(socket, topic);
  }

  /** Removes a closed socket. */
  forget(socket: UwsSocket, topic: string): void {
    if (topic !== "") this.#leave(socket, topic);
    this.#leaving.delete(socket);
    this.#all.delete(socket);
  }

  /** Accepts upgrades on a path. */
  listen(pattern: string, admit: (res: HttpResponse, req: HttpRequest) => Admission | Promise<Admission>): void {
    this.#app.ws<Peer>(pattern, {
      maxPayloadLength: SUBSCRIBER_MESSAGE_RECEIVED_BYTES_MAX,
      idleTimeout: NO_IDLE_TIMEOUT,
      sendPingsAutomatically: false,
      // A single unsent byte counts as backpressure. Until the socket has drained, its handler keeps the texts.
      maxBackpressure: 1,
      upgrade: (res, req, context: us_socket_context_t) => {
        // The library checks only the key, and neither Upgrade nor Connection. A request without these headers is passed
        // to the route's plain GET, whose answer says what is missing. A proxy treats it as a plain GET, too.
        if (req.getHeader("upgrade").toLowerCase() !== "websocket" || !asksForUpgrade(req)) {
          req.setYield(true);
          return;
        }
        const key = req.getHeader("sec-websocket-key");
        const protocol = req.getHeader("sec-websocket-protocol");
        const extensions = req.getHeader("sec-websocket-extensions");
        const upgrade = (opener: SocketOpener): void =>
          res.upgrade<Peer>({ opener, socket: null }, key, protocol, extensions, context);
        const admitted = admit(res, req);
        if (admitted instanceof Promise)
          void admitted.then((opener) => {
            if (opener !== undefined) res.cork(() => upgrade(opener));
          });
        else if (admitted !== undefined) upgrade(admitted);
      },
      open: (ws) => {
        const peer = ws.getUserData();
        const socket = new UwsSocket(ws, this);
        peer.socket = socket;
        this.#all.add(socket);
        this.#pings.begin();
        socket.serve(peer.opener);
      },
      message: (ws, message) => {
        const { socket } = ws.getUserData();
        if (socket?.received() !== true) return;
        if (message.byteLength > SUBSCRIBER_MESSAGE_BYTES_MAX) socket.end(TOO_BIG, "message too large");
      },
      ping: (ws) => {
        ws.getUserData().socket?.received();
      },
      pong: (ws) => {
        ws.getUserData().socket?.received();
      },
      dropped: (ws, message) => ws.getUserData().socket?.dropped(message),
      drain: (ws) => {
        const { socket } = ws.getUserData();
        // Defer the call because of a fault in the library. If this handler sends only a part of a large message,
        // us_socket_write2 does not record that the write was incomplete. When the handler returns, the library stops
        // polling for "writable", so the rest would never be sent.
        if (socket !== null) setImmediate(() => socket.drained());
      },
      close: (ws) => {
        this.#onClosed();
        ws.getUserData().socket?.closed();
      },
    });
  }

  /** Sends a close frame to all sockets. */
  end(code: number, reason: string): void {
    for (const socket of [...this.#all]) socket.end(code, reason);
  }

  /** Stops the pings after the port has closed. */
  close(): void {
    this.#pings.end();
  }

  #unsubscribeLeaving(): void {
    if (this.#leaving.size === 0) return;
    for (const [socket, topic] of this.#leaving) socket.unsubscribe(topic);
    this.#leaving.clear();
  }

  #leave(socket: UwsSocket, topic: string): void {
    const members = this.#members.get(topic);
    members?.sockets.delete(socket);
    if (members?.sockets.size === 0) this.#members.delete(topic);
  }
}
