/**
 * Events as they are published, without a gap that is not told of: a subscription that is resumed with `since=` after
 * the last event that was seen. It says how it is: live, reconnecting, or still catching up and by how many; what was
 * dropped is fetched from history, and what history no longer holds is a gap in the list. How the server is reached,
 * and what time it is, its host says: event-feed.ts has the browser's, tests have their own.
 */
import { batch, signal, type ReadonlySignal } from "@preact/signals";
import { ApiError } from "./client.js";
import { addEvents, addGap, findEvent, heldEvent, NO_EVENTS, type EventList, type HeldEvent } from "./event-list.js";
import { EventRate } from "./event-rate.js";
import type { Event } from "./types.js";

export type EventFeedState = "connecting" | "live" | "catching up" | "reconnecting";

export interface EventFeedOptions {
  /** Of topics; empty for all. */
  readonly pattern: string;
  /** Begins after this event; null: with the newest that history holds. */
  readonly since: number | null;
  /** How many of the newest events of history are there from the beginning, where `since` is null. */
  readonly first: number;
  /**
   * How many events are held, the newest; what follows a cursor is held from there on, so that it stops where it is
   * full before it has caught up.
   */
  readonly keep: number;
}

export interface HistoryParameters {
  readonly last: number;
  readonly after?: number;
  readonly topic?: string;
}

export interface Subscriber {
  opened(): void;
  /** One frame. */
  message(text: string): void;
  /** It ended, or never began. Told once. */
  closed(): void;
}

export interface EventHost {
  /** GET /api/events/history. */
  history(parameters: HistoryParameters): Promise<readonly Event[]>;
  /** GET /api/events/subscribe with notices. What is returned hangs up; nothing is told after that. */
  subscribe(pattern: string, since: number, subscriber: Subscriber): () => void;
  /** Does something once, later; what is returned calls it off. */
  later(delay_ms: number, work: () => void): () => void;
  now_ms(): number;
  /** Whether anybody can see the page; what is returned ends it. */
  listenForVisibility(listener: (visible: boolean) => void): () => void;
}

/** What the server says of events that it left out. */
interface Lagged {
  readonly type: "lagged";
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
/** What one call of history gives. */
const HISTORY_MAX = 10_000;
/** Gaps that wait to be filled: a page that is too slow for the feed is not helped by asking for more. */
const FILLS_MAX = 8;

const nothing = (): void => undefined;

export class EventFollower {
  readonly #options: EventFeedOptions;
  readonly #host: EventHost;
  readonly #list = signal<EventList>(NO_EVENTS);
  readonly #state = signal<EventFeedState>("connecting");
  readonly #behind = signal(0);
  readonly #received = signal(0);
  readonly #full = signal(false);
  readonly #lost_ms = signal<number | null>(null);
  readonly #failure = signal<unknown>(null);
  readonly #rate = new EventRate();
  /** The last event that was seen, of those that match. */
  #seen: number;
  /** The newest event that matches, as the connection began: there it has caught up. */
  #target = 0;
  /** Up to this event, matching or not, nothing was missed. */
  #covered: number;
  /** As `#covered`, once this connection has caught up. */
  #horizon = 0;
  #begun: boolean;
  /** Whether it has been live; from then on the oldest events make room. */
  #caught_up = false;
  #connected = false;
  /** Counts attempts to connect: what belongs to an earlier one is no longer wanted. */
  #attempt = 0;
  #hangUpSocket = nothing;
  #cancelRetry = nothing;
  #cancelShow: (() => void) | null = null;
  #retry_ms = RETRY_MS_MIN;
  #waiting: HeldEvent[] = [];
  #to_fill: Dropped[] = [];
  #filling = false;
  #closed = false;
  readonly #stopWatching: () => void;

  constructor(options: EventFeedOptions, host: EventHost) {
    this.#options = options;
    this.#host = host;
    this.#begun = options.since !== null;
    this.#seen = options.since ?? 0;
    this.#covered = this.#seen;
    this.#stopWatching = host.listenForVisibility((visible) => {
      if (this.#closed || this.#full.value) return;
      if (visible) void this.#connect();
      else this.#hangUp();
    });
    void this.#connect();
  }

  get list(): ReadonlySignal<EventList> {
    return this.#list;
  }

  get state(): ReadonlySignal<EventFeedState> {
    return this.#state;
  }

