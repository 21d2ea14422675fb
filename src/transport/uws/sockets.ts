/**
 * WebSockets over uWebSockets.js, and its native topics: what is published in one turn of the loop goes out to
 * all members of a topic at once, at a fraction of what a send to each would cost.
 *
 * The library says of a socket that is behind only which message of a turn was the first to be dropped
 * and skips the turn's others without a word: the handler hears which, and has to see to the rest.
 */
import type { HttpRequest, HttpResponse, TemplatedApp, WebSocket, us_socket_context_t } from "uWebSockets.js";
import {
  SOCKET_CLOSE_MS_MAX,
  SUBSCRIBER_MESSAGE_BYTES_MAX,
  SUBSCRIBER_MESSAGE_RECEIVED_BYTES_MAX,
} from "../../../schemas/limits.js";
import { LaterSockets } from "../later-sockets.js";
import { PingRounds } from "../ping-rounds.js";
import { SocketBuffer } from "../socket-buffers.js";
import { wireText } from "./text.js";
import type { Admission, Broadcaster, SendResult, Socket, SocketHandler, SocketOpener } from "../transport.js";

/** From this length on the library sends a published message at once, and to each socket by itself. */
const LIBRARY_LARGE_BYTES = 16 * 1024;
/**
 * So many published messages the library collects for a socket in a turn. With the next one it sends them off and
 * keeps that one: where one of them does not fit, the one that it kept would still go out, before its time.
 */
const LIBRARY_COLLECTED_MAX = 32;

/**
 * A text of so many characters is given to sockets in turns, and turned into bytes once. One of more than a fragment is
 * sent in fragments, as the socket takes them: the library would take memory for the whole of it, for each socket,
 * before it sends the first byte.
 */
const LARGE_CHARACTERS = 64 * 1024;
const FRAGMENT_BYTES = 128 * 1024;
/** How much of a text `missed` and `fellBehind` are told. */
const BEGINNING_CHARACTERS = 64;

/**
 * Without an idle timeout the library cuts a peer that does not answer a close frame after at most 4 s; with one of
 * more than 31 s after 16 to 20 s. It offers no other way: a socket that was ended cannot be closed any more.
 */
const NO_IDLE_TIMEOUT = 0;

/** The library's own numbers. */
const SENT = 1;
const REFUSED = 2;
const TOO_BIG = 1009;

