/**
 * Fans events out to subscribers. The subscribers of one pattern form a group, and an event is matched once against
 * each distinct pattern. The subscribers of a group that keep up share one topic of the WebSocket library, which sends
 * them all events of a tick in one write. All other subscribers (streams, long polls, slow sockets) are listeners: they
 * get each event by a function call.
 *
 * Events go out once a tick, in the check phase of the event loop. So the library sends its batch before it handles any
 * socket event. Otherwise a slow socket could accept data again before the batch is sent. Its subscriber would rejoin
 * the topic, and get a new event before the older events that its feed still holds. Runs on the front.
 */
import type { CommittedEvent } from "../../../schemas/events.js";
import {
  REPLAY_PAGE_EVENTS,
  SUBSCRIBED_PATTERNS_CHARACTERS_MAX,
  SUBSCRIBERS_MAX,
} from "../../../schemas/limits/events.js";
import { Failure } from "../../base/result.js";
import { TimeSlice } from "../../base/time-slice.js";
import { WaitQueue } from "../../base/wait-queue.js";
import type { Exposition, Measured } from "../../platform/measure/exposition.js";
import type { Broadcaster } from "../../platform/transport/transport.js";
import type { EventCounters } from "./counters.js";
import { HeldEvents } from "./held-events.js";
import { encodeEvent } from "./encode.js";
import { PatternBudget } from "./pattern-budget.js";
import type { EventReader } from "./table.js";
import { PatternIndex } from "../../platform/topics/pattern-index.js";
import type { Pattern } from "../../platform/topics/pattern.js";

export interface Listener {
  take(event: CommittedEvent): void;
  /** Called when the server shuts down. */
  end(): void;
}

/** All subscribers of one pattern. */
export class Group {
  /** The name of the topic that this group has in the WebSocket library. */
  readonly topic: string;
  readonly listeners = new Set<Listener>();
  /** The number of subscribers, of any kind. */
  members = 0;

  constructor(readonly pattern: Pattern) {
    this.topic = `events/${pattern.text}`;
  }
}

const FULL = new Failure("RESOURCE_EXHAUSTED", `${SUBSCRIBERS_MAX} subscribers are connected, try again`);
const TOO_MANY_PATTERNS = new Failure(
  "RESOURCE_EXHAUSTED",
  `the subscribed patterns have ${SUBSCRIBED_PATTERNS_CHARACTERS_MAX} characters together, try again`,
);

export class Hub implements Measured {
  /** Events that wait for slow subscribers. */
  readonly held = new HeldEvents();
  readonly #broadcaster: Broadcaster;
  readonly #counters: EventCounters;
  readonly #index = new PatternIndex();
  readonly #budget = new PatternBudget(this.#index);
  readonly #groups = new Map<string, Group>();
  /** The events of this tick. A subscriber that becomes slow during the tick continues from this list. */
  #tickEvents: CommittedEvent[] = [];
  #tickEnds = false;
  /** Committed events that go out at the end of this tick. */
  #accepted: CommittedEvent[] = [];
  #lastId: number;
  #members = 0;
  /** Total characters of the distinct patterns. */
  #characters = 0;
  /** The long polls for events. */
  readonly polls = new WaitQueue();

  /**
   * @param broadcaster sends texts to all WebSockets of a topic
   * @param lastId the id of the newest event at the start
   */
  constructor(broadcaster: Broadcaster, counters: EventCounters, lastId: number) {
    this.#broadcaster = broadcaster;
    this.#counters = counters;
    this.#lastId = lastId;
  }

  /** The id of the newest event that was sent out. */
  get lastId(): number {
    return this.#lastId;
  }

  /**
   * The id of the newest event that the writer has reported. The hub may still hold the event until the end of this
   * tick.
   */
  get acceptedId(): number {
    return this.#accepted.at(-1)?.id ?? this.#lastId;
  }

  /** Skips the events up to this id. They came with a restore, so they are old, and no subscriber waits for them. */
  skipTo(id: number): void {
    this.#lastId = Math.max(this.#lastId, id);
  }

  /**
   * Publishes the committed events that the writer did not report because it crashed. It reads them from the history.
   */
  catchUp(history: EventReader): void {
    for (let lastId = history.lastId, cursor = this.#lastId; cursor < lastId; ) {
      const { rows } = history.after(cursor, lastId, REPLAY_PAGE_EVENTS);
      const newest = rows.at(-1);
      if (newest === undefined) return;
      this.accept(rows.map(encodeEvent));
      cursor = newest.id;
    }
  }