  /** While it catches up: how many ids lie between what was seen last and the newest event that matches. */
  get behind(): ReadonlySignal<number> {
    return this.#behind;
  }

  /** How many events have been taken since the beginning, those that are no longer held included. */
  get received(): ReadonlySignal<number> {
    return this.#received;
  }

  /** Since when there is no connection, ms since the epoch; null while there is one, and before the first. */
  get lost_ms(): ReadonlySignal<number | null> {
    return this.#lost_ms;
  }

  /** Whether it holds as many events as it may after its cursor, and follows no further. */
  get full(): ReadonlySignal<boolean> {
    return this.#full;
  }

  /** Why it could not begin; a malformed pattern, say. Null where it could. */
  get failure(): ReadonlySignal<unknown> {
    return this.#failure;
  }

  /** Events of each second of the last minute, the oldest first. */
  lastMinute(now_ms: number): number[] {
    return this.#rate.lastMinute(now_ms);
  }

  /** Ends it; what it holds stays. */
  close(): void {
    this.#closed = true;
    this.#stopWatching();
    this.#hangUp();
  }

  async #connect(): Promise<void> {
    this.#hangUp();
    const attempt = ++this.#attempt;
    const isLate = (): boolean => attempt !== this.#attempt || this.#closed;
    try {
      if (!this.#begun) await this.#readNewest(isLate);
      else await this.#lookBehind(isLate);
    } catch (error) {
      if (isLate()) return;
      if (isRefusal(error)) this.#failure.value = error;
      else this.#retryLater();
      return;
    }
    if (isLate()) return;
    this.#hangUpSocket = this.#host.subscribe(this.#options.pattern, this.#seen, {
      opened: () => {
        this.#connected = true;
        this.#retry_ms = RETRY_MS_MIN;
        this.#lost_ms.value = null;
        this.#settle();
      },
      message: (text) => this.#take(text),
      closed: () => {
        this.#hangUp();
        this.#retryLater();
      },
    });
  }

  /** What a list without a cursor begins with. */
  async #readNewest(isLate: () => boolean): Promise<void> {
    const { first, pattern } = this.#options;
    const newest = await this.#host.history({ last: first, topic: pattern });
    if (isLate()) return;
    this.#begun = true;
    this.#add(newest.map((event) => heldEvent(event)).toReversed());
    for (const { created_at } of newest) this.#rate.add(Date.parse(created_at));
    this.#target = this.#seen;
    this.#covered = this.#seen;
    this.#horizon = this.#seen;
  }

  /** Before it resumes: how far behind that is, and whether history still reaches back so far. */
  async #lookBehind(isLate: () => boolean): Promise<void> {
    const { pattern } = this.#options;
    const resumes = this.#seen;
    const [matching, newest, around] = await Promise.all([
      this.#host.history({ last: 1, topic: pattern }),
      this.#host.history({ last: 1 }),
      this.#host.history({ last: 2, after: Math.max(0, resumes - 1) }),
    ]);
    if (isLate()) return;
    const newest_id = newest[0]?.id ?? 0;
    const known = findEvent(this.#list.value, resumes);
    const again = around.find(({ id }) => id === resumes);
    // Ids only grow, and an event stays what it is: otherwise this is another database than before.
    if (newest_id < resumes || (known !== undefined && again !== undefined && known.created_at !== again.created_at)) {
      await this.#beginAnew(newest_id, isLate);
      return;
    }
    const next = around.find(({ id }) => id > resumes);
    if (resumes > 0 && next !== undefined && next.id > this.#covered + 1)
      this.#list.value = addGap(this.#list.value, {
        after_id: resumes,
        count: next.id - this.#covered - 1,
        why: "pruned",
        exact: isAll(pattern),
      });
    this.#target = matching[0]?.id ?? 0;
    this.#horizon = newest_id;
  }

  async #beginAnew(newest_id: number, isLate: () => boolean): Promise<void> {
    const held_some = this.#list.value.events.length > 0;
    this.#list.value = NO_EVENTS;
    this.#to_fill = [];
    this.#seen = newest_id;
    this.#covered = newest_id;
    this.#horizon = newest_id;
    this.#target = newest_id;
    if (!held_some) return;
    this.#seen = 0;
    await this.#readNewest(isLate);
  }

  #retryLater(): void {
    if (this.#closed || this.#full.value) return;
    this.#lost_ms.value ??= this.#host.now_ms();
    this.#state.value = "reconnecting";
    this.#cancelRetry = this.#host.later(this.#retry_ms, () => void this.#connect());
    this.#retry_ms = Math.min(this.#retry_ms * 2, RETRY_MS_MAX);
  }

  /** Ends the connection, and whatever would become one. */
  #hangUp(): void {
    this.#attempt += 1;
    this.#cancelRetry();
    this.#hangUpSocket();
    this.#hangUpSocket = nothing;
    this.#show();
    if (!this.#connected) return;
    this.#connected = false;
    if (this.#full.value) return;
    this.#lost_ms.value = this.#host.now_ms();
    this.#state.value = "reconnecting";
  }

  #take(text: string): void {
    const message = JSON.parse(text) as Event | Dropped | Lagged;
    if ("type" in message) {
      // Of another database it learns when it connects.
      if (message.type === "lagged") return;
      this.#show();
      void this.#fill(message);
      return;
    }
    this.#waiting.push(heldEvent(message, text.length));
    this.#rate.add(this.#state.value === "live" ? this.#host.now_ms() : Date.parse(message.created_at));
    // A page that is not looked at has slow timers: what waits is bounded as what is held.
    if (this.#waiting.length >= this.#options.keep) this.#show();
    else this.#cancelShow ??= this.#host.later(SHOW_MS, () => this.#show());
  }

  #show(): void {
    this.#cancelShow?.();
    this.#cancelShow = null;
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    const { since, keep } = this.#options;
    const room = keep - this.#list.value.events.length;
    const fills_up = since !== null && !this.#caught_up && waiting.length >= room;
    batch(() => {
      this.#add(fills_up ? waiting.slice(0, room) : waiting);
      this.#settle();
      this.#full.value = fills_up && !this.#caught_up;
    });
    if (this.#full.value) this.#hangUp();
  }

  #add(events: readonly HeldEvent[]): void {
    this.#list.value = addEvents(this.#list.value, events, this.#options.keep);
    this.#received.value += events.length;
    this.#seen = Math.max(this.#seen, events.at(-1)?.id ?? 0);
  }

  #settle(): void {
    const behind = Math.max(0, this.#target - this.#seen);
    if (behind === 0) this.#caught_up = true;
    if (behind === 0) this.#covered = Math.max(this.#covered, this.#horizon, this.#seen);
    if (!this.#connected) return;
    batch(() => {
      this.#behind.value = behind;
      this.#state.value = behind === 0 ? "live" : "catching up";
    });
  }

  /** Fetches what the server dropped because this page was too slow for it, one gap after the other. */
  async #fill(dropped: Dropped): Promise<void> {
    if (this.#to_fill.length >= FILLS_MAX) {
      this.#noteDropped(dropped.after_id, dropped.count);
      return;
    }
    this.#to_fill.push(dropped);
    if (this.#filling) return;
    this.#filling = true;
    for (let next = this.#to_fill[0]; next !== undefined; next = this.#to_fill[0]) {
      const missed = await this.#readDropped(next);
      // Another database has taken the place of the one that dropped them.
      if (this.#to_fill[0] !== next) continue;
      this.#to_fill.shift();
      this.#add(missed);
      this.#noteDropped(missed.at(-1)?.id ?? next.after_id, next.count - missed.length);
    }
    this.#filling = false;
  }

  /** Those of a gap that history still holds; none where it cannot be asked. */
  async #readDropped({ count, after_id }: Dropped): Promise<HeldEvent[]> {
    const { pattern, keep } = this.#options;
    try {
      const read = await this.#host.history({
        after: after_id,
        topic: pattern,
        last: Math.min(count, keep, HISTORY_MAX),
      });
      // Where some of the gap are gone, history goes on with what came after it.
      return read.filter(({ id }) => findEvent(this.#list.value, id) === undefined).map((event) => heldEvent(event));
    } catch {
      return [];
    }
  }

  #noteDropped(after_id: number, count: number): void {
    this.#list.value = addGap(this.#list.value, { after_id, count, why: "dropped", exact: true });
  }
}

/** Whether the server will not have it however often it is asked. */
function isRefusal(error: unknown): boolean {
  return error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429;
}

function isAll(pattern: string): boolean {
  return pattern === "" || pattern === "*" || pattern === "**";
}
