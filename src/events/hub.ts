/**
 * Fan-out: which subscribers get an event, and in which way. Runs on the front. Each distinct pattern is
 * a group; an event is matched against the distinct patterns once. Subscribers that keep up share one
 * topic of the WebSocket library a group, which sends many events of one turn in one go; all others
 * (streams, long polls, subscribers that are behind) are listeners that get each event by call.
 */
import type { Registry } from "../metrics/registry.js";
import type { CommittedEvent } from "../../schemas/events.js";
import { PatternIndex } from "./pattern-index.js";
import type { Pattern } from "./pattern.js";

/** One listening port's own publish; each port has its own set of topics. */
export interface Broadcaster {
  publish(topic: string, text: string): void;
}

export interface Listener {
  take(event: CommittedEvent): void;
  /** The server shuts down. */
  end(): void;
}

/** All subscribers of one pattern. */
export class Group {
  /** Name of the group's topic in every Broadcaster. */
  readonly topic: string;
  /** How many subscribers each port's topic has. */
  readonly native = new Map<Broadcaster, number>();
  readonly listeners = new Set<Listener>();
  /** Subscribers of any kind. */
  members = 0;

  constructor(readonly pattern: Pattern) {
    this.topic = `events/${pattern.text}`;
  }
}

export class Hub {
  readonly #registry: Registry;
  readonly #index = new PatternIndex();
  readonly #groups = new Map<string, Group>();
  /** The events of this turn of the event loop: what a subscriber missed that fell behind in it. */
  #turn: CommittedEvent[] = [];
  #turn_ends = false;
  #last_id: number;

  /** @param last_id the newest event there is at the start */
  constructor(registry: Registry, last_id: number) {
    this.#registry = registry;
    this.#last_id = last_id;
  }

  /** The newest event that went out. */
  get lastId(): number {
    return this.#last_id;
  }

  get subscribers(): number {
    let members = 0;
    for (const group of this.#groups.values()) members += group.members;
    return members;
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
    }
    group.members += 1;
    return group;
  }

  /** One member less. */
  leave(group: Group): void {
    group.members -= 1;
    if (group.members > 0) return;
    this.#groups.delete(group.pattern.text);
    this.#index.delete(group.pattern.text);
  }

  /** Sends committed events out, in the order of their ids; those that went out already are passed over. */
  fanOut(events: readonly CommittedEvent[]): void {
    for (const event of events) {
      if (event.id <= this.#last_id) continue;
      this.#last_id = event.id;
      this.#registry.events_published += 1;
      if (this.#groups.size === 0) continue;
      this.#remember(event);
      for (const text of this.#index.match(event.topic)) {
        const group = this.#groups.get(text);
        if (group !== undefined) this.#deliver(group, event);
      }
    }
  }

  /** The events of this turn from `id` on that match, in order; undefined where `id` is of an earlier turn. */
  sinceInTurn(id: number, pattern: Pattern): CommittedEvent[] | undefined {
    const oldest = this.#turn[0];
    if (oldest === undefined || oldest.id > id) return undefined;
    return this.#turn.filter((event) => event.id >= id && pattern.matches(event.topic));
  }

  /** Ends every listener. */
  end(): void {
    for (const group of this.#groups.values()) for (const listener of [...group.listeners]) listener.end();
  }

  #deliver(group: Group, event: CommittedEvent): void {
    // Listeners first: a large message is sent within `publish`, and whom it drops there becomes a listener that holds this event already.
    for (const listener of group.listeners) listener.take(event);
    for (const [port, subscribers] of group.native) {
      port.publish(group.topic, event.text);
      this.#registry.events_delivered += subscribers;
    }
  }

  #remember(event: CommittedEvent): void {
    this.#turn.push(event);
    if (this.#turn_ends) return;
    this.#turn_ends = true;
    // The library flushes a turn's messages, and reports who is behind, before the next turn's immediates.
    setImmediate(() => setImmediate(() => {
      this.#turn = [];
      this.#turn_ends = false;
    }));
  }
}
