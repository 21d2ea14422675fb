/**
 * The interface of an HTTP library: a port that passes requests to the rows of a router, exchanges that are read and
 * answered, and sockets that share topics. Each library has its own folder; no other code knows which one is used.
 * Types only.
 */
import type { Address } from "../config/address.js";
import type { Failure } from "../base/result.js";
import type { BodyReceiver } from "./body-collector.js";
import type { BodyStream } from "./body-stream.js";
import type { ConnectionLimit } from "./connection-limit.js";
import type { WireReply } from "./reply.js";

export type HttpMethod = "GET" | "PUT" | "POST" | "PATCH" | "DELETE";

/** One request and its answer on the wire. */
export interface Exchange {
  /** Returns a header by its lower-case name, several lines of it as one list; "" if it is missing. */
  header(name: string): string;
  /** Whether there is a header of this name, empty or not. */
  has(name: string): boolean;
  /** The path as sent. This and the next two are valid until `detach`. */
  readonly path: string;
  /** The part after `?`. */
  readonly query: string | undefined;
  /** The method in lower case. */
  readonly verb: string;
  /**
   * The address of the socket's other end, as the system writes it. Behind a proxy it is the address of the proxy.
   * After the answer it is "".
   */
  readonly peer: string;
  /** True once the answer has started or the client has gone. */
  readonly ended: boolean;
  /** True while a long answer is being written; `onAbort` also reports its end. */
  readonly streaming: boolean;
  /** Announces that the answer will come after the handler has returned. */
  detach(): void;
  /** Called when the client has gone before it got the whole answer, or when a long answer has ended. */
  onAbort(listener: () => void): void;
  /**
   * Why the request must not be executed, whatever it asks for: a proxy may read the request in another way than the
   * server, or find its end at another place. The body must not be read, and the connection ends with the answer. Null
   * if the request may be executed.
   */
  readonly fault: Failure | null;
  /** Whether the request must be handled only after its body has arrived, even if the handler does not use the body. */
  readonly body_first: boolean;
  /**
   * Stops reading the body until it is requested or the request is answered. Bytes in flight still arrive. Must be
   * called before the handler returns.
   */
  holdBody(): void;
  /** Collects the body. Must be called before the handler returns, or while the body is held. */
  receive(receiver: BodyReceiver): void;
  /**
   * Streams the body. Must be called before the handler returns, or while the body is held. `onPiece` is called after
   * each piece.
   */
  stream(onPiece: () => void): BodyStream;
  /** True while a refused client still sends. It gets time to read its answer, and is then cut off. */
  readonly lingers: boolean;
  /** Ends the connection with the answer; the rest of the body is not read. */
  closeAfterAnswer(): void;
  /** Sends the answer. */
  send(reply: WireReply): void;
  /** Breaks the connection, because no answer would be correct. */
  cut(): void;
}

/**
 * The result of sending a text. "behind" means that it was sent and that the socket now has backpressure. "refused"
 * means that it was not sent.
 */
export type SendResult = "sent" | "behind" | "refused";

/** An accepted WebSocket. */
export interface Socket {
  send(text: string): SendResult;
  /** Subscribes the socket to a topic. It gets the published texts while it has no backpressure. */
  join(topic: string): void;
  /** Sends a close frame. */
  end(code: number, reason: string): void;
}

/** Serves one WebSocket. */
export interface SocketHandler {
  /**
   * Called when a text of the topic was not sent, because it did not fit. The socket has left the topic.
   * @param text the beginning of the text, at least its first `{"id":…`
   */
  missed(text: Uint8Array): void;
  /**
   * Called when a text of the topic was sent and the socket has backpressure now. The socket has left the topic.
   * @param text as in `missed`
   */
  fellBehind(text: Uint8Array): void;
  /** The socket has room again. */
  drained(): void;
  closed(): void;
}

/** Created by a route that accepts an upgrade. Serves the socket once it is open. */
export type SocketOpener = (socket: Socket) => SocketHandler;

/** The result of an upgrade request: undefined if it was refused and answered, or if its client has gone. */
export type Admission = SocketOpener | undefined;

/** Sends texts to all sockets of a port that have joined a topic. */
export interface Broadcaster {
  /** Sends texts in order. Returns the number of sockets in the topic. */
  publish(topic: string, texts: readonly string[]): number;
}

/** One row of a port's router. */
export interface RouterRow {
  readonly method: HttpMethod;
  /** The path to match. `:name` matches one segment that is not empty, and a final `*` matches the rest of the path. */
  readonly pattern: string;
  serve(exchange: Exchange): void;
  /** Decides about requests for an upgrade to WebSocket. */
  readonly admit?: (exchange: Exchange) => Admission | Promise<Admission>;
}

export interface PortOptions {
  /** GET rows also serve HEAD. If several rows match, the one with more literal segments wins. */
  readonly rows: readonly RouterRow[];
  /** Handles requests that match no row. */
  unrouted(exchange: Exchange): void;
  /** Counts the connections of all ports, WebSockets included. */
  readonly connections: ConnectionLimit;
}

/** A listening port. */
export interface ListeningPort extends Broadcaster {
  /**
   * Binds only this address. `localhost` is bound for IPv4 and, if the machine has it, for IPv6.
   * @returns the port number; undefined if the port is in use
   */
  listen(address: Address): Promise<number | undefined>;
  /** Accepts no new connections. */
  stop(): void;
  /** Sends a close frame to the port's sockets. */
  endSockets(code: number, reason: string): void;
  /** Breaks every connection. */
  close(): void;
}

export interface Transport {
  /** Loads the modules that are otherwise loaded at their first use. */
  loadAll?(): Promise<unknown>;
  openPort(options: PortOptions): ListeningPort;
}
