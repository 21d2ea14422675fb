/**
 * Follows events live and reports every gap. After a disconnection it subscribes again with `since=` and the id of the
 * last received event. Its state is live, reconnecting, or catching up with the number of missing events.
 *
 * Events that the server dropped are fetched from history. If history no longer holds them, the list shows a gap. The
 * host provides the connection and the clock. The page's host (event-feed.ts) uses the browser's, and tests have their
 * own hosts.
 */
import { batch, signal, type ReadonlySignal } from "@preact/signals";
import { EventCursor } from "../../shared/event-cursor.js";
import { type LinkState, Reconnect } from "../../shared/reconnect.js";
import { isFinal } from "./client.js";
import { addEvents, addGap, findEvent, heldEvent, NO_EVENTS, type EventList, type HeldEvent } from "./event-list.js";
import { EventRate } from "./event-rate.js";
import type { Event } from "./types.js";

export type EventFeedState = LinkState | "catching up";

export interface EventFeedOptions {
  /** The topic pattern that selects events; empty for every topic. */
  readonly pattern: string;
  /**
   * The follower starts after the event with this id. If it is null, the follower starts with the newest events of
   * history.
   */
  readonly since: number | null;
  /** The id of the last event that is wanted. If it is set, the follower stops at the first event after it. */
  readonly until?: number | null;
  /** The number of newest events to read from history at the start. Used only if `since` is null. */
  readonly first: number;
  /**
   * The maximum number of held events. Without `since`, the newest events are kept. With `since`, the first events
   * after that id are kept, and the follower stops when the list is full.
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
  /** Delivers one frame. */
  message(text: string): void;
  /** Called once, when the connection has ended or could not be opened. */
  closed(): void;
}

export interface EventHost {
  /** Calls GET /api/events/history. */
  history(parameters: HistoryParameters): Promise<readonly Event[]>;
  /**
   * Calls GET /api/events/subscribe and requests notices of dropped events. The returned function closes the
   * connection; after that the subscriber is not called any more.
   */
  subscribe(pattern: string, since: number, subscriber: Subscriber): () => void;
  /** Runs `work` once after a delay in ms. The returned function cancels it. */
  later(delayMs: number, work: () => void): () => void;
  nowMs(): number;
  /** Calls `listener` on each change of the page's visibility, until the returned function is called. */
  listenForVisibility(listener: (visible: boolean) => void): () => void;
}

/** The server's notice that the requested position is newer than its newest event. */
interface Lagged {
  readonly type: "lagged";
}

interface Dropped {
  readonly type: "dropped";
  readonly count: number;
  readonly after_id: number;
}

const RETRY_DELAYS = { minMs: 250, maxMs: 5_000 };
/**
 * The least time between two changes of the list, in ms. Events that arrive in between are shown together. A person
 * cannot read a list that changes more often, and each change costs the browser as much as a hundred events.
 */
const SHOW_MS = 250;
/**
 * The first event after a pause waits this long for further events, in ms. A person does not notice so short a delay.
 */
const BURST_MS = 50;
/** The maximum number of events that one history request returns. */
const HISTORY_MAX = 10_000;
/**
 * The maximum number of gaps that wait to be filled. If there are more, the page is so slow that fetching their events
 * does not help.
 */
const FILLS_MAX = 8;

const nothing = (): void => undefined;

export class EventFollower {
  readonly #options: EventFeedOptions;
  readonly #host: EventHost;
  readonly #list = signal<EventList>(NO_EVENTS);
  readonly #state = signal<EventFeedState>("connecting");
  readonly #lag = signal(0);
  readonly #received = signal(0);
  readonly #full = signal(false);
  readonly #lostMs = signal<number | null>(null);
  readonly #failure = signal<unknown>(null);
  readonly #rate = new EventRate();
  readonly #link = new Reconnect(RETRY_DELAYS);
  /** The position of the last matching event that was received. */
  readonly #cursor: EventCursor;
  /**
   * The id of the newest matching event when the connection was opened. The follower has caught up when it has received
   * this event.
   */
  #target = 0;
  /**
   * The follower has missed no event up to and including this id. This includes events that do not match the pattern.
   */
  #covered: number;
  /**
   * The newest event id of the server when the connection opened. After the follower has caught up, `#covered` is set
   * to it.
   */
  #horizon = 0;
  #started: boolean;
  /**
   * Whether the follower has caught up at least once. Afterwards, a full list drops its oldest events to make room for
   * new ones.
   */
  #caughtUp = false;
  /** The number of the current attempt to connect. Results that belong to an earlier attempt are discarded. */
  #attempt = 0;
  #closeSocket = nothing;
  #cancelRetry = nothing;
  #cancelShow: (() => void) | null = null;
  /** The time of the last change of the list, in ms since the epoch. */
  #shownMs = 0;
  #waiting: HeldEvent[] = [];
  #toFill: Dropped[] = [];
  #filling = false;
  #closed = false;
  readonly #stopListening: () => void;

