/**
 * Implements a listening port on Node's own HTTP, with its router, its bound addresses and its sockets. Node's parser
 * is strict. A request that the parser rejects is answered in the API's error format.
 */
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from "node:http";
import { Server as NetServer, type Socket } from "node:net";
import { HEADER_BYTES_MAX, IDLE_CONNECTION_MS, REQUEST_TIMEOUT_MS } from "../../../../schemas/limits/connections.js";
import type { Address } from "../../config/address.js";
import type { Admission, ListeningPort, PortOptions, RouterRow, Transport } from "../transport.js";
import { NodeExchange } from "./exchange.js";
import { http } from "./http.js";
import { IdleConnections } from "./idle-connections.js";
import { faultOf, refuseUnparsed } from "./malformed.js";
import { clientOf } from "../request-turns.js";
import { Pipelines } from "./pipelines.js";
import { RowIndex } from "./row-index.js";
import { NodeSockets } from "./sockets.js";

/** `ServerOptions` with an option of newer Node versions: a callback that decides whether a request is an upgrade. */
interface UpgradeOptions extends ServerOptions {
  readonly shouldUpgradeCallback: (req: IncomingMessage) => boolean;
}

const IGNORED = (): void => undefined;
/** The interval at which Node checks for late headers, and this port for idle connections. */
const HEADERS_SWEEP_MS = 2_000;

class NodePort implements ListeningPort {
  readonly #options: PortOptions;
  readonly #rows: RowIndex;
  readonly #sockets = new NodeSockets();
  /** The last answer that was started on each connection. It may have ended. */
  readonly #answers = new WeakMap<Socket, ServerResponse>();
  readonly #counted = new WeakSet<Socket>();
  readonly #pipelines = new Pipelines<Socket>();
  readonly #idle = new IdleConnections<Socket>((socket) => this.#answers.get(socket));
  #sweeps: NodeJS.Timeout | null = null;
  /** One server for each bound address. */
  #servers: Server[] = [];

  constructor(options: PortOptions) {
    this.#options = options;
    this.#rows = new RowIndex(options.rows);
  }

  async listen({ host, port }: Address): Promise<number | undefined> {
    const name = host === "localhost" ? "127.0.0.1" : host === "" ? "0.0.0.0" : host;
    const bound = await this.#bind(name, port);
    if (bound !== undefined && host === "localhost") await this.#bind("::1", bound);
    return bound;
  }

  stop(): void {
    // Do not use the server's own `close`, which also closes idle connections. A client that is just sending a request
    // on one would not learn the reason.
    for (const server of this.#servers) NetServer.prototype.close.call(server);
  }

  publish(topic: string, texts: readonly string[], position: number): Generator<number, number, undefined> {
    return this.#sockets.publish(topic, texts, position);
  }

  endSockets(code: number, reason: string): void {
    this.#sockets.end(code, reason);
  }

  close(): void {
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
    this.#sockets.close();
    if (this.#sweeps !== null) clearInterval(this.#sweeps);
    this.#servers = [];
  }

  #bind(host: string, port: number): Promise<number | undefined> {
    const server = this.#newServer();
    return new Promise((resolve) => {
      server.once("error", () => resolve(undefined));
      server.listen({ host, port, exclusive: true }, () => {
        server.removeAllListeners("error").on("error", IGNORED);
        this.#servers.push(server);
        this.#sweeps ??= setInterval(() => this.#idle.sweep(performance.now()), HEADERS_SWEEP_MS).unref();
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : undefined);
      });
    });
  }

