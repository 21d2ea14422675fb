/**
 * Sends HTTP requests to other servers. Webhooks and live tests of contracts have separate clients, each with its own
 * policy. They share no connections, because an open connection was checked under one policy only. Runs on the front,
 * because it only moves bytes.
 *
 * Addresses are checked in the connection's name lookup, so the socket connects only to checked addresses. An attacker
 * gains nothing if a name resolves to another address a moment later (DNS rebinding). Redirects are not followed,
 * answers are not decompressed, and proxies from the environment are not used.
 */
import type { LookupFunction, Socket } from "node:net";
import type * as Undici from "undici";
import {
  OUTBOUND_CONNECTIONS_PER_ORIGIN_MAX,
  OUTBOUND_DEADLINE_MS,
  OUTBOUND_HEADER_BYTES_MAX,
  OUTBOUND_IDLE_MS,
  OUTBOUND_INTERIM_ANSWERS_MAX,
  OUTBOUND_ORIGINS_MAX,
  OUTBOUND_RECEIVED_BYTES_MAX,
  OUTBOUND_REQUESTS_MAX,
} from "../../../schemas/limits/outbound.js";
import { must } from "../../base/assert.js";
import { AnswerBody } from "./answer-body.js";
import { Resolver, type Resolve } from "./resolver.js";
import { OutboundFailure, refuseAddress, refuseHost, type OutboundPolicy } from "./url.js";

export interface OutboundRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The request body; null for none. */
  readonly body: string | Uint8Array | null;
  /** The time limit in ms, from the call to the last byte of the answer. It includes name resolution and connecting. */
  readonly deadlineMs: number;
  /**
   * The maximum size of the answer in bytes. A larger answer is a failure, and only this much of it is kept in memory.
   */
  readonly answerBytesMax: number;
  readonly signal?: AbortSignal;
}

export interface OutboundAnswer {
  readonly status: number;
  /** Headers by lower-case name. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

const TOO_MANY_CALLS = "too many calls to other servers, try again";

type Connector = ReturnType<typeof Undici.buildConnector>;

/**
 * Limits the number of connections. `enter` returns whether one more connection is allowed. In both cases the client
 * calls `leave` when the connection has ended.
 */
export interface ConnectionBound {
  enter(): boolean;
  leave(): void;
}

export interface OutboundOptions {
  readonly policy: OutboundPolicy;
  /** The maximum number of connections to one host and port; OUTBOUND_CONNECTIONS_PER_ORIGIN_MAX by default. */
  readonly connectionsPerOriginMax?: number;
  /** A limit on the connections to all hosts. Several clients can share it. By default there is none. */
  readonly connections?: ConnectionBound;
  /** Whether connections stay open for the next request; true by default. */
  readonly keepsConnections?: boolean;
  /** The resolver of host names; set only by tests. */
  readonly resolve?: Resolve;
  /** Creates the connector; set only by tests. `lookup` checks the addresses. */
  readonly makeConnector?: (lookup: LookupFunction) => Connector;
}

/**
 * Carries the failure of a refused or cut connection. It is an Error because it passes through the socket's error
 * event.
 */
class RefusedConnection extends Error {
  override readonly name = "RefusedConnection";
  constructor(readonly failure: OutboundFailure) {
    super(failure.message);
  }
}

interface Transport {
  readonly agent: Undici.Agent;
  readonly stream: typeof Undici.stream;
}

type Library = Pick<typeof Undici.default, "Agent" | "buildConnector" | "stream">;
let undici: Library | undefined;

/** Loads the HTTP client library. Called after the start, so that the first request need not wait for the load. */
export async function loadHttpClient(): Promise<void> {
  // After bundling, the members of a CommonJS package are only in its default export.
  undici = (await import("undici")).default;
}

export class OutboundClient {
  readonly policy: OutboundPolicy;
  readonly #resolver: Resolver;
  readonly #connectionsMax: number;
  readonly #connections: ConnectionBound | undefined;
  readonly #keepsConnections: boolean;
  readonly #makeConnector: OutboundOptions["makeConnector"];
  #transport: Transport | null = null;
  #running = 0;
  #closed = false;

  constructor(options: OutboundOptions) {
    this.policy = options.policy;
    this.#resolver = new Resolver(options.resolve);
    this.#connectionsMax = options.connectionsPerOriginMax ?? OUTBOUND_CONNECTIONS_PER_ORIGIN_MAX;
    this.#connections = options.connections;
    this.#keepsConnections = options.keepsConnections ?? true;
    this.#makeConnector = options.makeConnector;
  }