/** What the library's sockets have beside what its types say; each gives back what `send` does. */
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
  /** The topic that it is in; "" for none. */
  #topic = "";
  #heard = true;
  /** The close frame that waits until the socket has taken what it was sent before. */
  #goodbye: { readonly code: number; readonly reason: string; readonly timer: NodeJS.Timeout } | null = null;
  /** A copy of what was left of a large text; null where there is none. Until it is sent nothing else may be. */
  #rest: Uint8Array | null = null;
  /** How much of it was sent. */
  #rest_sent = 0;
  /** It is to be cut: there was no room for what is left of a large text. */
  #doomed = false;

  constructor(ws: WebSocket<Peer>, sockets: UwsSockets) {
    this.#ws = ws;
    this.#sockets = sockets;
  }

  serve(opener: SocketOpener): void {
    const handler = opener(this);
    this.#handler = handler;
    // The opener itself has ended it.
    if (this.#closed) handler.closed();
  }

  send(text: string): SendResult {
    if (this.#isEnding() || this.#rest !== null || this.#doomed) return "refused";
    if (isLarge(text)) return this.#sendLarge(this.#sockets.encode(text));
    const status = this.#ws.send(wireText(text), false);
    // Not here: who sends may be in the middle of it.
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
      this.#doomed = true;
      // Not here: who sends may be in the middle of it.
      setImmediate(() => this.cut());
    } else if (left > 0) {
      this.#rest = Buffer.from(bytes.subarray(sent));
      this.#rest_sent = 0;
    }
    return "behind";
  }

  /** Sends what follows the first fragment; how far it came before the socket was behind. */
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

  /** Sends texts of its topic, some of them large; of the first that does not fit it is told. */
  give(texts: readonly string[]): void {
    for (const text of texts) {
      // Of what the library refuses it tells `dropped`.
      const result = this.send(text);
      if (this.#topic === "" || this.#doomed) return;
      if (result === "refused") {
        this.putOff(text);
        return;
      }
      if (this.#rest === null) continue;
      // In the topic it would get what is published next in the middle of this text.
      this.#leaveTopic();
      this.#handler?.fellBehind(beginningOf(text));
    }
  }

  /** Does not get a text of its topic in this turn: its handler takes over, from this text on. */
  putOff(text: string): void {
    this.#leaveTopic();
    this.#handler?.missed(beginningOf(text));
  }

  #leaveTopic(): void {
    this.#sockets.excuse(this, this.#topic);
    this.#topic = "";
  }

  /** Sends texts to this socket alone, in order; of the first that does not fit `dropped` is told. */
  sendEach(texts: readonly Uint8Array[]): void {
    this.#ws.cork(() => {
      for (const text of texts) if (this.#ws.send(text, false) === REFUSED) return;
    });
  }

  /** Counts what the socket has not taken; false where there is no room for it. */
  hasRoom(): boolean {
    return this.#takeRoom(this.#rest?.byteLength ?? 0);
  }

  /** @param left bytes that are kept of a large text */
  #takeRoom(left: number): boolean {
    return this.#closed || this.#buffer.set(this.#ws.getBufferedAmount() + left);
  }

  cut(): void {
    if (!this.#closed) this.#ws.close();
  }

  join(topic: string): void {
    if (this.#isEnding()) return;
    this.#topic = topic;
    this.#sockets.enter(this, topic);
  }

  /** Sends the close frame. The library drops one that does not fit: it waits for room then, but not for long. */
  end(code: number, reason: string): void {
    if (this.#isEnding()) return;
    if (this.#rest === null && this.#ws.getBufferedAmount() === 0) {
      this.#ws.end(code, reason);
      return;
    }
    this.#goodbye = { code, reason, timer: setTimeout(() => this.cut(), SOCKET_CLOSE_MS_MAX) };
    if (this.#topic !== "") this.#leaveTopic();
  }

  /** A sign of life has come. */
  heard(): void {
    this.#heard = true;
  }

  check(): void {
    if (this.#isEnding()) return;
    if (!this.#heard) {
      this.cut();
      return;
    }
    this.#heard = false;
    this.#ws.ping();
  }

  #isEnding(): boolean {
    return this.#closed || this.#goodbye !== null;
  }

  subscribe(topic: string): void {
    this.#ws.subscribe(topic);
  }

  /** Leaves the topic in earnest; see UwsSockets.leaving. */
  unsubscribe(topic: string): void {
    this.#ws.unsubscribe(topic);
  }

  /** A published message did not fit the socket. */
  dropped(message: ArrayBuffer): void {
    // What was sent to it alone is known to be refused from the send's own result.
    if (this.#topic === "") return;
    // Not here: the library is at this socket.
    if (!this.hasRoom()) setImmediate(() => this.cut());
    this.#leaveTopic();
    this.#handler?.missed(new Uint8Array(message));
  }

  drained(): void {
    if (this.#closed || this.#doomed) return;
    if (this.#rest !== null && this.#ws.getBufferedAmount() === 0) {
      this.#rest_sent = this.#sendFragments(this.#rest, this.#rest_sent);
      if (this.#rest_sent === this.#rest.byteLength) this.#rest = null;
    }
    if (!this.hasRoom()) this.cut();
    else if (this.#rest !== null || this.#ws.getBufferedAmount() > 0) return;
    else if (this.#goodbye === null) this.#handler?.drained();
    else this.#ws.end(this.#goodbye.code, this.#goodbye.reason);
  }

  closed(): void {
    this.#closed = true;
    clearTimeout(this.#goodbye?.timer);
    this.#rest = null;
    this.#buffer.set(0);
    this.#sockets.forget(this, this.#topic);
    this.#topic = "";
    this.#handler?.closed();
  }
}

function isLarge(text: string): boolean {
  return text.length >= LARGE_CHARACTERS;
}

function beginningOf(text: string): Uint8Array {
  return Buffer.from(text.slice(0, BEGINNING_CHARACTERS));
}

/**
 * Whether a large text comes after a small one. The library collects small ones and sends a large one at
 * once, after those that it has collected; where one of these does not fit it sends the large one all the same.
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

/** The sockets of one port. */
export class UwsSockets implements Broadcaster {
  readonly #app: TemplatedApp;
  readonly #onClosed: () => void;
  readonly #all = new Set<UwsSocket>();
  /** The sockets of each topic that keep up. */
  readonly #members = new Map<string, Set<UwsSocket>>();
  /**
   * Sockets that fell behind since the last publish, with the topic that they are to leave. The library tells of a
   * dropped message while it walks over the socket's messages: leaving the topic there frees what it walks over
   * and ends the process. They leave before anything else could reach them by the topic.
   */
  readonly #leaving = new Map<UwsSocket, string>();
  readonly #pings = new PingRounds(this.#all);
  readonly #later = new LaterSockets(() => {
    this.#encoded = null;
  });
  /** The large text that was sent last, as bytes: it goes to one socket after the other. */
  #encoded: { readonly text: string; readonly bytes: Uint8Array } | null = null;

  /** @param onClosed told of each socket that is closed */
  constructor(app: TemplatedApp, onClosed: () => void = () => undefined) {
    this.#app = app;
    this.#onClosed = onClosed;
  }

  publish(topic: string, texts: readonly string[]): number {
    const members = this.#members.get(topic);
    if (members === undefined) return 0;
    // Those who fall behind while it is sent are told of what they miss.
    const { size } = members;
    if (texts.some(isLarge)) {
      this.#publishLarge(members, texts);
      return size;
    }
    if (texts.length > LIBRARY_COLLECTED_MAX || isMixed(texts)) {
      const encoded = texts.map((text) => Buffer.from(text));
      for (const member of members) {
        member.sendEach(encoded);
        if (!member.hasRoom()) member.cut();
      }
      return size;
    }
    for (const text of texts) {
      this.#letGo();
      this.#app.publish(topic, wireText(text), false);
    }
    return size;
  }

  /** To those who are not reached in this turn's share it is as if they were behind: they get it in a later turn. */
  #publishLarge(members: ReadonlySet<UwsSocket>, texts: readonly string[]): void {
    const [first = ""] = texts;
    for (const member of [...members]) {
      if (!this.#later.isOver) {
        member.give(texts);
        continue;
      }
      member.putOff(first);
      this.#later.add(() => member.drained());
    }
  }

  /** A large text as bytes. */
  encode(text: string): Uint8Array {
    if (this.#encoded?.text === text) return this.#encoded.bytes;
    const bytes = Buffer.from(text);
    // They are kept for as long as sockets wait for them, and for this turn at least.
    if (this.#encoded === null) this.#later.add(() => undefined);
    this.#encoded = { text, bytes };
    return bytes;
  }

  enter(socket: UwsSocket, topic: string): void {
    const members = this.#members.get(topic);
    if (members === undefined) this.#members.set(topic, new Set([socket]));
    else members.add(socket);
    // Nothing was published since it wanted to leave: it is still in.
    if (!this.#leaving.delete(socket)) socket.subscribe(topic);
  }

  /** A socket of the topic fell behind. */
  excuse(socket: UwsSocket, topic: string): void {
    this.#leave(socket, topic);
    this.#leaving.set(socket, topic);
  }

  /** A socket was closed. */
  forget(socket: UwsSocket, topic: string): void {
    if (topic !== "") this.#leave(socket, topic);
    this.#leaving.delete(socket);
    this.#all.delete(socket);
  }

  /** Takes upgrades on a path. */
  listen(pattern: string, admit: (res: HttpResponse, req: HttpRequest) => Admission | Promise<Admission>): void {
    this.#app.ws<Peer>(pattern, {
      maxPayloadLength: SUBSCRIBER_MESSAGE_RECEIVED_BYTES_MAX,
      idleTimeout: NO_IDLE_TIMEOUT,
      sendPingsAutomatically: false,
      // Any byte the socket has not taken counts as behind; what is behind is the handler's to keep.
      maxBackpressure: 1,
      upgrade: (res, req, context: us_socket_context_t) => {
        // The library goes by the key alone; without the header it is the route's plain GET, which says what is
        // missing.
        if (req.getHeader("upgrade").toLowerCase() !== "websocket") {
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
        socket?.heard();
        if (message.byteLength > SUBSCRIBER_MESSAGE_BYTES_MAX) socket?.end(TOO_BIG, "message too large");
      },
      ping: (ws) => ws.getUserData().socket?.heard(),
      pong: (ws) => ws.getUserData().socket?.heard(),
      dropped: (ws, message) => ws.getUserData().socket?.dropped(message),
      drain: (ws) => {
        const { socket } = ws.getUserData();
        // Outside of the library's handler: of a large message that is sent there in part only, it forgets the rest
        // (us_socket_write2 does not note that a write failed, so the poll for "writable" is given up when the
        // handler returns).
        if (socket !== null) setImmediate(() => socket.drained());
      },
      close: (ws) => {
        this.#onClosed();
        ws.getUserData().socket?.closed();
      },
    });
  }

  /** Says goodbye to everyone. */
  end(code: number, reason: string): void {
    for (const socket of [...this.#all]) socket.end(code, reason);
  }

  /** The port has closed. */
  close(): void {
    this.#pings.end();
  }

  #letGo(): void {
    if (this.#leaving.size === 0) return;
    for (const [socket, topic] of this.#leaving) socket.unsubscribe(topic);
    this.#leaving.clear();
  }

  #leave(socket: UwsSocket, topic: string): void {
    const members = this.#members.get(topic);
    members?.delete(socket);
    if (members?.size === 0) this.#members.delete(topic);
  }
}
