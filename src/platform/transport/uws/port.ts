/**
 * Implements a listening port on uWebSockets.js, with its router, its bound addresses and its sockets. The port is
 * bound exclusively. Otherwise the library would silently share it with a second server.
 */
import { createRequire } from "node:module";
import type uWebSockets from "uWebSockets.js";
import type { HttpRequest, HttpResponse, TemplatedApp, us_listen_socket } from "uWebSockets.js";
import type { Address } from "../../config/address.js";
import type { Admission, ListeningPort, PortOptions, RouterRow, Transport } from "../transport.js";
import { UwsExchange } from "./exchange.js";
import { UwsSockets } from "./sockets.js";

/** The library, loaded as CommonJS, because an `import` needs a wrapper that adds 2 ms to each start. */
const uWS = createRequire(import.meta.url)("uWebSockets.js") as typeof uWebSockets;

/**
 * The maximum number of tries to bind a free port number. A try can fail, because another process may take the number
 * between the two binds.
 */
const FREE_PORT_TRIES_MAX = 10;

/** Declares a method that the library has, and that its types omit. */
interface ExclusiveListener {
  listen(host: string, port: number, options: number, done: (socket: us_listen_socket | false) => void): void;
}
const EXCLUSIVE_PORT = (uWS as unknown as { readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number }).LIBUS_LISTEN_EXCLUSIVE_PORT;

class UwsPort implements ListeningPort {
  readonly #app: TemplatedApp;
  readonly #sockets: UwsSockets;
  readonly #listening: us_listen_socket[] = [];

  constructor(options: PortOptions) {
    this.#app = uWS.App();
    const { connections } = options;
    // The library calls this filter when a connection opens and when it ends. But it does not report the end of a
    // WebSocket; the socket itself does.
    this.#app.filter((res, change) => {
      if (Number(change) < 0) connections.leave();
      else if (!connections.enter()) res.close();
    });
    this.#sockets = new UwsSockets(this.#app, () => connections.leave());
    for (const row of options.rows) this.#register(row);
    this.#app.any("/*", (res, req) => {
      new UwsExchange(res, req, req.getMethod() === "head").handleInTurn((exchange) => options.unrouted(exchange));
    });
  }

  listen({ host, port }: Address): Promise<number | undefined> {
    const name = host === "localhost" ? "127.0.0.1" : host === "" ? "0.0.0.0" : host;
    const bound = port === 0 ? this.#bindFree(name) : this.#bind(name, port);
    if (bound !== undefined && host === "localhost") this.#bind("::1", bound);
    return Promise.resolve(bound);
  }

  stop(): void {
    for (const socket of this.#listening.splice(0)) uWS.us_listen_socket_close(socket);
  }

  publish(topic: string, texts: readonly string[], position: number): Generator<number, number, undefined> {
    return this.#sockets.publish(topic, texts, position);
  }

  endSockets(code: number, reason: string): void {
    this.#sockets.end(code, reason);
  }

  close(): void {
    this.#app.close();
    this.#sockets.close();
  }

  /**
   * Binds a free port: lets the system choose the number, and then binds that port again by its number. The first bind
   * is without SO_REUSEADDR, so the next server could not bind the port for a minute.
   */
  #bindFree(host: string): number | undefined {
    for (let tries = 0; tries < FREE_PORT_TRIES_MAX; tries++) {
      const free = this.#bind(host, 0);
      if (free === undefined) return undefined;
      this.stop();
      const bound = this.#bind(host, free);
      if (bound !== undefined) return bound;
    }
    return undefined;
  }

  #bind(host: string, port: number): number | undefined {
    let bound: number | undefined;
    (this.#app as unknown as ExclusiveListener).listen(host, port, EXCLUSIVE_PORT, (socket) => {
      if (socket === false) return;
      this.#listening.push(socket);
      bound = uWS.us_socket_local_port(socket);
    });
    return bound;
  }

  #register(row: RouterRow): void {
    const { method, pattern } = row;
    const serve = (exchange: UwsExchange): void => row.serve(exchange);
    const handler = (res: HttpResponse, req: HttpRequest): void => {
      new UwsExchange(res, req, false).handleInTurn(serve);
    };
    const { admit } = row;
    if (admit !== undefined) this.#sockets.listen(pattern, (res, req) => admitInTurn(admit, res, req));
    switch (method) {
      case "GET":
        this.#app.get(pattern, handler);
        this.#app.head(pattern, (res, req) => {
          new UwsExchange(res, req, true).handleInTurn(serve);
        });
        break;
      case "PUT":
        this.#app.put(pattern, handler);
        break;
      case "POST":
        this.#app.post(pattern, handler);
        break;
      case "PATCH":
        this.#app.patch(pattern, handler);
        break;
      case "DELETE":
        this.#app.del(pattern, handler);
        break;
    }
  }
}

/**
 * Decides whether an upgrade is accepted. If this tick has handled enough requests, the decision waits for a later
 * tick.
 */
function admitInTurn(
  admit: NonNullable<RouterRow["admit"]>,
  res: HttpResponse,
  req: HttpRequest,
): Admission | Promise<Admission> {
  let admitted: Admission | Promise<Admission>;
  let pass: ((admission: typeof admitted) => void) | null = null;
  const isHandled = new UwsExchange(res, req, false).handleInTurn((exchange) => {
    admitted = admit(exchange);
    pass?.(admitted);
  });
  if (isHandled) return admitted;
  return new Promise((resolve) => {
    pass = resolve;
  });
}

/** Ports over uWebSockets.js. */
export const uwsTransport: Transport = { openPort: (options) => new UwsPort(options) };
