/** Serves the route table on the front's ports. The ports start together and stop together. Runs on the front. */
import type { Config } from "../../../schemas/config.js";
import { must } from "../../base/assert.js";
import { Failure } from "../../base/result.js";
import { formatAddress, parseAddress } from "../config/address.js";
import type { ConnectionLimit } from "../transport/connection-limit.js";
import type { Broadcaster, Exchange, ListeningPort, Transport } from "../transport/transport.js";
import type { BoundRoute, PortName } from "./call.js";
import type { Pipeline } from "./pipeline.js";
import type { Route } from "./route.js";
import type { Documents } from "./documents.js";
import type { Pages } from "./pages.js";
import { fixedPathRows, methodsAt, routerPattern } from "./router.js";

/** Thrown if a port is already in use. The start prints the message, and exits with code 1. */
export class PortError extends Error {
  override readonly name = "PortError";
}

/** The address of each port; "" for a port that is disabled. */
export interface Addresses {
  readonly api: string;
  readonly dashboard: string;
}

/** The route of requests that match no other route. Metrics and the log record them under its name. */
const UNROUTED: Route = {
  method: "GET",
  path: "/",
  name: "unrouted",
  tag: "metrics",
  summary: "No such route.",
  answer: "json",
  uncounted: true,
  handle: () => new Failure("NOT_FOUND", "no such route"),
};

/** The files that are served in addition to the routes: the dashboard, and the documents. */
export interface Files {
  readonly pages: Pages;
  readonly documents: Documents;
}

const GOING_AWAY = 1001;

export class FrontServer implements Broadcaster {
  readonly #transport: Transport;
  readonly #connections: ConnectionLimit;
  readonly #ports: ListeningPort[] = [];
  #numbers: number[] = [];
  #dashboardPort = 0;
  #addresses: Addresses = { api: "", dashboard: "" };

  constructor(transport: Transport, connections: ConnectionLimit) {
    this.#transport = transport;
    this.#connections = connections;
  }

  /** The port numbers on which the server listens. */
  get portNumbers(): readonly number[] {
    return this.#numbers;
  }

  /** The port number of the dashboard; 0 if the dashboard is disabled. */
  get dashboardPort(): number {
    return this.#dashboardPort;
  }

  get addresses(): Addresses {
    return this.#addresses;
  }

  /**
   * @param files the dashboard's port serves all of them; the API's port serves only the documents, as plain text
   * @throws PortError if a port is in use
   */
  async listen(config: Config, routes: readonly Route[], pipeline: Pipeline, files: Files): Promise<void> {
    const bound = routes.map((route) => pipeline.bind(route));
    const unrouted = pipeline.bind(UNROUTED);
    const open = async (text: string, flag: string, name: PortName): Promise<string> => {
      const address = must(parseAddress(text), "addresses were checked when they were read");
      const own = bound.filter(({ route }) => route.port === undefined || route.port === name);
      const port = this.#open(own, unrouted, pipeline, { name, files });
      const number = await port.listen(address);
      if (number === undefined)
        throw new PortError(`cannot listen on ${text}: the address is in use or not this machine's (see ${flag})`);
      this.#ports.push(port);
      this.#numbers.push(number);
      if (name === "dashboard") this.#dashboardPort = number;
      return formatAddress(address.host, number);
    };
    const api = await open(config.bind, "--bind", "api");
    const dashboard =
      config.dashboard_bind === "" ? "" : await open(config.dashboard_bind, "--dashboard-bind", "dashboard");
    this.#addresses = { api, dashboard };
  }

  *publish(topic: string, texts: readonly string[], position: number): Generator<number, number, undefined> {
    let members = 0;
    for (const port of [...this.#ports]) members += yield* port.publish(topic, texts, position);
    return members;
  }

  /** Stops accepting connections. */
  stop(): void {
    for (const port of this.#ports) port.stop();
  }

  /** Closes every WebSocket with the close code for a server that shuts down. */
  endSockets(): void {
    for (const port of this.#ports) port.endSockets(GOING_AWAY, "server is shutting down");
  }

  /** Cuts every connection. */
  close(): void {
    for (const port of this.#ports.splice(0)) port.close();
    this.#numbers = [];
  }

  #open(
    routes: readonly BoundRoute[],
    unrouted: BoundRoute,
    pipeline: Pipeline,
    { name, files: { pages, documents } }: { readonly name: PortName; readonly files: Files },
  ): ListeningPort {
    const refuse = (exchange: Exchange): void =>
      pipeline.refuse(exchange, unrouted, methodsAt(routes, exchange.path), name);
    const serveOther = (exchange: Exchange): void => {
      const page =
        name === "dashboard" ? (documents.find(exchange) ?? pages.find(exchange)) : documents.findPlain(exchange);
      if (page === undefined) refuse(exchange);
      else pipeline.servePage(exchange, unrouted, page, name);
    };
    const rows = routes.map((bound) => ({
      method: bound.route.method,
      pattern: routerPattern(bound.shape),
      serve: (exchange: Exchange) => pipeline.serve(exchange, bound, name),
      ...(bound.route.upgrade === undefined
        ? {}
        : { admit: (exchange: Exchange) => pipeline.admitUpgrade(exchange, bound, name) }),
    }));
    return this.#transport.openPort({
      rows: [...rows, ...fixedPathRows(routes, refuse)],
      unrouted: serveOther,
      connections: this.#connections,
    });
  }
}
