/**
 * Reads the log for the applier, with back pressure. It pauses the delivery when more than `pendingBytesMax` bytes wait
 * to be applied, and resumes it at half of that. It skips and counts damaged entries and foreign messages. A foreign
 * message was appended by another program, not by a node.
 *
 * An entry may also be damaged in flight to this node. The other nodes apply such an entry, so this node must not skip
 * it. The reader therefore asks for a new session at the first damaged entry, and skips the entry only if it arrives
 * with the same damage again. It then skips all damaged entries of this session, so that many of them cause only one
 * new session. Runs in the writer thread.
 */
import { crc32 } from "node:zlib";
import { ENTRIES_PENDING_BYTES_MAX, NODE_LAG_ENTRIES_MAX } from "../../schemas/limits/cluster.js";
import type { LogSession } from "./log/ordered-log.js";
import type { Applier } from "./applier.js";
import { originOf } from "./entry.js";

export class LogReader {
  readonly #applier: Pick<Applier, "receive" | "skip" | "pendingBytes" | "hasPending" | "state">;
  readonly #pendingBytesMax: number;
  /** The state of the delivery. In the state "resumed", no message has arrived since the delivery was resumed. */
  #state: "reading" | "paused" | "resumed" = "reading";
  #resumedAt = 0;
  #last = 0;
  #foreign = 0;
  #damaged = 0;
  #newestSkipped = 0;
  /** The damaged entry for which the reader has asked for a new session; null if there is none. */
  #suspect: { readonly id: number; readonly sum: number } | null = null;
  /** Whether an entry of this session arrived damaged a second time. */
  #isLogDamaged = false;

  constructor(
    applier: Pick<Applier, "receive" | "skip" | "pendingBytes" | "hasPending" | "state">,
    pendingBytesMax = ENTRIES_PENDING_BYTES_MAX,
  ) {
    this.#applier = applier;
    this.#pendingBytesMax = pendingBytesMax;
  }

  /** The number of messages in the log that no node has appended. */
  get foreign(): number {
    return this.#foreign;
  }

  /** The number of entries in the log whose checksum is wrong. */
  get damaged(): number {
    return this.#damaged;
  }

  get isPaused(): boolean {
    return this.#state === "paused";
  }

  /**
   * When the delivery was last resumed, in ms. The pause may have delayed the delivery of entries that were appended
   * before.
   */
  get resumedAt(): number {
    return this.#resumedAt;
  }

  /** The newest id that the log is known to have. */
  get last(): number {
    return Math.max(this.#last, this.#applier.state.position.id);
  }

  /**
   * Whether the node is more than NODE_LAG_ENTRIES_MAX entries behind the log. It is also true during a pause, and
   * until the first message after it, because the lag is unknown then.
   */
  get isBehind(): boolean {
    if (this.#state !== "reading") return true;
    // If nothing waits to be applied, all messages after the applied position were skipped. They add no lag.
    const skipped = this.#applier.hasPending ? 0 : this.#newestSkipped;
    return this.#last - Math.max(this.#applier.state.position.id, skipped) > NODE_LAG_ENTRIES_MAX;
  }

  /** Records the newest id of the log, as a new session has found it. */
  noteLast(last: number): void {
    this.#last = last;
  }

  /** Resets the state of the delivery for a new session, which starts unpaused. */
  restart(): void {
    this.#state = "reading";
    this.#isLogDamaged = false;
  }

  /**
   * Passes a delivered message of the log to the applier, or skips a foreign or damaged one. Returns false if the
   * caller must open a new session, and must ignore the later messages of this session.
   */
  receive(id: number, bytes: Uint8Array, last: number): boolean {
    this.#last = Math.max(this.#last, last, id);
    const origin = originOf(bytes);
    if (origin === "damaged" && !this.#isDamagedInLog(id, bytes)) return false;
    if (origin === "node") {
      // Copy the bytes, because they may be in the connection's buffer, which the library reuses.
      this.#applier.receive(id, new Uint8Array(bytes));
    } else {
      if (origin === "foreign") this.#foreign += 1;
      else this.#damaged += 1;
      this.#newestSkipped = id;
      this.#applier.skip(bytes.byteLength);
    }
    this.#state = "reading";
    return true;
  }

  /** Returns whether a damaged entry is damaged in the log itself, as far as the reader knows. */
  #isDamagedInLog(id: number, bytes: Uint8Array): boolean {
    const sum = crc32(bytes);
    this.#isLogDamaged ||= this.#suspect?.id === id && this.#suspect.sum === sum;
    this.#suspect = { id, sum };
    return this.#isLogDamaged;
  }

  /** Pauses or resumes the delivery, depending on how many bytes wait to be applied. */
  adjust(session: LogSession | null, now: number): void {
    if (session === null) return;
    const { pendingBytes } = this.#applier;
    if (this.#state !== "paused" && pendingBytes > this.#pendingBytesMax) {
      this.#state = "paused";
      session.pause();
    } else if (this.#state === "paused" && pendingBytes <= this.#pendingBytesMax / 2) {
      this.#state = "resumed";
      this.#resumedAt = now;
      session.resume();
    }
  }
}
