/**
 * Random choices for a simulated day: items, numbers, ids, and times at which a team works. All choices are determined
 * by a seed. Pure.
 */
import { makeRandom, type Random } from "../random.js";

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
const HOURS_A_DAY = 24;

/** The team's local time at the end of the day. It is an afternoon of a working day. */
const WALL_HOUR_NOW = 16.5;
/** The activity in each local hour, on a scale up to 100. A few agents also work at night. */
const BUSY = [6, 4, 4, 4, 4, 6, 12, 30, 60, 95, 100, 90, 45, 85, 100, 95, 90, 70, 45, 30, 22, 18, 12, 8];
const BUSIEST = Math.max(...BUSY);

export class Sampler {
  readonly #random: Random;
  readonly #nowMs: number;

  /**
   * @param name the name of a kind of content. Each kind has its own sampler, so that more content of one kind does not
   * change another kind
   */
  constructor(seed: number, name: string, nowMs: number) {
    let mixed = seed;
    for (const character of name) mixed = Math.imul(mixed ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
    this.#random = makeRandom(mixed);
    this.#nowMs = nowMs;
  }

  /** Returns an integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.#random(high - low + 1);
  }

  chance(percent: number): boolean {
    return this.#random(100) < percent;
  }

  one<Item>(items: readonly Item[]): Item {
    const item = items[this.#random(items.length)];
    if (item === undefined) throw new Error("there is nothing to pick from");
    return item;
  }

  /** Removes one of the items and returns it. */
  take<Item>(items: Item[]): Item {
    const item = this.one(items);
    items.splice(items.indexOf(item), 1);
    return item;
  }

  /** Returns random lowercase hex digits, as in a commit id or a hash. */
  hex(digits: number): string {
    return Array.from({ length: digits }, () => this.#random(16).toString(16)).join("");
  }

  /** Returns a random UUID of version 4. */
  uuid(): string {
    const hex = this.hex(32);
    const variant = "89ab"[this.#random(4)] ?? "8";
    return [
      hex.slice(0, 8),
      hex.slice(8, 12),
      `4${hex.slice(13, 16)}`,
      variant + hex.slice(17, 20),
      hex.slice(20),
    ].join("-");
  }

  /** Returns a random time between two times, in ms. Working hours are more likely. */
  time(fromMs: number, toMs: number): number {
    for (;;) {
      const atMs = this.between(fromMs, toMs);
      const agoHours = (this.#nowMs - atMs) / HOUR_MS;
      const days = Math.ceil(agoHours / HOURS_A_DAY) + 1;
      const hour = Math.floor((WALL_HOUR_NOW - agoHours + days * HOURS_A_DAY) % HOURS_A_DAY);
      if (this.#random(BUSIEST) < (BUSY[hour] ?? 0)) return atMs;
    }
  }

  /** Returns `count` such times, oldest first. */
  times(count: number, fromMs: number, toMs: number): number[] {
    return Array.from({ length: count }, () => this.time(fromMs, toMs)).sort((a, b) => a - b);
  }
}
