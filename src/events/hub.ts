/**
 * Fan-out: which subscribers get an event, and in which way. Runs on the front. Each distinct pattern is
 * a group; an event is matched against the distinct patterns once. Subscribers that keep up share one
 * topic of the WebSocket library a group, which sends many events of one turn in one go; all others
 * (streams, long polls, subscribers that are behind) are listeners that get each event by call.
 *
 * Events go out once a turn of the loop, in its check phase: the library sends what it has collected
 * before it looks at any socket again. If a socket could take more in between, the library would send it
 * an event that its feed still holds, before those that it held longer.
 */
import type { CommittedEvent } from "../../schemas/events.js";
import { REPLAY_PAGE_EVENTS, SUBSCRIBED_PATTERNS_CHARACTERS_MAX, SUBSCRIBERS_MAX } from "../../schemas/limits.js";
import { Failure } from "../base/result.js";
import type { Exposition, Measured } from "../measure/exposition.js";
import { TimeSlice } from "../base/time-slice.js";
import type { Broadcaster } from "../transport/transport.js";
import type { EventCounters } from "./counters.js";
import { HeldEvents } from "./held-events.js";
import { encodeEvent } from "./encode.js";
import type { EventReader } from "./table.js";
import { PatternIndex } from "../topics/pattern-index.js";
import type { Pattern } from "../topics/pattern.js";

export interface Listener {
  take(event: CommittedEvent): void;
  /** The server shuts down. */
  end(): void;
}

/** All subscribers of one pattern. */
export class Group {
  /** Name of the group's topic in the transport. */
  readonly topic: string;
  readonly listeners = new Set<Listener>();
  /** Subscribers of any kind. */
  members = 0;

  constructor(readonly pattern: Pattern) {
    this.topic = `events/${pattern.text}`;
  }
}

const FULL = new Failure("RESOURCE_EXHAUSTED", `${SUBSCRIBERS_MAX} subscribers are connected, try again`);
const TOO_MANY_PATTERNS = new Failure(
  "RESOURCE_EXHAUSTED",
  `patterns that are subscribed have ${SUBSCRIBED_PATTERNS_CHARACTERS_MAX} characters together, try again`,
);

export class Hub implements Measured {
  /** What is held for subscribers that are behind. */
  readonly held = new HeldEvents();
  readonly #broadcaster: Broadcaster;
  readonly #counters: EventCounters;
  readonly #index = new PatternIndex();
  readonly #groups = new Map<string, Group>();
  /** The events of this turn of the event loop: what a subscriber missed that fell behind in it. */
  #tickEvents: CommittedEvent[] = [];
  #tickEnds = false;
  /** Events that are committed and go out at the end of this turn. */
  #accepted: CommittedEvent[] = [];
  #last_id: number;
  #members = 0;
  /** Of the distinct patterns. */
  #characters = 0;

  /**
   * @param broadcaster the ports, with the topics of those that keep up
   * @param last_id the newest event there is at the start
   */
  constructor(broadcaster: Broadcaster, counters: EventCounters, last_id: number) {
    this.#broadcaster = broadcaster;
    this.#counters = counters;
    this.#last_id = last_id;
  }

  /** The newest event that went out. */
  get last_id(): number {
    return this.#last_id;
  }

  /** The newest event that was told of; it may go out at the end of this turn. */
  get acceptedId(): number {
    return this.#accepted.at(-1)?.id ?? this.#last_id;
  }

  /** Events up to this id came with a restore: they are history, and nobody waits for them. */
  skipTo(id: number): void {
    this.#last_id = Math.max(this.#last_id, id);
  }

  /** Takes events that were committed and not told of: their writer crashed before it could say so. */
  catchUp(history: EventReader): void {
    for (let last_id = history.last_id, cursor = this.#last_id; cursor < last_id; ) {
      const { rows } = history.after(cursor, last_id, REPLAY_PAGE_EVENTS);
      const newest = rows.at(-1);
      if (newest === undefined) return;
      this.accept(rows.map(encodeEvent));
      cursor = newest.id;
    }
  }

  get subscribers(): number {
    return this.#members;
  }

