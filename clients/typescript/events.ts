/** The calls about events: publish, history, and subscriptions. */
import type { CallOptions } from "./deadline.js";
import { Subscription, type SubscribeOptions } from "./subscription.js";
import type { Transport } from "./transport.js";
import type { Event, NewEvent } from "./types.js";
import { wholeList } from "./whole-list.js";

/** The number of events in a history without `last`, as on the server. */
const LAST_DEFAULT = 50;

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
  /** Only events after this id. The oldest event comes first. */
  readonly after?: number;
  /** Only events that were published between `from` and `to`, in RFC 3339. */
  readonly from?: string;
  readonly to?: string;
  /** How long the server waits for an event if there is none after `after` yet, in s; at most 60. */
  readonly wait_s?: number;
}

export class Events {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Publishes one event or an array of events. An array is published as a whole or not at all. */
  publish(topic: string, data?: unknown, options?: PublishOptions): Promise<Event>;
  publish(events: readonly NewEvent[], options?: CallOptions): Promise<Event[]>;
  publish(what: string | readonly NewEvent[], data?: unknown, options: PublishOptions = {}): Promise<Event | Event[]> {
    const isMany = typeof what !== "string";
    const json = isMany ? what : { topic: what, data, source: options.source };
    const callOptions = isMany ? (data as CallOptions | undefined) : options;
    return this.#transport.json({ method: "POST", path: "/api/events/publish", json }, callOptions);
  }

  /**
   * Lists at most `last` events, 50 by default: the newest ones, with the newest first. With `after`, lists the oldest
   * ones after it, with the oldest first.
   */
  history(options: HistoryOptions = {}): Promise<Event[]> {
    const { signal, timeoutMs, wait_s: wait, ...rest } = options;
    const query = { ...rest, wait };
    const waitMs = (wait ?? 0) * 1000;
    const plan = { path: "/api/events/history", query, limit: "last", rowsDefault: LAST_DEFAULT, waitMs };
    return wholeList(this.#transport, plan, { signal, timeoutMs });
  }

  /**
   * Iterates over the events that match a pattern. Starts with the next published event, or after the event with the id
   * `since` (0 for all stored events). If the connection ends, it reconnects by itself, and continues without a gap or
   * a duplicate.
   */
  subscribe(pattern = "", options: SubscribeOptions = {}): Subscription {
    return new Subscription(this.#transport, pattern, options);
  }
}