  get subscribers(): number {
    return this.#members;
  }

  /** Returns an error if there is no room for one more subscriber of the pattern; otherwise null. */
  refuse(pattern: Pattern): Failure | null {
    if (this.#members >= SUBSCRIBERS_MAX) return FULL;
    const { text } = pattern;
    const more = this.#groups.has(text) ? 0 : text.length;
    if (this.#characters + more > SUBSCRIBED_PATTERNS_CHARACTERS_MAX) return TOO_MANY_PATTERNS;
    return this.refuseSteps([pattern]);
  }

  /** Returns an error if matching topics with these patterns too would take too many steps; otherwise null. */
  refuseSteps(patterns: readonly Pattern[]): Failure | null {
    return this.#budget.refuse(patterns);
  }

  get patterns(): number {
    return this.#index.size;
  }

  /** Adds one subscriber to the group of a pattern, and returns the group. */
  join(pattern: Pattern): Group {
    let group = this.#groups.get(pattern.text);
    if (group === undefined) {
      group = new Group(pattern);
      this.#groups.set(pattern.text, group);
      this.#index.add(pattern);
      this.#budget.count(pattern);
      this.#characters += pattern.text.length;
    }
    group.members += 1;
    this.#members += 1;
    return group;
  }

  /** Removes a member from a group. */
  leave(group: Group): void {
    group.members -= 1;
    this.#members -= 1;
    if (group.members > 0) return;
    this.#groups.delete(group.pattern.text);
    this.#index.delete(group.pattern.text);
    this.#characters -= group.pattern.text.length;
  }

  /** Takes committed events, in the order of their ids. They go out at the end of this tick. */
  accept(events: readonly CommittedEvent[]): void {
    if (events.length === 0) return;
    if (this.#accepted.length === 0) setImmediate(() => this.#sendAccepted());
    for (const event of events) this.#accepted.push(event);
  }

  /**
   * Sends out the accepted events. If matching them takes too long for one tick, the rest goes out in the next tick.
   */
  #sendAccepted(): void {
    const slice = new TimeSlice();
    let events = 0;
    while (events < this.#accepted.length && !slice.isOver) this.#index.match(this.#accepted[events++]?.topic ?? "");
    this.fanOut(this.#accepted.splice(0, events));
    if (this.#accepted.length > 0) setImmediate(() => this.#sendAccepted());
  }

  /** Finds an event that was committed in this tick and is not sent out yet; undefined if it was sent out already. */
  acceptedWith(id: number): CommittedEvent | undefined {
    const first = this.#accepted[0]?.id ?? 0;
    // Ids are consecutive.
    const event = this.#accepted[id - first];
    return event?.id === id ? event : undefined;
  }

  /**
   * Sends events out, and skips those that were sent out already. At most one call per tick is allowed; `accept`
   * ensures that.
   */
  fanOut(events: readonly CommittedEvent[]): void {
    const due = new Map<Group, CommittedEvent[]>();
    for (const event of events) {
      if (event.id <= this.#lastId) continue;
      this.#lastId = event.id;
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

  /**
   * Returns the matching events of this tick whose ids are at least `id`, in order. Returns undefined if `id` belongs
   * to an earlier tick.
   */
  sinceInTick(id: number, pattern: Pattern): CommittedEvent[] | undefined {
    const oldest = this.#tickEvents[0];
    if (oldest === undefined || oldest.id > id) return undefined;
    return this.#tickEvents.filter((event) => event.id >= id && pattern.matches(event.topic));
  }

  expose(out: Exposition): void {
    out
      .value("koor_subscribers", "gauge", "Connected subscribers and waiting long polls.", this.subscribers)
      .value("koor_subscriber_patterns", "gauge", "Distinct subscribed patterns.", this.patterns)
      .value("koor_last_event_id", "gauge", "Id of the newest event.", this.#lastId);
    this.#counters.expose(out);
  }

  /** Sends out the accepted events, and ends every listener and every long poll. */
  end(): void {
    this.fanOut(this.#accepted.splice(0));
    this.polls.close();
    for (const group of this.#groups.values()) for (const listener of [...group.listeners]) listener.end();
  }

  #deliver(group: Group, events: readonly CommittedEvent[]): void {
    // Listeners come first: a subscriber that the library drops below gets a new listener that has these events.
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
    // Two immediates later, the library has flushed the messages of this tick and reported slow sockets.
    setImmediate(() =>
      setImmediate(() => {
        this.#tickEvents = [];
        this.#tickEnds = false;
      }),
    );
  }
}