  /** Why there may not be one more that listens to a pattern; null where there may. */
  refuse({ text }: Pattern): Failure | null {
    if (this.#members >= SUBSCRIBERS_MAX) return FULL;
    const more = this.#groups.has(text) ? 0 : text.length;
    return this.#characters + more > SUBSCRIBED_PATTERNS_CHARACTERS_MAX ? TOO_MANY_PATTERNS : null;
  }

  get patterns(): number {
    return this.#index.size;
  }

  /** The group of a pattern, for one more member. */
  join(pattern: Pattern): Group {
    let group = this.#groups.get(pattern.text);
    if (group === undefined) {
      group = new Group(pattern);
      this.#groups.set(pattern.text, group);
      this.#index.add(pattern);
      this.#characters += pattern.text.length;
    }
    group.members += 1;
    this.#members += 1;
    return group;
  }

  /** One member less. */
  leave(group: Group): void {
    group.members -= 1;
    this.#members -= 1;
    if (group.members > 0) return;
    this.#groups.delete(group.pattern.text);
    this.#index.delete(group.pattern.text);
    this.#characters -= group.pattern.text.length;
  }

  /** Takes committed events, in the order of their ids; they go out at the end of this turn. */
  accept(events: readonly CommittedEvent[]): void {
    if (events.length === 0) return;
    if (this.#accepted.length === 0) setImmediate(() => this.#sendAccepted());
    for (const event of events) this.#accepted.push(event);
  }

  /** Sends out what was accepted; what would hold up this turn for too long goes out with the next. */
  #sendAccepted(): void {
    const slice = new TimeSlice();
    let events = 0;
    while (events < this.#accepted.length && !slice.isOver) this.#index.match(this.#accepted[events++]?.topic ?? "");
    this.fanOut(this.#accepted.splice(0, events));
    if (this.#accepted.length > 0) setImmediate(() => this.#sendAccepted());
  }

  /** An event of a commit that was told of in this turn; undefined where it went out already. */
  acceptedWith(id: number): CommittedEvent | undefined {
    const first = this.#accepted[0]?.id ?? 0;
    // Ids are given out one after the other.
    const event = this.#accepted[id - first];
    return event?.id === id ? event : undefined;
  }

  /** Sends events out; those that went out already are passed over. To be called once a turn, by `accept`. */
  fanOut(events: readonly CommittedEvent[]): void {
    const due = new Map<Group, CommittedEvent[]>();
    for (const event of events) {
      if (event.id <= this.#last_id) continue;
      this.#last_id = event.id;
      this.#counters.published += 1;
      if (this.#groups.size === 0) continue;
      this.#recordForTick(event);
      for (const text of this.#index.match(event.topic)) {
        const group = this.#groups.get(text);
        if (group === undefined) continue;
        const its = due.get(group);
        if (its === undefined) due.set(group, [event]);
        else its.push(event);
      }
    }
    for (const [group, its] of due) this.#deliver(group, its);
  }

  /** The events of this turn from `id` on that match, in order; undefined where `id` is of an earlier turn. */
  sinceInTick(id: number, pattern: Pattern): CommittedEvent[] | undefined {
    const oldest = this.#tickEvents[0];
    if (oldest === undefined || oldest.id > id) return undefined;
    return this.#tickEvents.filter((event) => event.id >= id && pattern.matches(event.topic));
  }

  expose(out: Exposition): void {
    out
      .value("koor_subscribers", "gauge", "Connected subscribers and waiting long polls.", this.subscribers)
      .value("koor_subscriber_patterns", "gauge", "Distinct patterns that are subscribed.", this.patterns)
      .value("koor_last_event_id", "gauge", "Id of the newest event.", this.#last_id);
    this.#counters.expose(out);
  }

  /** Sends out what is due, and ends every listener. */
  end(): void {
    this.fanOut(this.#accepted.splice(0));
    for (const group of this.#groups.values()) for (const listener of [...group.listeners]) listener.end();
  }

  #deliver(group: Group, events: readonly CommittedEvent[]): void {
    // Listeners first: whom the library drops while it sends becomes a listener that holds these events already.
    for (const event of events) for (const listener of group.listeners) listener.take(event);
    const members = this.#broadcaster.publish(
      group.topic,
      events.map(({ text }) => text),
    );
    this.#counters.delivered += members * events.length;
  }

  #recordForTick(event: CommittedEvent): void {
    this.#tickEvents.push(event);
    if (this.#tickEnds) return;
    this.#tickEnds = true;
    // The library flushes a turn's messages, and reports who is behind, before the next turn's immediates.
    setImmediate(() =>
      setImmediate(() => {
        this.#tickEvents = [];
        this.#tickEnds = false;
      }),
    );
  }
}
