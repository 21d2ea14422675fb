/**
 * What one subscriber is behind: a ring of references to events, at most `capacity` of them, with a
 * Gap wherever events were dropped. Pure, lives on the front. Sending, and when a subscriber counts
 * as behind, are the hub's.
 *
 * A gap is always the head or follows an event, so there are at most events + 1 of them and the ring
 * never grows. It only counts further while the events before it are still held: a gap that was
 * peeked at does not change before it is shifted.
 */
import { SUBSCRIBER_BUFFER_BYTES_MAX, SUBSCRIBER_BUFFER_EVENTS_MAX } from "../../schemas/limits.js";
import { assert } from "../base/assert.js";
import type { CommittedEvent } from "../../schemas/events.js";
import { HeldEvents } from "./held-events.js";

/** `count` events were dropped here, right after the event `after_id` (0 where nothing came before). */
export interface Gap {
  readonly kind: "gap";
  count: number;
  after_id: number;
}

export function isGap(item: CommittedEvent | Gap): item is Gap {
  return "kind" in item;
}

export class SubscriberBuffer {
  readonly #capacity: number;
  readonly #held: HeldEvents;
  #bytes = 0;
  /** Made with the first event: most subscribers are never behind. */
  #slots: (CommittedEvent | Gap | undefined)[] = [];
  #head = 0;
  #used = 0;
  #events = 0;
  #dropped = 0;
  #last_id = 0;
  /** The gap at the tail, while nothing follows it. */
  #open_gap: Gap | undefined = undefined;

  /** @param held what all subscribers share */
  constructor(held: HeldEvents = new HeldEvents(), capacity: number = SUBSCRIBER_BUFFER_EVENTS_MAX) {
    assert(Number.isInteger(capacity) && capacity >= 1, "a subscriber's buffer holds at least one event");
    this.#capacity = capacity;
    this.#held = held;
  }

  /** Events that are held; gaps do not count. */
  get events(): number {
    return this.#events;
  }

  /** Events that were dropped since the buffer was made. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Holds the event at the tail and returns true, or, when there is no room, drops it and returns false. */
  offer(event: CommittedEvent): boolean {
    const fits = this.#events === 0 || this.#bytes + event.text.length <= SUBSCRIBER_BUFFER_BYTES_MAX;
    const held = this.#events < this.#capacity && fits ? this.#held.hold(event) : null;
    if (held !== null) {
      this.#push(held);
      this.#bytes += held.text.length;
      this.#events++;
      this.#last_id = event.id;
      this.#open_gap = undefined;
      return true;
    }
    this.#dropped++;
    if (this.#open_gap === undefined) {
      this.#open_gap = { kind: "gap", count: 0, after_id: this.#last_id };
      this.#push(this.#open_gap);
    }
    this.#open_gap.count++;
    return false;
  }

  /** The oldest event or gap, which stays. */
  peek(): CommittedEvent | Gap | undefined {
    return this.#slots[this.#head];
  }

  /** Takes the oldest event or gap out. */
  shift(): CommittedEvent | Gap | undefined {
    const item = this.#slots[this.#head];
    if (item === undefined) return undefined;
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#slots.length;
    this.#used--;
    if (isGap(item)) {
      if (item === this.#open_gap) this.#open_gap = undefined;
    } else {
      this.#events--;
      this.#bytes -= item.text.length;
      this.#held.release(item);
    }
    return item;
  }

  /** Lets everything go: the subscriber has gone. */
  clear(): void {
    while (this.shift() !== undefined);
  }

  /** An event went to the subscriber past the buffer: a later gap comes after it. */
  noteDelivered(id: number): void {
    if (id > this.#last_id) this.#last_id = id;
  }

  #push(item: CommittedEvent | Gap): void {
    // As many gaps as events, and one more at the head.
    if (this.#slots.length === 0)
      this.#slots = new Array<CommittedEvent | Gap | undefined>(2 * this.#capacity + 1).fill(undefined);
    assert(this.#used < this.#slots.length, "gaps are never more than events + 1");
    this.#slots[(this.#head + this.#used) % this.#slots.length] = item;
    this.#used++;
  }
}
