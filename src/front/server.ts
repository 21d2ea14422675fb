/** The front as a whole: the route table on its ports, started and ended together. */
import type { Config } from "../../schemas/config.js";
import { formatAddress, parseAddress } from "../config/address.js";
import { must } from "../base/assert.js";
import type { SubscriberEdgeOptions } from "../events/websocket.js";
import { ListeningPort, UNROUTED } from "./listen.js";
import type { Pipeline } from "./pipeline.js";
import type { Route } from "./route-table.js";

/** A port is in use: the start stops with this line and exit code 1. */
export class PortError extends Error {
  override readonly name = "PortError";
}

/** Where each port listens; "" for one that is off. */
export interface Addresses {
  readonly api: string;
  readonly dashboard: string;
}

export class FrontServer {
  readonly #ports: ListeningPort[] = [];
  #numbers: number[] = [];
  #addresses: Addresses = { api: "", dashboard: "" };

  /** The ports that listen. */
  get portNumbers(): readonly number[] {
    return this.#numbers;
  }

  get addresses(): Addresses {
    return this.#addresses;
  }

  /** @throws PortError */
  listen(config: Config, routes: readonly Route[], pipeline: Pipeline, subscribers: SubscriberEdgeOptions): void {
    const bound = routes.map((route) => pipeline.bind(route));
    const unrouted = pipeline.bind(UNROUTED);
    const open = (text: string, flag: string, counted: boolean): string => {
      const address = must(parseAddress(text), "addresses were checked when they were read");
      const port = new ListeningPort({ pipeline, routes: bound, unrouted, subscribers, counted });
      const number = port.listen(address);
      if (number === undefined)
        throw new PortError(`cannot listen on ${text}: the address is in use or not this machine's (see ${flag})`);
      this.#ports.push(port);
      this.#numbers.push(number);
      return formatAddress(address.host, number);
    };
    const api = open(config.bind, "--bind", true);
    const dashboard = config.dashboard_bind === "" ? "" : open(config.dashboard_bind, "--dashboard-bind", false);
    this.#addresses = { api, dashboard };
  }

  /** Takes no new connections. */
  stop(): void {
    for (const port of this.#ports) port.stop();
  }

  endSubscribers(): void {
    for (const port of this.#ports) port.endSubscribers();
  }

  /** Cuts every connection. */
  close(): void {
    for (const port of this.#ports.splice(0)) port.close();
    this.#numbers = [];
  }
}
