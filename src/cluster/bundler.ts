/**
 * Batches entries of several nodes into one message of the log, on the leader. Batching pays, because a message costs a
 * round trip through the log, and a delivery and a transaction at each node, while its entries cost little. So at most
 * one message is in flight, and entries that arrive meanwhile share the next one. After a message has come back, the
 * next one lingers for the nodes that had entries in it, because their callers were just answered and usually call
 * again. A node without peers never lingers. Pure but for its state.
 */
import { BUNDLE_BYTES_MAX, BUNDLE_LINGER_MS_MAX } from "../../schemas/limits/cluster.js";
import type { EntryHead } from "./entry.js";

/** An entry of calls that waits to be appended to the log. */
export interface BundledEntry {
  readonly head: Pick<EntryHead, "node" | "epoch" | "number">;
  readonly bytes: Uint8Array;
}

/** A message that was appended and has not come back through the log yet. */
export interface Flight {
  readonly entries: readonly BundledEntry[];
  /** When the message was appended, in ms. */
  readonly since: number;
}

export class Bundler {
  #waiting: BundledEntry[] = [];
  #flight: Flight | null = null;
  /** The nodes that had entries in the last message. */
  #expected: readonly string[] = [];
  #lingerUntil = 0;

  get flight(): Flight | null {
    return this.#flight;
  }

  /** Queues an entry. It replaces a waiting entry of its node, because a node has one entry in flight at a time. */
  add(entry: BundledEntry): void {
    this.#waiting = this.#waiting.filter(({ head }) => head.node !== entry.head.node);
    this.#waiting.push(entry);
  }

  /**
   * How many ms the next message still lingers for more entries; null if there is none to send, or one is in flight.
   */
  lingerMs(now: number): number | null {
    if (this.#flight !== null || this.#waiting.length === 0) return null;
    const isMissing = (node: string): boolean => !this.#waiting.some(({ head }) => head.node === node);
    return this.#expected.some(isMissing) ? Math.max(0, this.#lingerUntil - now) : 0;
  }

  /** Takes the entries of the next message, at most BUNDLE_BYTES_MAX bytes and at least one entry. */
  take(now: number): Flight {
    let bytes = 0;
    let count = 0;
    for (const entry of this.#waiting) {
      bytes += entry.bytes.byteLength;
      if (count > 0 && bytes > BUNDLE_BYTES_MAX) break;
      count += 1;
    }
    this.#flight = { entries: this.#waiting.splice(0, count), since: now };
    return this.#flight;
  }

  /**
   * Records an entry that came back through the log. If it is the first entry of the message in flight, the message is
   * not in flight any more.
   */
  landed({ node, epoch, number }: BundledEntry["head"], now: number): void {
    const first = this.#flight?.entries[0]?.head;
    if (first?.node !== node || first.epoch !== epoch || first.number !== number) return;
    const { entries, since } = this.#flight as Flight;
    this.#expected = entries.map(({ head }) => head.node);
    this.#lingerUntil = now + Math.min(2 * (now - since), BUNDLE_LINGER_MS_MAX);
    this.#flight = null;
  }

  /**
   * Forgets all entries. Each node then appends its own entry again, or learns that the entry never gets into the log.
   * @returns the entries that were not sent
   */
  clear(): readonly BundledEntry[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#flight = null;
    this.#expected = [];
    return waiting;
  }
}