  #newServer(): Server {
    const options: UpgradeOptions = {
      maxHeaderSize: HEADER_BYTES_MAX,
      // The check is off, because the pipeline itself answers a request without a Host header, and says what is
      // missing.
      requireHostHeader: false,
      keepAliveTimeout: IDLE_CONNECTION_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      // The timeout is off, because the pipeline limits the time for a body.
      requestTimeout: 0,
      connectionsCheckingInterval: HEADERS_SWEEP_MS,
      shouldUpgradeCallback: (req) => this.#findUpgrade(req) !== undefined,
    };
    const server = http.createServer(options, (req, res) => this.#serve(req, res, false));
    server.on("connection", (socket: Socket) => this.#count(socket));
    server.on("checkContinue", (req: IncomingMessage, res: ServerResponse) => this.#serve(req, res, true));
    // Serve a request with an expectation other than `100-continue` like any other. The pipeline then refuses it,
    // because the exchange reports a fault.
    server.on("checkExpectation", (req: IncomingMessage, res: ServerResponse) => this.#serve(req, res, false));
    server.on("upgrade", (req: IncomingMessage, socket: Socket, head: Buffer) =>
      this.#upgrade(server, req, socket, head),
    );
    server.on("connect", (req: IncomingMessage, socket: Socket) => {
      this.#idle.delete(socket);
      this.#options.unrouted(new NodeExchange(req, answerOver(socket, req)));
    });
    server.on("clientError", (error: Error, socket: Socket) =>
      refuseUnparsed(error, socket, this.#answers.get(socket)),
    );
    return server;
  }

  /**
   * Counts a connection once. `serveAgain` gives a socket back to the server, so the socket can arrive here a second
   * time.
   */
  #count(socket: Socket): void {
    this.#idle.add(socket);
    if (this.#counted.has(socket)) return;
    this.#counted.add(socket);
    const { connections } = this.#options;
    socket.once("close", () => {
      this.#idle.delete(socket);
      connections.leave();
    });
    if (!connections.enter()) socket.destroy();
  }

  #serve(req: IncomingMessage, res: ServerResponse, expects: boolean): void {
    const { socket } = req;
    const client = (): string => clientOf(new NodeExchange(req, res));
    if (res.socket !== null) {
      this.#answers.set(socket, res);
      // If the request's framing is refused, answer at once. Otherwise the parser might reject the bytes after the
      // request, and close the connection before the answer.
      if (faultOf(req) !== null) this.#execute(req, res, expects);
      else this.#pipelines.executeInTurn(socket, client, () => this.#execute(req, res, expects));
      return;
    }
    // A pipelined request waits for the answer to the previous request, because it must see the changes of that request
    // (RFC 9112, section 9.3.2).
    this.#pipelines.enter(socket);
    res.once("socket", () => {
      this.#answers.set(socket, res);
      this.#pipelines.leave(socket, client, () => this.#execute(req, res, expects));
    });
  }

  #execute(req: IncomingMessage, res: ServerResponse, expects: boolean): void {
    const exchange = new NodeExchange(req, res, expects);
    const row = this.#rows.find(req.method ?? "", exchange.path);
    if (row === undefined) this.#options.unrouted(exchange);
    else row.serve(exchange);
  }

  /**
   * Returns the `admit` function of the route for an upgrade to WebSocket. Returns undefined if the request is no such
   * upgrade, or if its route accepts no upgrades.
   */
  #findUpgrade(req: IncomingMessage): RouterRow["admit"] {
    const { headers, method = "", url = "" } = req;
    if (method !== "GET" || headers.upgrade?.toLowerCase() !== "websocket") return undefined;
    if (headers["sec-websocket-key"] === undefined) return undefined;
    const [path = ""] = url.split("?", 1);
    return this.#rows.find(method, path)?.admit;
  }

  #upgrade(server: Server, req: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on("error", IGNORED);
    this.#idle.delete(socket);
    const admit = this.#findUpgrade(req);
    if (admit === undefined) {
      serveAgain(server, req, socket, head);
      return;
    }
    const res = answerOver(socket, req);
    const open = (opener: Admission): void => {
      if (opener === undefined) return;
      res.detachSocket(socket);
      this.#sockets.open(req, socket, head, opener);
    };
    const exchange = new NodeExchange(req, res);
    const client = (): string => clientOf(exchange);
    this.#pipelines.executeInTurn(socket, client, () => {
      const admitted = admit(exchange);
      if (admitted instanceof Promise) void admitted.then(open);
      else open(admitted);
    });
  }
}

/**
 * Creates a response for an upgrade request, whose socket Node's server no longer manages. The connection is closed
 * after the answer.
 */
function answerOver(socket: Socket, req: IncomingMessage): ServerResponse {
  const res = new http.ServerResponse(req);
  res.shouldKeepAlive = false;
  res.assignSocket(socket);
  res.once("finish", () => socket.end());
  return res;
}

/**
 * Gives a request back to Node's server as a plain request, without its Upgrade header. Needed for an upgrade to
 * another protocol than WebSocket, because older versions of Node treat every such request as an upgrade.
 */
function serveAgain(server: Server, req: IncomingMessage, socket: Socket, head: Buffer): void {
  const lines = [`${req.method} ${req.url} HTTP/${req.httpVersion}`];
  const { rawHeaders } = req;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (name.toLowerCase() === "upgrade") continue;
    const value = rawHeaders[at + 1] ?? "";
    const kept = name.toLowerCase() === "connection" ? value.replaceAll(/\bupgrade\b/gi, "keep-alive") : value;
    lines.push(`${name}: ${kept}`);
  }
  socket.removeAllListeners("error");
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), head]));
  server.emit("connection", socket);
}

/** Ports over Node's own HTTP. */
export const nodeTransport: Transport = {
  openPort: (options) => new NodePort(options),
  loadAll: () => import("ws"),
};
