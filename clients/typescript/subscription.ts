/**
 * A subscription to events, over one connection after the other. The id of the last event is the position from which
 * the next connection continues, so that no event is missed and none comes twice.
 */
import { pauseMs } from "./back-off.js";
import { Deadline } from "./deadline.js";
import { KoorError, RateLimitedError, UnavailableError } from "./errors.js";
import { readEvents, type StreamEvent } from "./event-stream.js";
import type { Transport } from "./transport.js";
import type { Event, LagNotice } from "./types.js";

/** The server sends a comment every 15 s. A connection that is silent for longer than this is dead. */
const SILENCE_MS_MAX = 45_000;
/** The longest time until a server begins the stream. Then the next server is asked. */
const ANSWER_MS_MAX = 10_000;
/** How often the client of several servers looks whether its server is cut off from the others. */
const HEALTH_MS = 5000;

export interface SubscribeOptions {
  /** The id of the last event that is known; 0 for all events that are kept. Without it, from now on. */
  readonly since?: number | undefined;
  /** Is called with each notice of a lag, before the events that follow it. */
  readonly onLag?: ((notice: LagNotice) => void) | undefined;
  /** Ends the subscription when it fires. The iteration then fails with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** How long the subscription may be without a connection before it fails, in ms. Unlimited by default. */
  readonly timeoutMs?: number | undefined;
}

export class Subscription implements AsyncIterable<Event> {
  readonly #transport: Transport;
  readonly #pattern: string;
  readonly #options: SubscribeOptions;
  readonly #since: Promise<number>;
  #lastId: number | undefined;
  /** The time of the last bytes from a server, and why the last connection ended. */
  #heardMs = 0;
  #failure: unknown;

  constructor(transport: Transport, pattern: string, options: SubscribeOptions) {
    this.#transport = transport;
    this.#pattern = pattern;
    this.#options = options;
    this.#lastId = options.since;
    this.#since = options.since === undefined ? this.#newestId() : Promise.resolve(options.since);
    // The failure is reported to whoever iterates, or waits until the subscription is ready.
    this.#since.catch(() => undefined);
  }

  /** The id of the last event that was yielded, for the `since` of a later subscription. */
  get lastId(): number | undefined {
    return this.#lastId;
  }

  /** Resolves when the position is known: no event that is published after that is missed. */
  async ready(): Promise<void> {
    this.#lastId ??= await this.#since;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void, undefined> {
    await this.ready();
    this.#heardMs = performance.now();
    for (let attempt = 0; ; attempt++) {
      for await (const event of this.#connection()) {
        attempt = 0;
        const taken = this.#take(event);
        if (taken === "again") break;
        if (taken !== undefined) yield taken;
      }
      if (performance.now() - this.#heardMs > (this.#options.timeoutMs ?? Infinity)) throw this.#failure;
      await this.#pause(pauseMs(attempt));
    }
  }

  /** Yields what one connection brings. Ends with the connection; fails if another one cannot help. */
  async *#connection(): AsyncGenerator<StreamEvent, void, undefined> {
    const deadline = new Deadline(Infinity, [this.#transport.signal, this.#options.signal]);
    const silence = new AbortController();
    const connection = new Deadline(Infinity, [deadline.signal, silence.signal]);
    let timer: ReturnType<typeof setTimeout> | undefined;
    let watch: ReturnType<typeof setInterval> | undefined;
    const listen = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(new UnavailableError("the connection is silent")), SILENCE_MS_MAX);
    };
    const heard = (): void => {
      this.#heardMs = performance.now();
      listen();
    };
    listen();
    try {
      const query = { pattern: this.#pattern || undefined, since: this.#lastId, notices: 1 };
      const plan = { method: "GET", path: "/api/events/stream", query, answerMs: ANSWER_MS_MAX };
      const response = await this.#transport.open(plan, connection);
      watch = setInterval(() => void this.#leaveIsolated(response.url, silence), HEALTH_MS);
      if (response.body !== null) yield* readEvents(response.body, heard);
      this.#failure = new UnavailableError("the connection was closed");
    } catch (error) {
      if (deadline.signal.aborted) throw deadline.signal.reason;
      if (error instanceof KoorError && !(error instanceof UnavailableError) && !(error instanceof RateLimitedError))
        throw error;
      this.#failure = error;
    } finally {
      clearTimeout(timer);
      clearInterval(watch);
      connection.end();
      deadline.end();
    }
  }

  /** Ends a connection to a node that is cut off from its cluster, if another node is healthy. */
  async #leaveIsolated(url: string, connection: AbortController): Promise<void> {
    if (await this.#transport.leaveIsolated(connection.signal, url))
      connection.abort(new UnavailableError("the node is cut off from its cluster"));
  }

  /** Returns the event, undefined if there is none to yield, or "again" if the connection has to be opened again. */
  #take({ type, data }: StreamEvent): Event | "again" | undefined {
    if (type === "message") {
      const event = JSON.parse(data) as Event;
      if (event.id <= (this.#lastId ?? 0)) return undefined;
      this.#lastId = event.id;
      return event;
    }
    if (type !== "dropped" && type !== "lagged") return undefined;
    const notice = JSON.parse(data) as LagNotice;
    this.#options.onLag?.(notice);
    if (notice.type === "lagged") {
      this.#lastId = notice.last_id;
      return undefined;
    }
    // The events of the gap are in the history, and the next connection begins with them.
    return "again";
  }

  async #pause(timeMs: number): Promise<void> {
    const deadline = new Deadline(Infinity, [this.#transport.signal, this.#options.signal]);
    try {
      await deadline.pause(timeMs);
    } finally {
      deadline.end();
    }
  }

  async #newestId(): Promise<number> {
    const options = { signal: this.#options.signal, timeoutMs: this.#options.timeoutMs };
    const metrics = await this.#transport.json<{ last_event_id: number }>(
      { method: "GET", path: "/api/metrics" },
      options,
    );
    return metrics.last_event_id;
  }
}
