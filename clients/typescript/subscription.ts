/**
 * A subscription to events. When its connection ends, it opens another one, and continues after the last received
 * event. So no event is missed, and none comes twice.
 */
import { pauseMs } from "./back-off.js";
import { Deadline } from "./deadline.js";
import { KoorError, RateLimitedError, UnavailableError } from "./errors.js";
import { readEvents, type StreamEvent } from "./event-stream.js";
import type { Transport } from "./transport.js";
import type { Event, LagNotice } from "./types.js";

/** The server sends a comment every 15 s. A connection that is silent for longer than this is dead. */
const SILENCE_MS_MAX = 45_000;
/** The maximum time until a server begins the stream, in ms. If it takes longer, the client tries the next server. */
const ANSWER_MS_MAX = 10_000;
/**
 * The interval in ms at which the client checks whether its server is cut off from the cluster. With only one server,
 * it does not check.
 */
const HEALTH_MS = 5000;

export interface SubscribeOptions {
  /** The subscription starts after the event with this id; 0 for all stored events. By default it starts now. */
  readonly since?: number | undefined;
  /**
   * Called with each notice that events may be missing. It is called before the iteration yields the events that follow
   * the notice.
   */
  readonly onLag?: ((notice: LagNotice) => void) | undefined;
  /** A signal that ends the subscription when it fires. The iteration then fails with the signal's reason. */
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
  /**
   * The time at which the last bytes from a server arrived, in ms. `#failure` is the error that ended the last
   * connection.
   */
  #heardMs = 0;
  #failure: unknown;

  constructor(transport: Transport, pattern: string, options: SubscribeOptions) {
    this.#transport = transport;
    this.#pattern = pattern;
    this.#options = options;
    this.#lastId = options.since;
    this.#since = options.since === undefined ? this.#newestId() : Promise.resolve(options.since);
    // The iteration, or `ready`, reports this failure. This handler prevents that it is also reported as an unhandled
    // rejection.
    this.#since.catch(() => undefined);
  }

  /** The id of the last yielded event. With this id as `since`, a later subscription continues after that event. */
  get lastId(): number | undefined {
    return this.#lastId;
  }

  /** Resolves when the start position is known. From then on, no published event is missed. */
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

  /** Yields the events of one connection, and ends with the connection. Fails if a new connection would fail, too. */
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

  /**
   * Handles an event of the stream. Returns the event to yield, or undefined if there is none. Returns "again" if the
   * connection must be opened again.
   */
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
    // The missed events are in the history. A new connection starts with them.
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
