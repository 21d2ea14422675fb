/**
 * Defines the interface of an HTTP library. A port passes requests to the routes of its router. An exchange is one
 * request with its answer. A socket is a WebSocket, and can join a topic, which is a list of sockets that get the same
 * texts. Each library has its own folder, and no other code knows which library is used. Types only.
 */
import type { Address } from "../config/address.js";
import type { Failure } from "../../base/result.js";
import type { BodyReceiver } from "./body-collector.js";
import type { BodyStream } from "./body-stream.js";
import type { ConnectionLimit } from "./connection-limit.js";
import type { WireReply } from "./reply.js";

export type HttpMethod = "GET" | "PUT" | "POST" | "PATCH" | "DELETE";

/** One request and its answer on the wire. */
export interface Exchange {
  /**
   * Returns a header by its lower-case name; "" if it is missing. If the header has several lines, they are joined to
   * one list.
   */
  header(name: string): string;
  /** Whether the request has a header of this name. Its value may be empty. */
  has(name: string): boolean;
  /** The path as sent. `path`, `query` and `verb` are valid until `detach`. */
  readonly path: string;
  /** The part of the URL after `?`. */
  readonly query: string | undefined;
  /** The method in lower case. */
  readonly verb: string;
  /**
   * The address of the client's end of the connection, as the system writes it. Behind a proxy it is the address of the
   * proxy. After the answer it is "".
   */
  readonly peer: string;
  /** Whether the answer has started or the client has disconnected. */
  readonly ended: boolean;
  /** Whether a long answer is being written. The listeners of `onAbort` are also called at its end. */
  readonly streaming: boolean;
  /** Keeps the exchange open after the handler has returned. If the answer comes later, the handler must call this. */
  detach(): void;
  /**
   * Adds a listener. It is called if the client disconnects before it has received the whole answer, and at the end of
   * a long answer.
   */
  onAbort(listener: () => void): void;
  /**
   * The failure that refuses the request without reading its body; null if the request may be executed. A request is
   * refused if a proxy may read it differently from the server, or may see its end at another byte. The connection is
   * closed after the answer.
   */
  readonly fault: Failure | null;
  /** Whether the handler must wait until the whole body has arrived, even if it does not use the body. */
  readonly bodyFirst: boolean;
  /**
   * Stops reading the body until a handler requests the body or the request is answered. Bytes in flight still arrive.
   * Must be called before the handler returns.
   */
  holdBody(): void;
  /** Collects the whole body. Must be called before the handler returns, unless `holdBody` was called. */
  receive(receiver: BodyReceiver): void;
  /**
   * Streams the body. Must be called before the handler returns, unless `holdBody` was called. `onPiece` is called
   * after each piece.
   */
  stream(onPiece: () => void): BodyStream;
  /**
   * Whether a client whose request was refused is still sending its body. It gets time to read the answer, and then its
   * connection is cut.
   */
  readonly lingers: boolean;
  /** Closes the connection after the answer. The rest of the body is not read. */
  closeAfterAnswer(): void;
  /** Sends the answer. */
  send(reply: WireReply): void;
  /** Breaks the connection. Called if no answer would be correct. */
  cut(): void;
}

/**
 * The result of sending a text. "sent": the text was sent. "behind": it was sent, and now the socket has backpressure.
 * "refused": it was not sent.
 */
export type SendResult = "sent" | "behind" | "refused";

/** An accepted WebSocket. */
export interface Socket {
  send(text: string): SendResult;
  /**
   * Subscribes the socket to a topic. The socket gets the topic's texts until it has backpressure.
   * @param position the id of an event. The socket gets only later events through the topic
   */
  join(topic: string, position: number): void;
  /** Sends a close frame. */
  end(code: number, reason: string): void;
}

/** Serves one WebSocket. */
export interface SocketHandler {
  /**
   * Called when a text of the topic was not sent, because the socket had no room for it. The socket has left the topic.
   * @param text the beginning of the text, long enough to contain the first `"id"` in it
   */
  missed(text: Uint8Array): void;
  /**
   * Called when a text of the topic was sent, and now the socket has backpressure. The socket has left the topic.
   * @param text as in `missed`
   */
  fellBehind(text: Uint8Array): void;
  /** Called when the socket has room again. */
  drained(): void;
  closed(): void;
}

/** Called when an accepted WebSocket is open. Returns the handler for the events of the socket. */
export type SocketOpener = (socket: Socket) => SocketHandler;

/**
 * How a request to upgrade ended: with a function that opens the socket, or undefined. It is undefined if the request
 * was refused and answered, or if its client has disconnected.
 */
export type Admission = SocketOpener | undefined;

/** Sends texts to all sockets of a port that are members of a topic. */
export interface Broadcaster {
  /**
   * Sends texts in order, step by step. Between two steps the caller may pause, and continue in a later tick. Each step
   * yields an estimate in ms: how long the HTTP library will work on the step later in this tick. A pause must end
   * before the next call for the same topic.
   * @param position the id of the last event in the texts. A socket that joined the topic at this position or a later
   * one does not get the texts
   * @returns the number of sockets that got the texts, or whose handlers were notified by `missed` or `fellBehind`
   */
  publish(topic: string, texts: readonly string[], position: number): Generator<number, number, undefined>;
}

/** One route of a port's router. */
export interface RouterRow {
  readonly method: HttpMethod;
  /** The pattern of the path. `:name` matches one non-empty segment. A final `*` matches the rest of the path. */
  readonly pattern: string;
  serve(exchange: Exchange): void;
  /** Decides whether a request may upgrade to WebSocket. */
  readonly admit?: (exchange: Exchange) => Admission | Promise<Admission>;
}

export interface PortOptions {
  /** The routes. GET routes also serve HEAD. If several routes match, the one with more literal segments is used. */
  readonly rows: readonly RouterRow[];
  /** Handles requests that match no route. */
  unrouted(exchange: Exchange): void;
  /** Counts the connections of all ports, WebSockets included. */
  readonly connections: ConnectionLimit;
}

/** A listening port. */
export interface ListeningPort extends Broadcaster {
  /**
   * Binds only this address. For `localhost` it binds the IPv4 address and, if the machine has IPv6, also the IPv6
   * address.
   * @returns the port number; undefined if the port is in use
   */
  listen(address: Address): Promise<number | undefined>;
  /** Stops accepting new connections. */
  stop(): void;
  /** Sends a close frame to the port's sockets. */
  endSockets(code: number, reason: string): void;
  /** Breaks every connection. */
  close(): void;
}

export interface Transport {
  /** Loads the modules that the transport would otherwise load at their first use. */
  loadAll?(): Promise<unknown>;
  openPort(options: PortOptions): ListeningPort;
}
