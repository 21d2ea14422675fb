/**
 * Reads the log for the applier, with back pressure: it stops the delivery when more than `pendingBytesMax` bytes wait
 * to be applied, and resumes it at half of that. Messages that no node has appended are skipped and counted, because
 * the log is writable for others. Runs in the writer thread.
 */
import { ENTRIES_PENDING_BYTES_MAX, NODE_LAG_ENTRIES_MAX } from "../../schemas/limits.js";
import type { LogSession } from "../ordered-log/ordered-log.js";
import type { Applier } from "./applier.js";
import { isForeign } from "./entry.js";

export class LogReader {
  readonly #applier: Pick<Applier, "receive" | "skip" | "pendingBytes" | "hasPending" | "state">;
  readonly #pendingBytesMax: number;
  /** Whether the log delivers: after "resumed" nothing has arrived yet. */
  #state: "reading" | "paused" | "resumed" = "reading";
  #resumedAt = 0;
  #last = 0;
  #foreign = 0;
  #newestForeign = 0;

  constructor(
    applier: Pick<Applier, "receive" | "skip" | "pendingBytes" | "hasPending" | "state">,
    pendingBytesMax = ENTRIES_PENDING_BYTES_MAX,
  ) {
    this.#applier = applier;
    this.#pendingBytesMax = pendingBytesMax;
  }

  /** The number of messages that no node has appended. */
  get foreign(): number {
    return this.#foreign;
  }

  get isPaused(): boolean {
    return this.#state === "paused";
  }

  /** When the delivery was last resumed, in ms. An entry that was appended earlier may be late because of the pause. */
  get resumedAt(): number {
    return this.#resumedAt;
  }

  /** The newest id that the log is known to have. */
  get last(): number {
    return Math.max(this.#last, this.#applier.state.position.id);
  }

  /**
   * Whether the node is clearly behind the log. The lag is unknown while the log is paused, and until the first entry
   * after a pause.
   */
  get isBehind(): boolean {
    if (this.#state !== "reading") return true;
    // The messages after the last entry are foreign, unless entries wait to be applied.
    const skipped = this.#applier.hasPending ? 0 : this.#newestForeign;
    return this.#last - Math.max(this.#applier.state.position.id, skipped) > NODE_LAG_ENTRIES_MAX;
  }

  /** Records the end of the log as a new session has found it. */
  noteLast(last: number): void {
    this.#last = last;
  }

  /** A new session delivers from the start. */
  restart(): void {
    this.#state = "reading";
  }

  /** Takes a delivered message of the log. */
  receive(id: number, bytes: Uint8Array, last: number): void {
    this.#last = Math.max(this.#last, last, id);
    if (isForeign(bytes)) {
      this.#foreign += 1;
      this.#newestForeign = id;
      this.#applier.skip(bytes.byteLength);
    } else {
      // The bytes may be a view of the connection's buffer, which the library reuses.
      this.#applier.receive(id, new Uint8Array(bytes));
    }
    this.#state = "reading";
  }

  /** Pauses or resumes the delivery, by how many bytes wait to be applied. */
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
