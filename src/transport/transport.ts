/**
 * What the server asks of an HTTP library: a port that hands requests to rows of a router, exchanges that are
 * read and answered, and sockets that share topics. One folder a library; nothing outside of these folders
 * knows which it is. Types only.
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
  /** A header by its lower-case name, several lines of it as one list; "" where absent. */
  header(name: string): string;
  /** Whether there is a header of this name, empty or not. */
  has(name: string): boolean;
  /** The path as sent. Only until `detach`, as the next two. */
  readonly path: string;
  /** What follows `?`. */
  readonly query: string | undefined;
  /** The method in lower case. */
  readonly verb: string;
  /**
   * The address of the socket's other end, as the system writes it: a proxy's own where there is one. Only until the
   * answer; "" behind it.
   */
  readonly peer: string;
  /** True once the answer has begun or the client has gone. */
  readonly ended: boolean;
  /** True while a long answer is being written; `onAbort` tells of its end, too. */
  readonly streaming: boolean;
  /** The answer will come after the handler has returned. */
  detach(): void;
  /** Called when the client has gone before the whole answer, or a long answer is at its end. */
  onAbort(listener: () => void): void;
  /**
   * Why the request is not to be carried out, whatever it asks for: who stands between may see another request, or
   * another end of it, than the server does. Its body is not to be read, and the connection ends with the answer.
   */
  readonly fault: Failure | null;
  /** The request is to be handled when its body has come, also where nobody asked for it. */
  readonly body_first: boolean;
  /**
   * Leaves the body with the client, but for what is on its way, until it is asked for or the request is answered. Must
   * be called before the handler returns.
   */
  holdBody(): void;
  /** Collects the body. Must be called before the handler returns, or when it is held. */
  receive(receiver: BodyReceiver): void;
  /**
   * Hands the body out as it comes. Must be called before the handler returns, or when it is held; `onPiece` is called
   * after each piece.
   */
  stream(onPiece: () => void): BodyStream;
  /** True where the client was refused and sends on: it is given time to read its answer, then to be cut. */
  readonly lingers: boolean;
  /** The connection ends with the answer: what is left of the body is not read. */
  closeAfterAnswer(): void;
  /** Sends the answer. */
  send(reply: WireReply): void;
  /** Breaks the connection: nothing that could be answered would be true. */
  cut(): void;
}

/** What became of a text: sent; sent, and the socket is now behind; or not sent. */
export type SendResult = "sent" | "behind" | "refused";

/** A WebSocket that was accepted. */
export interface Socket {
  send(text: string): SendResult;
  /** From now on it gets what is published to the topic, as long as it keeps up. */
  join(topic: string): void;
  /** Says goodbye with a close code. */
  end(code: number, reason: string): void;
}

/** Who serves one WebSocket. */
export interface SocketHandler {
  /**
   * A text of its topic did not fit, and it has left the topic.
   * @param text the text's beginning, its first `{"id":…` at least
   */
  missed(text: Uint8Array): void;
  /**
   * A text of its topic was sent, the socket is behind with it, and it has left the topic.
   * @param text as of `missed`
   */
  fellBehind(text: Uint8Array): void;
  /** The socket takes more. */
  drained(): void;
  closed(): void;
}

/** Made by a route that lets an upgrade pass: serves the socket once it is open. */
export type SocketOpener = (socket: Socket) => SocketHandler;

/** What became of a request for an upgrade: undefined where it was refused and answered, or its client has gone. */
export type Admission = SocketOpener | undefined;

/** Sends texts to all sockets of a port that have joined a topic. */
export interface Broadcaster {
  /** In order; how many sockets are in the topic. */
  publish(topic: string, texts: readonly string[]): number;
}

/** One row of a port's router. */
export interface RouterRow {
  readonly method: HttpMethod;
  /** Segments; `:name` is any one that is not empty, a last `*` the rest of the path. */
  readonly pattern: string;
  serve(exchange: Exchange): void;
  /** For requests that ask for an upgrade to WebSocket. */
  readonly admit?: (exchange: Exchange) => Admission | Promise<Admission>;
}

export interface PortOptions {
  /** GET rows serve HEAD, too. Of rows that fit, the one with the more literal segments is taken. */
  readonly rows: readonly RouterRow[];
  /** Takes what fits no row. */
  unrouted(exchange: Exchange): void;
  /** Counts the connections of all ports, WebSockets included. */
  readonly connections: ConnectionLimit;
}

/** A port that listens. */
export interface ListeningPort extends Broadcaster {
  /**
   * Binds the address alone. `localhost` is bound for IPv4 and, where there is one, for IPv6.
   * @returns the port it listens on; undefined where it is in use
   */
  listen(address: Address): Promise<number | undefined>;
  /** Takes no new connections. */
  stop(): void;
  /** Says goodbye to the port's sockets. */
  endSockets(code: number, reason: string): void;
  /** Cuts every connection. */
  close(): void;
}

export interface Transport {
  /** Loads what else is loaded when it is needed first. */
  loadAll?(): Promise<unknown>;
  openPort(options: PortOptions): ListeningPort;
}
