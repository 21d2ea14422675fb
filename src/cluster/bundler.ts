/**
 * Collects entries of several nodes for one message of the log, on the node that leads. What a message costs is hardly
 * its entries: a round through the log, a delivery and a transaction at each node. So one is in flight at a time, and
 * after it has come back the next one waits a moment for the nodes that had entries in it, because their callers were
 * just answered and mostly call again. A node that is alone never waits. Pure but for its state.
 */
import { BUNDLE_BYTES_MAX, BUNDLE_LINGER_MS_MAX } from "../../schemas/limits.js";
import type { EntryHead } from "./entry.js";

/** An entry of calls that is not in the log yet. */
export interface Collected {
  readonly head: Pick<EntryHead, "node" | "epoch" | "number">;
  readonly bytes: Uint8Array;
}

/** A message that has not come back. */
export interface Flight {
  readonly parts: readonly Collected[];
  readonly since: number;
}

export class Bundler {
  #waiting: Collected[] = [];
  #flight: Flight | null = null;
  /** The nodes that had entries in the last message. */
  #expected: readonly string[] = [];
  #lingerUntil = 0;

  get flight(): Flight | null {
    return this.#flight;
  }

  /** Puts an entry after those that wait; in the place of one of its node, which has one in flight at a time. */
  add(part: Collected): void {
    this.#waiting = this.#waiting.filter(({ head }) => head.node !== part.head.node);
    this.#waiting.push(part);
  }

  /** For how many ms the next message is to wait for other entries; null where none may leave now. */
  lingerMs(now: number): number | null {
    if (this.#flight !== null || this.#waiting.length === 0) return null;
    const isWaitedFor = (node: string): boolean => !this.#waiting.some(({ head }) => head.node === node);
    return this.#expected.some(isWaitedFor) ? Math.max(0, this.#lingerUntil - now) : 0;
  }

  /** The next message leaves. */
  take(now: number): Flight {
    let bytes = 0;
    let count = 0;
    for (const part of this.#waiting) {
      bytes += part.bytes.byteLength;
      if (count > 0 && bytes > BUNDLE_BYTES_MAX) break;
      count += 1;
    }
    this.#flight = { parts: this.#waiting.splice(0, count), since: now };
    return this.#flight;
  }

  /** An entry has come back: where it is of the message in flight, that has. */
  landed({ node, epoch, number }: Collected["head"], now: number): void {
    const first = this.#flight?.parts[0]?.head;
    if (first?.node !== node || first.epoch !== epoch || first.number !== number) return;
    const { parts, since } = this.#flight as Flight;
    this.#expected = parts.map(({ head }) => head.node);
    this.#lingerUntil = now + Math.min(2 * (now - since), BUNDLE_LINGER_MS_MAX);
    this.#flight = null;
  }

  /**
   * Forgets all of it: each node appends its own entry again, or learns that it never will be in the log.
   * @returns what has not left
   */
  clear(): readonly Collected[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#flight = null;
    this.#expected = [];
    return waiting;
  }
}
