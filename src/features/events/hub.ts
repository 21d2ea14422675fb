/**
 * Fans events out to subscribers. The subscribers of one pattern form a group, so an event is matched only once against
 * each pattern. The WebSockets of a group share one topic of the WebSocket library as long as they keep up. All other
 * subscribers (streams, long polls, slow WebSockets) are listeners: they get the events by function calls.
 *
 * The hub sends events in batches that are called runs. A run has the events that the hub has accepted since the
 * previous run began. Runs are sent one after the other, in time slices, so a run to many subscribers takes several
 * ticks. At most one run begins in each tick, in the check phase of the event loop. So the library sends the run's
 * messages before it handles any socket event, and before it gets the next run.
 *
 * A subscriber that connects while a run is being sent does not get that run live. Runs on the front.
 */
import type { CommittedEvent } from "../../../schemas/events.js";
import {
  EVENTS_UNSENT_BYTES_MAX,
  EVENTS_UNSENT_MAX,
  REPLAY_PAGE_EVENTS,
  RUN_CHARACTERS_MAX,
  RUN_EVENTS_MAX,
  SUBSCRIBED_PATTERNS_CHARACTERS_MAX,
  SUBSCRIBERS_MAX,
} from "../../../schemas/limits/events.js";
import { Failure } from "../../base/result.js";
import { WaitQueue } from "../../base/wait-queue.js";
import type { Exposition, Measured } from "../../platform/measure/exposition.js";
import type { Broadcaster } from "../../platform/transport/transport.js";
import type { EventCounters } from "./counters.js";
import { EventBatch } from "./event-batch.js";
import { HeldEvents } from "./held-events.js";
import { encodeEvent } from "./encode.js";
import { PatternBudget } from "./pattern-budget.js";
import { type LiveSender, SendingTurns } from "./sending-turns.js";
import type { EventReader } from "./table.js";
import { PatternIndex } from "../../platform/topics/pattern-index.js";
import type { Pattern } from "../../platform/topics/pattern.js";

export interface Listener {
  /** Called with the events of a run that match the listener's pattern. */
  take(batch: EventBatch): void;
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
  /** The id of the newest event that is being sent to this group; 0 if no event is being sent. */
  dueId = 0;

  constructor(readonly pattern: Pattern) {
    this.topic = `events/${pattern.text}`;
  }
}

const FULL = new Failure("RESOURCE_EXHAUSTED", `${SUBSCRIBERS_MAX} subscribers are connected, try again`);
const TOO_MANY_PATTERNS = new Failure(
  "RESOURCE_EXHAUSTED",
  `the subscribed patterns have ${SUBSCRIBED_PATTERNS_CHARACTERS_MAX} characters together, try again`,
);

/**
 * The share of the limits on waiting events above which publishes are refused. If a limit itself is exceeded, all
 * writes are refused.
 */
const PUBLISH_SHARE = 0.5;
const UNSENT = new Failure("RESOURCE_EXHAUSTED", "too many events wait to be sent to subscribers, try again");

export class Hub implements Measured, LiveSender {
  /** Events that wait for slow subscribers. */
  readonly held = new HeldEvents();
  readonly #broadcaster: Broadcaster;
  readonly #counters: EventCounters;
  readonly #index = new PatternIndex();
  readonly #budget = new PatternBudget(this.#index);
  readonly #groups = new Map<string, Group>();
  /**
   * The events of the current run, or of the run that was sent last. If a WebSocket becomes slow, its feed takes the
   * remaining events from this list.
   */
  #runEvents: CommittedEvent[] = [];
  /** The remaining steps that send the current run; null if no run is being sent. */
  #run: Generator<number, void, undefined> | null = null;
  /** Committed events that belong to no run yet. */
  #accepted: CommittedEvent[] = [];
  /** The number of characters of the events in `#accepted`. */
  #acceptedCharacters = 0;
  /** Spreads the sending over several ticks. The feeds use it too. */
  readonly turns: SendingTurns;
  #lastId: number;
  #members = 0;
  /** The number of characters of all distinct patterns together. */
  #characters = 0;
  /** The long polls for events. */
  readonly polls = new WaitQueue();

