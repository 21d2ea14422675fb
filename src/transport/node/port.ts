/**
 * One listening port on Node's own HTTP: its router, its binding, its sockets. Node's parser is strict; the requests
 * that it refuses are answered in the API's error shape.
 */
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from "node:http";
import { Server as NetServer, type Socket } from "node:net";
import { HEADER_BYTES_MAX, IDLE_CONNECTION_MS, REQUEST_TIMEOUT_MS } from "../../../schemas/limits/connections.js";
import type { Address } from "../../config/address.js";
import type { Admission, ListeningPort, PortOptions, RouterRow, Transport } from "../transport.js";
import { NodeExchange } from "./exchange.js";
import { http } from "./http.js";
import { IdleConnections } from "./idle-connections.js";
import { refuseUnparsed } from "./malformed.js";
import { Pipelines } from "./pipelines.js";
import { RowIndex } from "./row-index.js";
import { NodeSockets } from "./sockets.js";

/** The option with which newer versions of Node ask before they treat a request as an upgrade. */
interface UpgradeOptions extends ServerOptions {
  readonly shouldUpgradeCallback: (req: IncomingMessage) => boolean;
}

const IGNORED = (): void => undefined;
/** How often Node looks for missing headers, and the port for idle connections. */
const HEADERS_SWEEP_MS = 2_000;

class NodePort implements ListeningPort {
  readonly #options: PortOptions;
  readonly #rows: RowIndex;
  readonly #sockets = new NodeSockets();
  /** The last answer that was started on a connection, ended or not. */
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
    // http's own `close` would also close idle connections. A client that writes at that moment would not learn why its
    // connection was closed.
    for (const server of this.#servers) NetServer.prototype.close.call(server);
  }

  publish(topic: string, texts: readonly string[]): number {
    return this.#sockets.publish(topic, texts);
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
      // Off, because the pipeline answers such a request itself, and says what is missing.
      requireHostHeader: false,
      keepAliveTimeout: IDLE_CONNECTION_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      // Off, because the pipeline limits the time for a body.
      requestTimeout: 0,
      connectionsCheckingInterval: HEADERS_SWEEP_MS,
      shouldUpgradeCallback: (req) => this.#findUpgrade(req) !== undefined,
    };
    const server = http.createServer(options, (req, res) => this.#serve(req, res, false));
    server.on("connection", (socket: Socket) => this.#count(socket));
    server.on("checkContinue", (req: IncomingMessage, res: ServerResponse) => this.#serve(req, res, true));
    // Another expectation is a fault of the request.
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

  /** Counts a connection. A socket that is served again comes here again. */
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
    if (res.socket !== null) {
      this.#answers.set(socket, res);
      this.#execute(req, res, expects);
      return;
    }
    // A pipelined request waits for the answer to the previous one, so that it sees the changes of that one (RFC 9112,
    // section 9.3.2).
    this.#pipelines.enter(socket);
    res.once("socket", () => {
      this.#answers.set(socket, res);
      this.#pipelines.leave(socket, () => this.#execute(req, res, expects));
    });
  }

  #execute(req: IncomingMessage, res: ServerResponse, expects: boolean): void {
    const exchange = new NodeExchange(req, res, expects);
    const row = this.#rows.find(req.method ?? "", exchange.path);
    if (row === undefined) this.#options.unrouted(exchange);
    else row.serve(exchange);
  }

  /**
   * Returns the row that accepts the request as an upgrade to WebSocket; undefined if there is none, or if it is a
   * plain request.
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
    const admitted = admit(new NodeExchange(req, res));
    if (admitted instanceof Promise) void admitted.then(open);
    else open(admitted);
  }
}

/** Creates an answer to a request that Node's server has detached. The connection ends with it. */
function answerOver(socket: Socket, req: IncomingMessage): ServerResponse {
  const res = new http.ServerResponse(req);
  res.shouldKeepAlive = false;
  res.assignSocket(socket);
  res.once("finish", () => socket.end());
  return res;
}

/**
 * Returns a request for an upgrade to another protocol than WebSocket to Node's server, without its upgrade header.
 * Older versions of Node treat every such request as an upgrade.
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
