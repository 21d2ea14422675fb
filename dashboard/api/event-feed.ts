/**
 * Events as they are published: the WebSocket subscription that every client uses, resumed with `since=` after the
 * last event that was seen. It says how it is: live, reconnecting, or still catching up and by how many; what was
 * dropped is fetched from history, and what history no longer holds is a gap in the list.
 */
import { batch, signal, type ReadonlySignal } from "@preact/signals";
import { getJson, query } from "./client.js";
import { addEvents, addGap, NO_EVENTS, type EventList } from "./event-list.js";
import type { Event } from "./types.js";
import { listenForVisibility } from "./visibility.js";

export type EventFeedState = "connecting" | "live" | "catching up" | "reconnecting";

export interface EventFeedOptions {
  /** Of topics; empty for all. */
  readonly pattern: string;
  /** Begins after this event; null: with the newest that history holds. */
  readonly since: number | null;
  /** How many of the newest events of history are there from the beginning, where `since` is null. */
  readonly first: number;
  /** How many events are held. */
  readonly keep: number;
}

interface Dropped {
  readonly type: "dropped";
  readonly count: number;
  readonly after_id: number;
}

const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 5_000;
/** Events that came are shown together, this often: faster than the eye, slower than a burst. */
const SHOW_MS = 100;
const HISTORY = "/api/events/history";
/** What one call of history gives. */
const HISTORY_MAX = 10_000;

export class EventFeed {
  readonly #options: EventFeedOptions;
  readonly #list = signal<EventList>(NO_EVENTS);
  readonly #state = signal<EventFeedState>("connecting");
  readonly #behind = signal(0);
  readonly #failure = signal<unknown>(null);
  /** The last event that was seen, of those that match. */
  #seen: number;
  #target = 0;
  #socket: WebSocket | null = null;
  #waiting: Event[] = [];
  #showing: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #retry_ms = RETRY_MS_MIN;
  #closed = false;
  readonly #stopWatching: () => void;

  constructor(options: EventFeedOptions) {
    this.#options = options;
    this.#seen = options.since ?? 0;
    this.#stopWatching = listenForVisibility((visible) => {
      if (!visible) this.#hangUp();
      else if (this.#socket === null) void this.#connect();
    });
    void this.#begin();
  }

  get list(): ReadonlySignal<EventList> {
    return this.#list;
  }

  get state(): ReadonlySignal<EventFeedState> {
    return this.#state;
  }

  /** While it catches up: how many ids lie between what was seen last and the newest event. */
  get behind(): ReadonlySignal<number> {
    return this.#behind;
  }

  /** Why it could not begin; a malformed pattern, say. Null where it could. */
  get failure(): ReadonlySignal<unknown> {
    return this.#failure;
  }

  close(): void {
    this.#closed = true;
    this.#stopWatching();
    this.#hangUp();
    clearTimeout(this.#showing);
  }

  async #begin(): Promise<void> {
    const { since, first, pattern } = this.#options;
    try {
      if (since === null) {
        const newest = await getJson<Event[]>(HISTORY + query({ last: first, topic: pattern }));
        this.#add(newest.toReversed());
      }
    } catch (error) {
      this.#failure.value = error;
      return;
    }
    await this.#connect();
  }

  async #connect(): Promise<void> {
    if (this.#closed) return;
    clearTimeout(this.#retry);
    const { pattern } = this.#options;
    const resumes = this.#seen;
    try {
      if (resumes > 0) await this.#lookBehind(resumes);
    } catch {
      this.#retryLater();
      return;
    }
    if (this.#closed) return;
    const address = new URL(`/api/events/subscribe${query({ pattern, since: resumes, notices: 1 })}`, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      this.#retry_ms = RETRY_MS_MIN;
      this.#settle();
    });
    socket.addEventListener("message", ({ data }) => this.#take(String(data)));
    socket.addEventListener("close", () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#retryLater();
    });
  }

  /** Before it resumes: how far behind that is, and whether history still reaches back so far. */
  async #lookBehind(resumes: number): Promise<void> {
    const { pattern } = this.#options;
    const [[newest], [oldest]] = await Promise.all([
      getJson<Event[]>(HISTORY + query({ last: 1, topic: pattern })),
      getJson<Event[]>(HISTORY + query({ last: 1, after: resumes })),
    ]);
    this.#target = newest?.id ?? 0;
    // Ids only grow: where they do not reach ours, this is another database than before.
    if (oldest === undefined && (newest?.id ?? resumes) < resumes && pattern === "") this.#seen = 0;
    if (oldest !== undefined && oldest.id > resumes + 1 && this.#list.value.events.length > 0)
      this.#list.value = addGap(this.#list.value, { after_id: resumes, count: oldest.id - resumes - 1 });
  }

  #retryLater(): void {
    if (this.#closed) return;
    this.#state.value = "reconnecting";
    this.#retry = setTimeout(() => void this.#connect(), this.#retry_ms);
    this.#retry_ms = Math.min(this.#retry_ms * 2, RETRY_MS_MAX);
  }

  #hangUp(): void {
    clearTimeout(this.#retry);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#state.value = "reconnecting";
  }

  #take(text: string): void {
    const message = JSON.parse(text) as Event | Dropped;
    if ("type" in message) {
      void this.#fill(message);
      return;
    }
    this.#waiting.push(message);
    this.#showing ??= setTimeout(() => this.#show(), SHOW_MS);
  }

  #show(): void {
    this.#showing = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#add(waiting);
    this.#settle();
  }

  #add(events: readonly Event[]): void {
    this.#list.value = addEvents(this.#list.value, events, this.#options.keep);
    this.#seen = Math.max(this.#seen, events.at(-1)?.id ?? 0);
  }

  #settle(): void {
    const behind = this.#seen >= this.#target ? 0 : this.#target - this.#seen;
    batch(() => {
      this.#behind.value = behind;
      this.#state.value = behind === 0 ? "live" : "catching up";
    });
  }

  /** Fetches what the server dropped because this page was too slow for it. */
  async #fill({ count, after_id }: Dropped): Promise<void> {
    const { pattern, keep } = this.#options;
    const last = Math.min(count, keep, HISTORY_MAX);
    try {
      const missed = await getJson<Event[]>(HISTORY + query({ after: after_id, topic: pattern, last }));
      this.#add(missed);
      this.#list.value = addGap(this.#list.value, { after_id, count: count - missed.length });
    } catch {
      this.#list.value = addGap(this.#list.value, { after_id, count });
    }
  }
}