  /**
   * @param broadcaster sends texts to all WebSockets of a topic
   * @param lastId the id of the newest event at the start
   */
  constructor(broadcaster: Broadcaster, counters: EventCounters, lastId: number, turns = new SendingTurns()) {
    this.turns = turns;
    turns.setLive(this);
    this.#broadcaster = broadcaster;
    this.#counters = counters;
    this.#lastId = lastId;
  }

  /** The id of the newest event that belongs to a run. The events of the current run may not be sent yet. */
  get lastId(): number {
    return this.#lastId;
  }

  /**
   * The id of the newest event that the writer has reported. The hub may still hold the event until its run begins.
   */
  get acceptedId(): number {
    return this.#accepted.at(-1)?.id ?? this.#lastId;
  }

  /** Skips the events up to this id. They are old events from a restored snapshot, and no subscriber waits for them. */
  skipTo(id: number): void {
    this.#lastId = Math.max(this.#lastId, id);
  }

  /** Sends out the committed events that the writer did not report because it crashed. Reads them from the history. */
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

  /** Returns an error if matching a topic would take too many steps with these additional patterns; otherwise null. */
  refuseSteps(patterns: readonly Pattern[]): Failure | null {
    return this.#budget.refuse(patterns);
  }

  /** Returns an error if publishes are refused because too many events wait to be sent; otherwise null. */
  refusePublish(): Failure | null {
    return this.#hasUnsent(PUBLISH_SHARE);
  }

  /** Returns an error if all writes are refused because too many events wait to be sent; otherwise null. */
  refuseWrite(): Failure | null {
    return this.#hasUnsent(1);
  }

