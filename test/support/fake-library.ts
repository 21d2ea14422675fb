/**
 * Simulates the topics and sockets of the WebSocket library without a network, as far as the fan-out relies on them.
 * The messages of a tick are collected for each socket. They are sent at the end of the tick, or earlier if a socket
 * has 32 messages or if a message is large. If a socket has backpressure, only the first collected message is reported
 * as dropped, and the others are skipped silently. But a message that is sent to a single socket is still accepted.
 * Messages that were collected for a socket are sent even after the socket has left the topic. A socket that did not
 * accept all collected messages may have room again as soon as they were sent, before its drain handler runs. A large
 * message that is sent in part within a drain handler is never completed. `taken` has the messages that a socket has
 * accepted. Pure.
 */
import type { HttpRequest, HttpResponse, TemplatedApp, WebSocket, WebSocketBehavior } from "uWebSockets.js";
import { must } from "../../src/base/assert.js";
import type { Sink } from "../../src/platform/transport/reply.js";

/** The number of messages that the library collects for one socket before it sends them. */
const COLLECTED_MAX = 32;
/** The message length from which a message is sent at once. */
export const LARGE_CHARACTERS = 16 * 1024;

const BACKPRESSURE = 0;
const SENT = 1;
const REFUSED = 2;

/**
 * A connection that accepts `room` more messages, and one more into its buffer. Then it has backpressure until it is
 * drained.
 */
class Connection {
  readonly taken: string[] = [];
  #room: number;
  #hasBackpressure = false;

  constructor(room: number) {
    this.#room = room;
  }

  get hasBackpressure(): boolean {
    return this.#hasBackpressure;
  }

  take(...texts: readonly string[]): boolean {
    this.taken.push(...texts);
    if (this.#room > 0) this.#room -= 1;
    else this.#hasBackpressure = true;
    return !this.#hasBackpressure;
  }

  drain(room: number): void {
    this.#room = room;
    this.#hasBackpressure = false;
  }

  /** Ends the backpressure: the waiting messages were sent at the end of a batch. The drain handler has not run yet. */
  relent(): void {
    this.#hasBackpressure = false;
  }
}

export class FakeSocket<UserData> {
  readonly #library: FakeLibrary<UserData>;
  readonly #connection: Connection;
  readonly #userData: UserData;
  readonly topics = new Set<string>();
  collected: string[] = [];
  closed: number | null = null;
  /** Whether the drain handler of the socket is running. */
  #drains = false;
  /** Whether a large message was sent in part while the drain handler ran. */
  #forgotten = false;

  constructor(library: FakeLibrary<UserData>, userData: UserData, room: number) {
    this.#library = library;
    this.#userData = userData;
    this.#connection = new Connection(room);
  }

  get taken(): readonly string[] {
    return this.#connection.taken;
  }

  getUserData(): UserData {
    return this.#userData;
  }

  subscribe(topic: string): void {
    this.topics.add(topic);
  }

