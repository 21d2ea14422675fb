/**
 * The buffer of one slow subscriber. It is a ring buffer of at most `capacity` events. A Gap stands at each position at
 * which events were dropped. The subscriber's feed fills and empties it. Pure. Runs on the front.
 *
 * Two gaps never follow each other, so there is at most one gap more than events, and the ring never grows. A gap at
 * the end grows with each dropped event, but only while an event is before it in the buffer. So a gap that `peek` has
 * returned does not change before it is shifted.
 */
import { SUBSCRIBER_BUFFER_BYTES_MAX, SUBSCRIBER_BUFFER_EVENTS_MAX } from "../../../schemas/limits/events.js";
import { assert } from "../../base/assert.js";
import type { CommittedEvent } from "../../../schemas/events.js";
import { HeldEvents } from "./held-events.js";

/** Stands for `count` dropped events. `after_id` is the id of the event before them; 0 if there was none. */
export interface Gap {
  readonly kind: "gap";
  count: number;
  after_id: number;
}

export function isGap(item: CommittedEvent | readonly CommittedEvent[] | Gap): item is Gap {
  return "kind" in item;
}

export class SubscriberBuffer {
  readonly #capacity: number;
  readonly #held: HeldEvents;
  #bytes = 0;
  /** The slots of the ring. They are allocated for the first event, because most subscribers are never slow. */
  #slots: (CommittedEvent | Gap | undefined)[] = [];
  #head = 0;
  #used = 0;
  #events = 0;
  #dropped = 0;
  #lastId = 0;
  /** The gap at the end of the buffer; undefined if the buffer does not end with a gap. */
  #openGap: Gap | undefined = undefined;

  /** @param held stores the events that are in any subscriber's buffer */
  constructor(held: HeldEvents = new HeldEvents(), capacity: number = SUBSCRIBER_BUFFER_EVENTS_MAX) {
    assert(Number.isInteger(capacity) && capacity >= 1, "a subscriber's buffer holds at least one event");
    this.#capacity = capacity;
    this.#held = held;
  }

  /** The number of events in the buffer. Gaps do not count. */
  get events(): number {
    return this.#events;
  }

  /** The number of events that were dropped since the buffer was created. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Appends an event and returns true. If there is no room, drops the event and returns false. */
  offer(event: CommittedEvent): boolean {
    const fits = this.#events === 0 || this.#bytes + event.text.length <= SUBSCRIBER_BUFFER_BYTES_MAX;
    const held = this.#events < this.#capacity && fits ? this.#held.hold(event) : null;
    if (held !== null) {
      this.#push(held);
      this.#bytes += held.text.length;
      this.#events++;
      this.#lastId = event.id;
      this.#openGap = undefined;
      return true;
    }
    this.#dropped++;
    if (this.#openGap === undefined) {
      this.#openGap = { kind: "gap", count: 0, after_id: this.#lastId };
      this.#push(this.#openGap);
    }
    this.#openGap.count++;
    return false;
  }

  /** Returns the oldest event or gap, without removing it. */
  peek(): CommittedEvent | Gap | undefined {
    return this.#slots[this.#head];
  }

  /**
   * Returns the oldest events up to the first gap, without removing them. Together they have at most `charactersMax`
   * characters. If the first event is longer, it is returned alone.
   */
  peekRun(charactersMax: number): CommittedEvent[] {
    const run: CommittedEvent[] = [];
    let characters = 0;
    for (let at = 0; at < this.#used; at++) {
      const item = this.#slots[(this.#head + at) % this.#slots.length];
      if (item === undefined || isGap(item)) break;
      characters += item.text.length;
      if (run.length > 0 && characters > charactersMax) break;
      run.push(item);
    }
    return run;
  }

  /** Removes and returns the oldest event or gap. */
  shift(): CommittedEvent | Gap | undefined {
    const item = this.#slots[this.#head];
    if (item === undefined) return undefined;
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#slots.length;
    this.#used--;
    if (isGap(item)) {
      if (item === this.#openGap) this.#openGap = undefined;
    } else {
      this.#events--;
      this.#bytes -= item.text.length;
      this.#held.release(item);
    }
    return item;
  }

  /** Releases everything, because the subscriber has disconnected. */
  clear(): void {
    while (this.shift() !== undefined);
  }

  /** Records the id of an event that was sent without the buffer. The next gap then starts after this event. */
  noteDelivered(id: number): void {
    if (id > this.#lastId) this.#lastId = id;
  }

  #push(item: CommittedEvent | Gap): void {
    // Allocate the maximum: one gap before each event, and one more gap at the end.
    if (this.#slots.length === 0)
      this.#slots = new Array<CommittedEvent | Gap | undefined>(2 * this.#capacity + 1).fill(undefined);
    assert(this.#used < this.#slots.length, "gaps are never more than events + 1");
    this.#slots[(this.#head + this.#used) % this.#slots.length] = item;
    this.#used++;
  }
}