  #hasUnsent(share: number): Failure | null {
    const isFull =
      this.#accepted.length > share * EVENTS_UNSENT_MAX || this.#acceptedCharacters > share * EVENTS_UNSENT_BYTES_MAX;
    return isFull ? UNSENT : null;
  }

  get patterns(): number {
    return this.#index.size;
  }

  /** Counts one more subscriber of a pattern. Returns the group of the pattern, which may be new. */
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

  /** Counts one subscriber less in a group. Removes the group when it is empty. */
  leave(group: Group): void {
    group.members -= 1;
    this.#members -= 1;
    if (group.members > 0) return;
    this.#groups.delete(group.pattern.text);
    this.#index.delete(group.pattern.text);
    this.#characters -= group.pattern.text.length;
  }

  /**
   * Takes committed events, in the order of their ids. They are sent out at the end of this tick, or in later ticks.
   */
  accept(events: readonly CommittedEvent[]): void {
    if (events.length === 0) return;
    for (const event of events) {
      this.#accepted.push(event);
      this.#acceptedCharacters += event.text.length;
    }
    this.turns.wake();
  }

  get hasMore(): boolean {
    return this.#run !== null || this.#accepted.length > 0;
  }

  /**
   * Begins a run with the accepted events, unless a run is being sent. If there are too many events for one run, or if
   * matching them takes too long for one tick, the rest waits for the next run.
   */
  begin(): void {
    if (this.#run !== null || this.#accepted.length === 0) return;
    let events = 0;
    let characters = 0;
    for (const { topic, text } of this.#accepted) {
      if (events === RUN_EVENTS_MAX || characters > RUN_CHARACTERS_MAX || this.turns.isOver) break;
      this.#index.match(topic);
      events += 1;
      characters += text.length;
    }
    this.#beginRun(this.#takeAccepted(events));
  }

  step(): boolean {
    if (this.#run === null) return false;
    const { done, value } = this.#run.next();
    if (done === true) this.#endRun();
    else this.turns.charge(value);
    return done !== true;
  }

  #takeAccepted(count: number): CommittedEvent[] {
    const events = this.#accepted.splice(0, count);
    for (const { text } of events) this.#acceptedCharacters -= text.length;
    return events;
  }

  /** Returns an accepted event that belongs to no run yet. Returns undefined if the event's run has begun. */
  acceptedWith(id: number): CommittedEvent | undefined {
    const first = this.#accepted[0]?.id ?? 0;
    // The ids of accepted events are consecutive.
    const event = this.#accepted[id - first];
    return event?.id === id ? event : undefined;
  }

  /** Sends events out at once. Skips the events that were already sent out. */
  fanOut(events: readonly CommittedEvent[]): void {
    while (this.step());
    this.#beginRun(events);
    while (this.step());
  }

  /**
   * Returns the matching events of the current run whose ids are at least `id`, in order. Returns undefined if `id`
   * belongs to an earlier run.
   */
  sinceInRun(id: number, pattern: Pattern): CommittedEvent[] | undefined {
    const oldest = this.#runEvents[0];
    if (oldest === undefined || oldest.id > id) return undefined;
    return this.#runEvents.filter((event) => event.id >= id && pattern.matches(event.topic));
  }

  expose(out: Exposition): void {
    out
      .value("koor_subscribers", "gauge", "Connected subscribers and waiting long polls.", this.subscribers)
      .value("koor_subscriber_patterns", "gauge", "Distinct subscribed patterns.", this.patterns)
      .value("koor_last_event_id", "gauge", "Id of the newest event.", this.acceptedId);
    this.#counters.expose(out);
  }

  /** Sends out the accepted events, and ends every listener and every long poll. */
  end(): void {
    this.fanOut(this.#takeAccepted(this.#accepted.length));
    this.polls.close();
    for (const group of this.#groups.values()) for (const listener of [...group.listeners]) listener.end();
  }

  #beginRun(events: readonly CommittedEvent[]): void {
    const due = new Map<Group, CommittedEvent[]>();
    for (const event of events) {
      if (event.id <= this.#lastId) continue;
      this.#lastId = event.id;
      this.#counters.published += 1;
      if (this.#groups.size === 0) continue;
      this.#runEvents.push(event);
      for (const text of this.#index.match(event.topic)) {
        const group = this.#groups.get(text);
        if (group === undefined) continue;
        const its = due.get(group);
        if (its === undefined) due.set(group, [event]);
        else its.push(event);
      }
    }
    if (due.size === 0) {
      this.#endRun();
      return;
    }
    for (const group of due.keys()) group.dueId = this.#lastId;
    this.#run = this.#send(due, this.#lastId);
  }

  /** Sends a run. Each step sends to one listener, to one socket, or to one topic of the WebSocket library. */
  *#send(due: ReadonlyMap<Group, readonly CommittedEvent[]>, lastId: number): Generator<number, void, undefined> {
    for (const [group, events] of due) {
      // Send to the listeners first. The code below may find a slow socket, and its subscriber then becomes a listener.
      // This subscriber must not get the events twice.
      if (group.listeners.size > 0) {
        const batch = new EventBatch(events, lastId, group.listeners.size > 1);
        for (const listener of group.listeners) {
          listener.take(batch);
          yield 0;
        }
      }
      const texts = events.map(({ text }) => text);
      const sockets = yield* this.#broadcaster.publish(group.topic, texts, lastId);
      this.#counters.delivered += sockets * events.length;
      group.dueId = 0;
    }
  }

  #endRun(): void {
    this.#run = null;
    const lastId = this.#lastId;
    if (this.#runEvents.length === 0) return;
    // Wait for two immediates (`setImmediate`). By then, the library has flushed the messages of this tick and has
    // reported slow sockets.
    setImmediate(() =>
      setImmediate(() => {
        this.#runEvents = this.#runEvents.filter(({ id }) => id > lastId);
      }),
    );
  }
}