  unsubscribe(topic: string): void {
    if (this.#library.walks === this) throw new Error("the library does not survive this");
    this.topics.delete(topic);
  }

  /**
   * Returns the amount of data that the peer has not accepted. It counts messages, because the tests do not depend on
   * their length.
   */
  getBufferedAmount(): number {
    return this.#connection.hasBackpressure ? 1 : 0;
  }

  cork(write: () => void): this {
    write();
    return this;
  }

  send(message: string | Uint8Array): number {
    const text = typeof message === "string" ? message : Buffer.from(message).toString();
    if (this.#connection.hasBackpressure) {
      void this.#library.behavior.dropped?.(this.asSocket(), new TextEncoder().encode(text).buffer, false);
      return REFUSED;
    }
    this.flush();
    // The library accepts this message into its own buffer, even if it has dropped collected messages.
    if (this.#connection.take(text)) return SENT;
    this.#forgotten = this.#drains && text.length >= LARGE_CHARACTERS;
    return BACKPRESSURE;
  }

  /** Sends the collected messages until the first one is refused. */
  flush(): void {
    const collected = this.collected;
    this.collected = [];
    const walked = this.#library.walks;
    this.#library.walks = this;
    const refused = collected.some((text) => this.send(text) === REFUSED);
    this.#library.walks = walked;
    if (refused) this.#connection.relent();
  }

  /** The peer reads, so the socket has room again. */
  drain(room: number): void {
    if (this.#forgotten) throw new Error("the library does not ask any more when this socket is writable");
    this.#connection.drain(room);
    this.#drains = true;
    this.#library.behavior.drain?.(this.asSocket());
    this.#drains = false;
  }

  end(code: number): void {
    this.closed = code;
  }

  leave(): void {
    this.topics.clear();
    this.collected = [];
    this.#library.sockets.delete(this);
    this.#library.behavior.close?.(this.asSocket(), 1000, new ArrayBuffer(0));
  }

  asSocket(): WebSocket<UserData> {
    return this as unknown as WebSocket<UserData>;
  }
}

export class FakeLibrary<UserData> {
  readonly sockets = new Set<FakeSocket<UserData>>();
  behavior: WebSocketBehavior<UserData> = {};
  /** The socket whose messages are being sent now. */
  walks: FakeSocket<UserData> | null = null;

  ws(_path: string, behavior: WebSocketBehavior<UserData>): void {
    this.behavior = behavior;
  }

  publish(topic: string, text: string): void {
    for (const socket of this.sockets) {
      if (!socket.topics.has(topic)) continue;
      if (text.length >= LARGE_CHARACTERS) {
        this.walks = socket;
        socket.send(text);
        this.walks = null;
        continue;
      }
      if (socket.collected.length === COLLECTED_MAX) socket.flush();
      socket.collected.push(text);
    }
  }

  /** Ends the tick. */
  flush(): void {
    for (const socket of this.sockets) socket.flush();
  }

  /** Simulates a client that requests an upgrade. The upgrade must be accepted. */
  connect(room: number): FakeSocket<UserData> {
    const upgraded: UserData[] = [];
    const headers: Readonly<Record<string, string>> = {
      upgrade: "websocket",
      "sec-websocket-key": "key",
      connection: "Upgrade",
      "sec-websocket-version": "13",
    };
    const response = { upgrade: (userData: UserData) => void upgraded.push(userData) };
    const request = {
      getHeader: (name: string) => headers[name] ?? "",
      forEach: (take: (name: string, value: string) => void) => {
        for (const [name, value] of Object.entries(headers)) take(name, value);
      },
    };
    const { upgrade } = this.behavior;
    void upgrade?.(response as unknown as HttpResponse, request as unknown as HttpRequest, {});
    const socket = new FakeSocket(this, must(upgraded[0], "the upgrade is let pass"), room);
    this.sockets.add(socket);
    void this.behavior.open?.(socket.asSocket());
    return socket;
  }

  asApp(): TemplatedApp {
    return this as unknown as TemplatedApp;
  }
}

/** The answer of a stream. Comments take no room, and data that is written together takes the room of one message. */
export class FakeSink implements Sink {
  readonly #connection: Connection;
  #drained: () => void = () => undefined;
  #closed: () => void = () => undefined;
  ended = false;

  constructor(room: number) {
    this.#connection = new Connection(room);
  }

  get taken(): readonly string[] {
    return this.#connection.taken;
  }

  write(piece: string | Uint8Array): boolean {
    const text = typeof piece === "string" ? piece : Buffer.from(piece).toString();
    if (text.startsWith(":")) return !this.#connection.hasBackpressure;
    if (this.#connection.hasBackpressure) throw new Error("written to a connection with backpressure");
    return this.#connection.take(...text.split(/(?<=\n\n)/));
  }

  end(): void {
    this.ended = true;
    this.#closed();
  }

  onDrain(listener: () => void): void {
    this.#drained = listener;
  }

  onClose(listener: () => void): void {
    this.#closed = listener;
  }

  drain(room: number): void {
    this.#connection.drain(room);
    this.#drained();
  }

  leave(): void {
    this.#closed();
  }
}
