/**
 * One listening port on uWebSockets.js: its router, its binding, its sockets. The port is bound exclusively, because
 * otherwise the library would silently share it with a second server.
 */
import { createRequire } from "node:module";
import type uWebSockets from "uWebSockets.js";
import type { HttpRequest, HttpResponse, TemplatedApp, us_listen_socket } from "uWebSockets.js";
import type { Address } from "../../config/address.js";
import type { ListeningPort, PortOptions, RouterRow, Transport } from "../transport.js";
import { UwsExchange } from "./exchange.js";
import { UwsSockets } from "./sockets.js";

/** Loaded as CommonJS, because the wrapper that an `import` needs takes 2 ms of a start. */
const uWS = createRequire(import.meta.url)("uWebSockets.js") as typeof uWebSockets;

/** Another process may take the port between the two binds. */
const FREE_PORT_TRIES_MAX = 10;

/** A method that is missing in the library's types. */
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
    // The filter is also called when a connection ends. It is not called for an upgraded connection, whose socket
    // reports the end.
    this.#app.filter((res, change) => {
      if (Number(change) < 0) connections.leave();
      else if (!connections.enter()) res.close();
    });
    this.#sockets = new UwsSockets(this.#app, () => connections.leave());
    for (const row of options.rows) this.#register(row);
    this.#app.any("/*", (res, req) => options.unrouted(new UwsExchange(res, req, req.getMethod() === "head")));
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

  publish(topic: string, texts: readonly string[]): number {
    return this.#sockets.publish(topic, texts);
  }

  endSockets(code: number, reason: string): void {
    this.#sockets.end(code, reason);
  }

  close(): void {
    this.#app.close();
    this.#sockets.close();
  }

  /**
   * Finds a free port, and then binds it by its number. If the system chooses the port, the library leaves SO_REUSEADDR
   * off, and for a minute the next server could not bind that port.
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
    const handler = (res: HttpResponse, req: HttpRequest): void => row.serve(new UwsExchange(res, req, false));
    if (row.admit !== undefined)
      this.#sockets.listen(pattern, (res, req) => row.admit?.(new UwsExchange(res, req, false)));
    switch (method) {
      case "GET":
        this.#app.get(pattern, handler);
        this.#app.head(pattern, (res, req) => row.serve(new UwsExchange(res, req, true)));
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

/** Ports over uWebSockets.js. */
export const uwsTransport: Transport = { openPort: (options) => new UwsPort(options) };
