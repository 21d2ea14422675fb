/** The calls about events: publish, history, and subscriptions. */
import type { CallOptions } from "./deadline.js";
import { Subscription, type SubscribeOptions } from "./subscription.js";
import type { Transport } from "./transport.js";
import type { Event, NewEvent } from "./types.js";

export interface PublishOptions extends CallOptions {
  /** The publisher; the instance of the client by default. */
  readonly source?: string;
}

export interface HistoryOptions extends CallOptions {
  /** A topic pattern. */
  readonly topic?: string;
  readonly source?: string;
  readonly last?: number;
  readonly before?: number;
  /** Only events behind this id, the oldest first. */
  readonly after?: number;
  /** Only events that were published in this time, in RFC 3339. */
  readonly from?: string;
  readonly to?: string;
  /** How long to wait for an event behind `after` if there is none, at most 60 s. */
  readonly wait_s?: number;
}

export class Events {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Publishes one event, or an array of them as a whole. */
  publish(topic: string, data?: unknown, options?: PublishOptions): Promise<Event>;
  publish(events: readonly NewEvent[], options?: CallOptions): Promise<Event[]>;
  publish(what: string | readonly NewEvent[], data?: unknown, options: PublishOptions = {}): Promise<Event | Event[]> {
    const isMany = typeof what !== "string";
    const json = isMany ? what : { topic: what, data, source: options.source };
    const callOptions = isMany ? (data as CallOptions | undefined) : options;
    return this.#transport.json({ method: "POST", path: "/api/events/publish", json }, callOptions);
  }

  /** The newest events first; with `after` the oldest first. */
  history(options: HistoryOptions = {}): Promise<Event[]> {
    const { signal, timeoutMs, wait_s: wait, ...rest } = options;
    const plan = { method: "GET", path: "/api/events/history", query: { ...rest, wait }, waitMs: (wait ?? 0) * 1000 };
    return this.#transport.json(plan, { signal, timeoutMs });
  }

  /**
   * Iterates over the events that match a pattern, from now on or behind the id `since` (0: all that are kept). It
   * reconnects by itself and resumes without a gap or a duplicate.
   */
  subscribe(pattern = "", options: SubscribeOptions = {}): Subscription {
    return new Subscription(this.#transport, pattern, options);
  }
}