  constructor(options: EventFeedOptions, host: EventHost) {
    this.#options = options;
    this.#host = host;
    this.#started = options.since !== null;
    this.#cursor = new EventCursor(options.since ?? 0);
    this.#covered = this.#cursor.id;
    this.#stopListening = host.listenForVisibility((visible) => {
      if (this.#closed || this.#full.value) return;
      if (visible) void this.#connect();
      else this.#disconnect();
    });
    void this.#connect();
  }

  get list(): ReadonlySignal<EventList> {
    return this.#list;
  }

  get state(): ReadonlySignal<EventFeedState> {
    return this.#state;
  }

  /**
   * How far the follower is behind while it catches up. It is the id of the newest matching event minus the id of the
   * last received event.
   */
  get lag(): ReadonlySignal<number> {
    return this.#lag;
  }

  /** The number of events received since the start, including those that are no longer held. */
  get received(): ReadonlySignal<number> {
    return this.#received;
  }

  /**
   * The time when the connection was lost, in ms since the epoch. It is null while there is a connection, and before
   * the first one.
   */
  get lostMs(): ReadonlySignal<number | null> {
    return this.#lostMs;
  }

  /** Whether the follower has stopped because it holds `keep` events after `since`, or all events up to `until`. */
  get full(): ReadonlySignal<boolean> {
    return this.#full;
  }

  /** The error that prevented the start of the follower, such as a malformed pattern; null if it has started. */
  get failure(): ReadonlySignal<unknown> {
    return this.#failure;
  }

  /** Returns the number of events in each second of the last minute, oldest first. */
  lastMinute(nowMs: number): number[] {
    return this.#rate.lastMinute(nowMs);
  }

  /** Stops following. The events held remain readable. */
  close(): void {
    this.#closed = true;
    this.#stopListening();
    this.#disconnect();
  }

  async #connect(): Promise<void> {
    this.#disconnect();
    this.#link.connecting();
    const attempt = ++this.#attempt;
    const isLate = (): boolean => attempt !== this.#attempt || this.#closed;
    try {
      if (!this.#started) await this.#readNewest(isLate);
      else await this.#checkResume(isLate);
    } catch (error) {
      if (isLate()) return;
      if (isFinal(error)) this.#failure.value = error;
      else this.#retryLater();
      return;
    }
    if (isLate()) return;
    this.#closeSocket = this.#host.subscribe(this.#options.pattern, this.#cursor.id, {
      opened: () => {
        this.#link.opened();
        this.#updateState();
      },
      message: (text) => this.#receive(text),
      closed: () => {
        this.#disconnect();
        this.#retryLater();
      },
    });
  }

  /** Reads the newest events from history, with which a follower without `since` starts. */
  async #readNewest(isLate: () => boolean): Promise<void> {
    const { first, pattern } = this.#options;
    const newest = await this.#host.history({ last: first, topic: pattern });
    if (isLate()) return;
    this.#started = true;
    this.#add(newest.map((event) => heldEvent(event)).toReversed());
    for (const { created_at } of newest) this.#rate.add(Date.parse(created_at));
    this.#target = this.#cursor.id;
    this.#covered = this.#cursor.id;
    this.#horizon = this.#cursor.id;
  }

  /**
   * Checks how many events are missing, and whether history still holds the first missing one. Runs before the
   * subscription continues.
   */
  async #checkResume(isLate: () => boolean): Promise<void> {
    const { pattern } = this.#options;
    const resumes = this.#cursor.id;
    const [matching, newest, around] = await Promise.all([
      this.#host.history({ last: 1, topic: pattern }),
      this.#host.history({ last: 1 }),
      this.#host.history({ last: 2, after: Math.max(0, resumes - 1) }),
    ]);
    if (isLate()) return;
    const newestId = newest[0]?.id ?? 0;
    const known = findEvent(this.#list.value, resumes);
    const again = around.find(({ id }) => id === resumes);
    // The server has another database if its newest event id is smaller than the last received id. The same is true if
    // a known event has changed.
    if (newestId < resumes || (known !== undefined && again !== undefined && known.created_at !== again.created_at)) {
      await this.#startOver(newestId, isLate);
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
    this.#horizon = newestId;
  }

  async #startOver(newestId: number, isLate: () => boolean): Promise<void> {
    const heldSome = this.#list.value.events.length > 0;
    this.#list.value = NO_EVENTS;
    this.#toFill = [];
    this.#cursor.rewind(newestId);
    this.#covered = newestId;
    this.#horizon = newestId;
    this.#target = newestId;
    if (!heldSome) return;
    this.#cursor.rewind(0);
    await this.#readNewest(isLate);
  }

  #retryLater(): void {
    if (this.#closed || this.#full.value) return;
    this.#link.failed(this.#host.nowMs());
    this.#showLink();
    this.#cancelRetry = this.#host.later(this.#link.delayMs, () => void this.#connect());
  }

  /** Closes the connection, or cancels the attempt to open one. */
  #disconnect(): void {
    this.#attempt += 1;
    this.#cancelRetry();
    this.#closeSocket();
    this.#closeSocket = nothing;
    this.#show();
    // A follower that is full keeps its last state, because it needs no connection any more.
    if (this.#link.state !== "live" || this.#full.value) return;
    this.#link.closed(this.#host.nowMs());
    this.#showLink();
  }

  #receive(text: string): void {
    const message = JSON.parse(text) as Event | Dropped | Lagged;
    if ("type" in message) {
      // This notice means that the server has another or an older database. The next connection detects that.
      if (message.type === "lagged") return;
      this.#show();
      void this.#fill(message);
      return;
    }
    this.#waiting.push(heldEvent(message, text.length));
    this.#rate.add(this.#state.value === "live" ? this.#host.nowMs() : Date.parse(message.created_at));
    // The limit on held events applies also to received events that are not shown yet. They may accumulate, because the
    // timers of a hidden page run late.
    if (this.#waiting.length >= this.#options.keep) this.#show();
    else this.#cancelShow ??= this.#host.later(this.#showDelayMs(), () => this.#show());
  }

  /**
   * Returns the delay until the received events are shown, in ms. It is at most SHOW_MS, even if the clock was set
   * back.
   */
  #showDelayMs(): number {
    const sinceShownMs = Math.max(0, this.#host.nowMs() - this.#shownMs);
    return Math.max(BURST_MS, SHOW_MS - sinceShownMs);
  }

  #show(): void {
    this.#cancelShow?.();
    this.#cancelShow = null;
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    this.#shownMs = this.#host.nowMs();
    const { since, keep } = this.#options;
    const room = keep - this.#list.value.events.length;
    const wanted = this.#upToLast(waiting);
    const isPast = wanted.length < waiting.length;
    const fillsUp = since !== null && !this.#caughtUp && wanted.length >= room;
    batch(() => {
      this.#add(fillsUp ? wanted.slice(0, room) : wanted);
      this.#updateState();
      this.#full.value = isPast || (fillsUp && !this.#caughtUp);
    });
    if (this.#full.value) this.#disconnect();
  }

  /** Returns the events that are not after the last wanted one. */
  #upToLast(events: readonly HeldEvent[]): readonly HeldEvent[] {
    const last = this.#options.until ?? Number.POSITIVE_INFINITY;
    return events.filter(({ id }) => id <= last);
  }

  #add(events: readonly HeldEvent[]): void {
    this.#list.value = addEvents(this.#list.value, events, this.#options.keep);
    this.#received.value += events.length;
    this.#cursor.take(events.at(-1)?.id ?? 0);
  }

  #updateState(): void {
    const lag = Math.max(0, this.#target - this.#cursor.id);
    if (lag === 0) this.#caughtUp = true;
    if (lag === 0) this.#covered = Math.max(this.#covered, this.#horizon, this.#cursor.id);
    if (this.#link.state !== "live") return;
    batch(() => {
      this.#lag.value = lag;
      this.#showLink();
    });
  }

  /** Updates the signals that show the state of the connection. */
  #showLink(): void {
    const { state, lostMs } = this.#link;
    batch(() => {
      this.#lostMs.value = lostMs;
      this.#state.value = state === "live" && this.#lag.value > 0 ? "catching up" : state;
    });
  }

  /** Fetches events that the server dropped because this page was too slow. Fills one gap at a time. */
  async #fill(dropped: Dropped): Promise<void> {
    if (this.#toFill.length >= FILLS_MAX) {
      this.#recordDropped(dropped.after_id, dropped.count);
      return;
    }
    this.#toFill.push(dropped);
    if (this.#filling) return;
    this.#filling = true;
    for (let next = this.#toFill[0]; next !== undefined; next = this.#toFill[0]) {
      const missed = await this.#readDropped(next);
      // The list of gaps was reset meanwhile, because the server now has another database. It lacks these events.
      if (this.#toFill[0] !== next) continue;
      this.#toFill.shift();
      this.#add(this.#upToLast(missed));
      this.#recordDropped(missed.at(-1)?.id ?? next.after_id, next.count - missed.length);
    }
    this.#filling = false;
  }

  /** Returns the events of a gap that history still holds. Returns none if history cannot be read. */
  async #readDropped({ count, after_id }: Dropped): Promise<HeldEvent[]> {
    const { pattern, keep } = this.#options;
    try {
      const read = await this.#host.history({
        after: after_id,
        topic: pattern,
        last: Math.min(count, keep, HISTORY_MAX),
      });
      // If history lacks a part of the gap, the answer also contains events after the gap. Those that the list has
      // already are left out.
      return read.filter(({ id }) => findEvent(this.#list.value, id) === undefined).map((event) => heldEvent(event));
    } catch {
      return [];
    }
  }

  #recordDropped(afterId: number, count: number): void {
    this.#list.value = addGap(this.#list.value, { after_id: afterId, count, why: "dropped", exact: true });
  }
}

function isAll(pattern: string): boolean {
  return pattern === "" || pattern === "*" || pattern === "**";
}
