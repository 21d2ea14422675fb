/**
 * Keeps the events that wait for slow subscribers. Each event is kept once, with a count of the subscribers that wait
 * for it. The total size is limited. Pure except for its state. Runs on the front.
 */
import { SUBSCRIBERS_BEHIND_BYTES_MAX } from "../../../schemas/limits/events.js";
import type { CommittedEvent } from "../../../schemas/events.js";
import { ByteBudget } from "../../base/byte-budget.js";
import { must } from "../../base/assert.js";

interface Held {
  readonly event: CommittedEvent;
  holders: number;
}

export class HeldEvents {
  readonly #budget: ByteBudget;
  readonly #byId = new Map<number, Held>();

  constructor(bytesMax: number = SUBSCRIBERS_BEHIND_BYTES_MAX) {
    this.#budget = new ByteBudget(bytesMax);
  }

  /** The approximate size of the kept events in bytes. A character counts as one byte. */
  get bytes(): number {
    return this.#budget.bytes;
  }

  /** Keeps an event for one more subscriber. Returns the kept event, or null if there is no room. */
  hold(event: CommittedEvent): CommittedEvent | null {
    const held = this.#byId.get(event.id);
    if (held !== undefined) {
      held.holders += 1;
      return held.event;
    }
    if (!this.#budget.take(event.text.length)) return null;
    this.#byId.set(event.id, { event, holders: 1 });
    return event;
  }

  release({ id }: CommittedEvent): void {
    const held = must(this.#byId.get(id), "a released event was held");
    held.holders -= 1;
    if (held.holders > 0) return;
    this.#byId.delete(id);
    this.#budget.release(held.event.text.length);
  }
}