  /** The number of exchanges in flight. */
  get running(): number {
    return this.#running;
  }

  /**
   * Sends one request. An answer with any status is a success.
   * @param url a result of parseOutboundUrl. The client checks its host again, and also the addresses of the host
   */
  async request(url: URL, options: OutboundRequest): Promise<OutboundAnswer | OutboundFailure> {
    const refusal = refuseHost(url.hostname, this.policy);
    if (refusal !== null) return refusal;
    if (this.#running >= OUTBOUND_REQUESTS_MAX) return new OutboundFailure("busy", TOO_MANY_CALLS);
    this.#running += 1;
    const abort = new AbortController();
    let cause: OutboundFailure | null = null;
    const stop = (failure: OutboundFailure): void => {
      cause ??= failure;
      abort.abort();
    };
    const timer = setTimeout(
      () => stop(new OutboundFailure("timeout", `${url.host} did not answer within ${options.deadlineMs} ms`)),
      options.deadlineMs,
    );
    const cancel = (): void => stop(new OutboundFailure("aborted", "the call was cancelled"));
    if (options.signal?.aborted === true) cancel();
    options.signal?.addEventListener("abort", cancel, { once: true });
    try {
      const answer = await this.#exchange(url, options, { signal: abort.signal, stop });
      return cause ?? answer;
    } catch (error) {
      return cause ?? describeError(error, url.host);
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", cancel);
      this.#running -= 1;
    }
  }

  /** Ends the exchanges in flight. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#transport?.agent.destroy();
  }

  /**
   * Sends one request over the library.
   * @param stop ends the exchange with a failure. It aborts the signal at once, so that the library reads no more of
   * the data that has arrived
   */
  async #exchange(
    url: URL,
    options: OutboundRequest,
    { signal, stop }: { readonly signal: AbortSignal; readonly stop: (failure: OutboundFailure) => void },
  ): Promise<OutboundAnswer | OutboundFailure> {
    if (undici === undefined) await loadHttpClient();
    if (this.#closed) return new OutboundFailure("aborted", "the server is shutting down");
    this.#transport ??= this.#open(must(undici, "the HTTP client is loaded"));
    const { agent, stream } = this.#transport;
    let interim = 0;
    let head: Pick<OutboundAnswer, "status" | "headers"> | undefined;
    const body = new AnswerBody(options.answerBytesMax, (excess) => {
      const tooLarge = `is larger than ${options.answerBytesMax} bytes`;
      stop(failAnswer(url, excess === "bytes" ? tooLarge : "comes in too many small pieces"));
    });
    await stream(
      url,
      {
        dispatcher: agent,
        signal,
        method: options.method,
        headers: options.headers,
        body: options.body,
        onInfo: () => {
          interim += 1;
          if (interim > OUTBOUND_INTERIM_ANSWERS_MAX) stop(failAnswer(url, "begins with too many interim answers"));
        },
      },
      ({ statusCode, headers }) => {
        head = { status: statusCode, headers };
        return body;
      },
    );
    return { ...must(head, "an exchange that ends without an error has an answer"), body: body.bytes };
  }

  #open({ Agent: AgentOf, buildConnector: build, stream }: Library): Transport {
    const lookup = this.#lookup();
    const makeConnector =
      this.#makeConnector ??
      ((guarded) => build({ timeout: OUTBOUND_DEADLINE_MS, lookup: guarded, autoSelectFamily: true }));
    const connect = makeConnector(lookup);
    const agent = new AgentOf({
      // Check the host again when the connection opens. The name lookup would check it, but a host that is an IP
      // address needs no lookup.
      connect: (target, done) => {
        const refusal = refuseHost(target.hostname, this.policy);
        if (refusal === null)
          this.#connect(connect, target, guardConnection(done, this.policy, target.host ?? target.hostname));
        else done(new RefusedConnection(refusal), null);
      },
      connections: this.#connectionsMax,
      maxOrigins: OUTBOUND_ORIGINS_MAX,
      pipelining: this.#keepsConnections ? 1 : 0,
      keepAliveTimeout: OUTBOUND_IDLE_MS,
      keepAliveMaxTimeout: OUTBOUND_IDLE_MS,
      maxHeaderSize: OUTBOUND_HEADER_BYTES_MAX,
      // The library's own timeouts are off, because the caller's timer limits the whole exchange.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    return { agent, stream };
  }

  /** Opens a connection if the limit of connections allows it. */
  #connect(connect: Connector, target: Parameters<Connector>[0], done: Connected): void {
    const bound = this.#connections;
    if (bound === undefined) {
      connect(target, done);
      return;
    }
    if (!bound.enter()) {
      bound.leave();
      done(new RefusedConnection(new OutboundFailure("busy", TOO_MANY_CALLS)), null);
      return;
    }
    connect(target, (...[error, socket]: Parameters<Connected>) => {
      if (error !== null) {
        bound.leave();
        done(error, null);
        return;
      }
      socket.once("close", () => bound.leave());
      done(null, socket);
    });
  }

  /**
   * Creates a lookup that returns only allowed addresses. If any address of a name is forbidden, the name is refused.
   */
  #lookup(): LookupFunction {
    return (hostname, options, done) => {
      this.#resolver.resolve(hostname, (resolved) => {
        if (resolved instanceof Error) {
          done(resolved, "", 0);
          return;
        }
        for (const { address } of resolved) {
          const refusal = refuseAddress(address, this.policy);
          if (refusal === null) continue;
          done(new RefusedConnection(refusal), "", 0);
          return;
        }
        const usable = resolved.filter(
          ({ family }) =>
            options.family === undefined ||
            options.family === 0 ||
            options.family === family ||
            options.family === `IPv${family}`,
        );
        const [first] = usable;
        if (first === undefined) done(Object.assign(new Error("no address"), { code: "ENOTFOUND" }), "", 0);
        else if (options.all === true) done(null, [...usable]);
        else done(null, first.address, first.family);
      });
    };
  }
}

