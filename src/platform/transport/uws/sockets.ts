/**
 * Implements the WebSockets of one port with uWebSockets.js and its native topics (socket.ts has the single socket). The
 * library sends all texts of one tick to all members of a topic at once, which costs a fraction of a separate send to
 * each member. It cannot pause, so it gets only as many texts as it can send within a time slice. If there are more
 * texts or members, this class sends the texts socket by socket. If a socket has backpressure, the library drops the
 * messages for it, and reports only the first dropped message of a tick. The socket's handler is notified of that
 * message. The handler must then send that message and all later ones itself.
 */
import type { HttpRequest, HttpResponse, TemplatedApp, us_socket_context_t } from "uWebSockets.js";
import {
  SUBSCRIBER_MESSAGE_BYTES_MAX,
  SUBSCRIBER_MESSAGE_RECEIVED_BYTES_MAX,
} from "../../../../schemas/limits/events.js";
import { TIME_SLICE_MS } from "../../../../schemas/limits/process.js";
import { PingRounds } from "../ping-rounds.js";
import { isLarge, UwsSocket, type Peer, type SocketPort } from "./socket.js";
import { wireText } from "./text.js";
import type { Admission, Broadcaster, SocketOpener } from "../transport.js";

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

/** The versions of the WebSocket protocol that are served. Their frames are equal. `ws` accepts the same versions. */
const WEBSOCKET_VERSIONS: ReadonlySet<string> = new Set(["13", "8"]);

/**
 * Turns the library's idle timeout off. Without it, the library takes at most 4 s to cut a peer that does not answer a
 * close frame. With an idle timeout of more than 31 s it would take 16 to 20 s, in which the server cannot close the
 * socket either.
 */
const NO_IDLE_TIMEOUT = 0;

/** The close code for a message that is too big. */
const TOO_BIG = 1009;

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

/** Returns whether a request asks for a WebSocket of a served version (RFC 9110, 7.8, and RFC 6455, 4.2.1). */
function asksForWebSocket(req: HttpRequest): boolean {
  if (req.getHeader("upgrade").toLowerCase() !== "websocket") return false;
  if (!WEBSOCKET_VERSIONS.has(req.getHeader("sec-websocket-version"))) return false;
  let asks = false;
  // `getHeader` finds only the first of several headers of a name.
  req.forEach((name, value) => {
    if (name === "connection") asks ||= value.split(",").some((option) => option.trim().toLowerCase() === "upgrade");
  });
  return asks;
}

/** The sockets of a topic, except those with backpressure. */
interface Members {
  readonly sockets: Set<UwsSocket>;
  /** The position at which the last socket joined. */
  newest: number;
}

/** The sockets of one port. */
export class UwsSockets implements Broadcaster, SocketPort {
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
        // The library checks only the key. A request without the headers Upgrade and Connection, or with another version
        // of the protocol, is passed to the route's plain GET, whose answer is a 426. A proxy treats it as a plain GET,
        // too.
        if (!asksForWebSocket(req)) {
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
