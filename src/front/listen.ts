/**
 * One listening port: hands the route table to uWebSockets.js's router, every method to the pipeline.
 * The port is bound exclusively: the library would share it with a second server without a word.
 */
import uWS, { type HttpRequest, type HttpResponse, type TemplatedApp, type us_listen_socket } from "uWebSockets.js";
import type { Address } from "../config/address.js";
import { SUBSCRIBE_PATH } from "../events/routes.js";
import { SubscriberEdge, type SubscriberEdgeOptions } from "../events/websocket.js";
import type { Subscription } from "../events/subscription.js";
import { Exchange } from "./exchange.js";
import type { BoundRoute, Pipeline } from "./pipeline.js";
import { JSON_HEADERS, pathMatches, routerPattern, type Route } from "./route-table.js";

export interface PortOptions {
  readonly pipeline: Pipeline;
  /** The route table, and the row for what no route takes. */
  readonly routes: readonly BoundRoute[];
  readonly unrouted: BoundRoute;
  readonly subscribers: SubscriberEdgeOptions;
  /** False on the dashboard's port: its calls count as neither REST nor MCP. */
  readonly counted: boolean;
}

/** Another process may take the port between the two binds. */
const FREE_PORT_TRIES_MAX = 10;

/** What the library takes beside what its types say. */
interface ExclusiveListener {
  listen(host: string, port: number, options: number, done: (socket: us_listen_socket | false) => void): void;
}
const EXCLUSIVE_PORT = (uWS as unknown as { readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number }).LIBUS_LISTEN_EXCLUSIVE_PORT;

/** The row that stands for requests of no route, in metrics and log. */
export const UNROUTED: Route = {
  method: "GET",
  path: "/",
  name: "unrouted",
  tag: "metrics",
  summary: "No such route.",
  answer: "json",
  uncounted: true,
  handle: () => ({ status: 404, headers: JSON_HEADERS, body: null }),
};

export class ListeningPort {
  readonly #app: TemplatedApp;
  readonly #options: PortOptions;
  readonly #edge: SubscriberEdge;
  readonly #sockets: us_listen_socket[] = [];

  constructor(options: PortOptions) {
    this.#app = uWS.App();
    this.#options = options;
    this.#edge = new SubscriberEdge(this.#app, options.subscribers);
    for (const bound of options.routes) this.#register(bound);
    this.#keepFixedPaths();
    this.#app.any("/*", (res, req) => this.#refuse(res, req));
  }

  /**
   * Binds the address. `localhost` is bound for IPv4 and, where there is one, for IPv6.
   * @returns the port it listens on; undefined where it is in use
   */
  listen({ host, port }: Address): number | undefined {
    const name = host === "localhost" ? "127.0.0.1" : host === "" ? "0.0.0.0" : host;
    const bound = port === 0 ? this.#bindFree(name) : this.#bind(name, port);
    if (bound !== undefined && host === "localhost") this.#bind("::1", bound);
    return bound;
  }

  /** Takes no new connections. */
  stop(): void {
    for (const socket of this.#sockets.splice(0)) uWS.us_listen_socket_close(socket);
  }

  /** Says goodbye to the port's subscribers. */
  endSubscribers(): void {
    this.#edge.end();
  }

  /** Cuts every connection. */
  close(): void {
    this.#app.close();
  }

  /**
   * Binds a free port by its number: on a port that the system chose while binding, the library leaves
   * SO_REUSEADDR off, and the next server could not have it for a minute.
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
      this.#sockets.push(socket);
      bound = uWS.us_socket_local_port(socket);
    });
    return bound;
  }

  #register(bound: BoundRoute): void {
    const { pipeline, counted } = this.#options;
    const { route } = bound;
    const pattern = routerPattern(bound.shape);
    const serve =
      (head_only: boolean) =>
      (res: HttpResponse, req: HttpRequest): void => {
        pipeline.serve(new Exchange(res, req, head_only), bound, counted);
      };
    if (route.upgrade !== undefined && route.path === SUBSCRIBE_PATH) {
      this.#edge.listen(
        pattern,
        (res, req) => pipeline.admitUpgrade(new Exchange(res, req, false), bound) as Subscription | undefined,
      );
    }
    switch (route.method) {
      case "GET":
        this.#app.get(pattern, serve(false));
        this.#app.head(pattern, serve(true));
        break;
      case "PUT":
        this.#app.put(pattern, serve(false));
        break;
      case "POST":
        this.#app.post(pattern, serve(false));
        break;
      case "DELETE":
        this.#app.del(pattern, serve(false));
        break;
    }
  }

  /**
   * A path that stands in the table as it is is no value of a parameter: `GET /api/instances/register` is a
   * 405, not a search for the instance of that id.
   */
  #keepFixedPaths(): void {
    const { routes } = this.#options;
    for (const {
      route: { path },
      shape,
    } of routes) {
      if (shape.names.length > 0) continue;
      const own = new Set(routes.filter(({ route }) => route.path === path).map(({ route }) => route.method));
      for (const {
        route: { method },
        shape: other,
      } of routes) {
        if (own.has(method) || !pathMatches(other, path)) continue;
        own.add(method);
        const refuse = (res: HttpResponse, req: HttpRequest): void => this.#refuse(res, req);
        if (method === "GET") this.#app.get(path, refuse).head(path, refuse);
        else if (method === "PUT") this.#app.put(path, refuse);
        else if (method === "POST") this.#app.post(path, refuse);
        else this.#app.del(path, refuse);
      }
    }
  }

  /** No route of that method: 405 where the path has others, else 404. */
  #refuse(res: HttpResponse, req: HttpRequest): void {
    const exchange = new Exchange(res, req, req.getMethod() === "head");
    const path = exchange.path;
    const methods = new Set<string>();
    const matching = this.#options.routes.filter(({ shape }) => pathMatches(shape, path));
    const fixed = matching.filter(({ shape }) => shape.names.length === 0);
    for (const { route } of fixed.length > 0 ? fixed : matching) {
      methods.add(route.method);
      if (route.method === "GET") methods.add("HEAD");
    }
    this.#options.pipeline.refuse(exchange, this.#options.unrouted, [...methods].sort());
  }
}