type Connected = Parameters<Connector>[1];

/**
 * Checks the address to which the socket has connected, before the request is sent. This second check is needed if a
 * version of the library bypasses the lookup.
 */
function guardConnection(done: Connected, policy: OutboundPolicy, host: string): Connected {
  return (...[error, socket]: Parameters<Connected>) => {
    // A socket without an address is already closed. The library detects that by itself.
    const refusal = error === null && socket.remoteAddress ? refuseAddress(socket.remoteAddress, policy) : null;
    if (error !== null) done(error, null);
    else if (refusal === null) {
      boundReceived(socket, host);
      done(null, socket);
    } else {
      socket.destroy();
      done(new RefusedConnection(refusal), null);
    }
  };
}

/**
 * Cuts a connection that receives too many bytes for one request. The bytes are counted at the socket, because the
 * library hides some of them from its caller, such as the extensions of chunks. A connection serves one request at a
 * time, so each write to it begins a new request, and the count starts again.
 */
function boundReceived(socket: Socket, host: string): void {
  let written = socket.bytesWritten;
  let before = 0;
  let read = 0;
  socket.on("readable", () => {
    if (socket.bytesWritten !== written) {
      written = socket.bytesWritten;
      before = read;
    }
    read = socket.bytesRead;
    if (read - before <= OUTBOUND_RECEIVED_BYTES_MAX) return;
    const text = `the answer of ${host} takes more than ${OUTBOUND_RECEIVED_BYTES_MAX} bytes`;
    socket.destroy(new RefusedConnection(new OutboundFailure("too_large", text)));
  });
}

/** Returns the failure of an answer that exceeds a limit. */
function failAnswer(url: URL, why: string): OutboundFailure {
  return new OutboundFailure("too_large", `the answer of ${url.host} ${why}`);
}

/** The texts for the error codes of Node and undici. Any other error is shown as its code. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EPIPE: "connection reset",
  UND_ERR_SOCKET: "connection closed",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "no such host",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "no route to host",
  EADDRNOTAVAIL: "no route to host",
  UND_ERR_HEADERS_OVERFLOW: "its headers are too large",
};
const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);

function describeError(error: unknown, host: string): OutboundFailure {
  if (error instanceof RefusedConnection) return error.failure;
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  if (name === "HTTPParserError")
    return new OutboundFailure("unreachable", `cannot reach ${host}: it does not speak HTTP`);
  // An error without a code is a bug and not a network error, so it is thrown.
  if (typeof code !== "string") throw error;
  if (code === "UND_ERR_DESTROYED" || code === "UND_ERR_CLOSED")
    return new OutboundFailure("aborted", "the server is shutting down");
  if (code === "UND_ERR_MAX_ORIGINS_REACHED") return new OutboundFailure("busy", TOO_MANY_CALLS);
  if (TIMEOUT_CODES.has(code)) return new OutboundFailure("timeout", `cannot reach ${host}: timed out`);
  return new OutboundFailure("unreachable", `cannot reach ${host}: ${REASONS[code] ?? code}`);
}
