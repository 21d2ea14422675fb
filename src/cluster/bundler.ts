/**
 * Batches entries of several nodes into one message of the log. It runs on the leader. Batching pays, because each
 * message costs a round trip through the log, and a transaction at each node. A further entry in the same message costs
 * little.
 *
 * At most one message is in flight. Entries that arrive meanwhile share the next message. After a delivery, the leader
 * delays the next message briefly. The nodes with entries in the delivered message were just answered, and usually send
 * the next entry soon. A node without peers never delays a message. Pure but for its state.
 */
import { BUNDLE_BYTES_MAX, BUNDLE_LINGER_MS_MAX } from "../../schemas/limits/cluster.js";
import type { EntryHead } from "./entry.js";

/** An entry of calls that waits to be appended to the log. */
export interface BundledEntry {
  readonly head: Pick<EntryHead, "node" | "epoch" | "number">;
  readonly bytes: Uint8Array;
}

/** A message that this node has appended and that the log has not delivered yet. */
export interface Flight {
  readonly entries: readonly BundledEntry[];
  /** When the message was appended, in ms. */
  readonly since: number;
}

export class Bundler {
  #waiting: BundledEntry[] = [];
  #flight: Flight | null = null;
  /** The nodes that had entries in the latest message. The next message waits briefly for their next entries. */
  #expected: readonly string[] = [];
  #lingerUntil = 0;

  get flight(): Flight | null {
    return this.#flight;
  }

  /** Queues an entry. It replaces a queued entry of the same node, because a node has only one entry in flight. */
  add(entry: BundledEntry): void {
    this.#waiting = this.#waiting.filter(({ head }) => head.node !== entry.head.node);
    this.#waiting.push(entry);
  }

  /**
   * Returns how many ms the next message still waits for more entries. Returns null if no entry is queued or a message
   * is in flight.
   */
  lingerMs(now: number): number | null {
    if (this.#flight !== null || this.#waiting.length === 0) return null;
    const isMissing = (node: string): boolean => !this.#waiting.some(({ head }) => head.node === node);
    return this.#expected.some(isMissing) ? Math.max(0, this.#lingerUntil - now) : 0;
  }

  /** Takes the entries of the next message: at least one entry, and further ones up to BUNDLE_BYTES_MAX bytes. */
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
   * Records that the log has delivered an entry. If it is the first entry of the message in flight, the log has
   * delivered the whole message.
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
   * Forgets all entries. Each node then appends its own entry by itself, unless it learns that the log will never store
   * the entry.
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
