/**
 * When a snapshot is made, and what of the log goes with it: while this node leads, each time that the log has grown by
 * so much. Two are kept, and the log is trimmed behind the older one, so that whoever takes one in finds all that
 * follows. Runs in the writer's thread, driven by ticks.
 */
import {
  SNAPSHOT_DEPUTY_MS,
  SNAPSHOT_ENTRIES,
  SNAPSHOT_INTERVAL_MS,
  SNAPSHOT_LOG_BYTES,
  SNAPSHOT_RETRY_MS,
  SNAPSHOTS_KEPT,
} from "../../schemas/limits.js";
import { LogError, type SnapshotStore } from "../ordered-log/ordered-log.js";
import type { Replica } from "./replica.js";
import type { Snapshots } from "./snapshots.js";

export interface SnapshotSchedulerOptions {
  readonly replica: Pick<Replica, "isLeader" | "status" | "bytes" | "generation" | "trim">;
  readonly snapshots: Pick<Snapshots, "take" | "close">;
  readonly store: SnapshotStore;
  /** ms since some moment. */
  readonly elapsed: () => number;
}

export class SnapshotScheduler {
  readonly #options: SnapshotSchedulerOptions;
  /** Up to where the newest one has come; null while that is not known. */
  #newest: number | null = null;
  /** How much of the log this node had carried out then. */
  #bytes = 0;
  #due_at = 0;
  /** What the others need a snapshot of, and from when on it is to be looked after; null where they need none. */
  #needed: { readonly position: number; readonly from: number } | null = null;
  #working = false;
  #closed = false;
  /** Why the last attempt came to nothing; "" where it did not. */
  failure = "";

  constructor(options: SnapshotSchedulerOptions) {
    this.#options = options;
  }

  /**
   * The cluster went on behind an entry that only nodes of this program can carry out: the others need what it came to.
   * @param led whether this node led: the others wait whether it does it
   */
  requireAt(position: number, led: boolean): void {
    this.#needed = { position, from: this.#options.elapsed() + (led ? 0 : SNAPSHOT_DEPUTY_MS) };
  }

  tick(): void {
    const { replica, elapsed } = this.#options;
    if (this.#needed !== null) {
      if (!this.#working && !this.#closed && elapsed() >= Math.max(this.#needed.from, this.#due_at))
        this.#begin(this.#takeRequired(this.#needed.position));
      return;
    }
    if (!replica.isLeader) {
      this.#newest = null;
      return;
    }
    if (this.#working || this.#closed || elapsed() < this.#due_at) return;
    if (this.#newest !== null && !this.#hasGrown(this.#newest)) return;
    this.#begin(this.#work());
  }

  close(): void {
    this.#closed = true;
    this.#options.snapshots.close();
  }

  #hasGrown(newest: number): boolean {
    const { replica } = this.#options;
    return replica.status.position - newest >= SNAPSHOT_ENTRIES || replica.bytes - this.#bytes >= SNAPSHOT_LOG_BYTES;
  }

  #begin(work: Promise<void>): void {
    this.#working = true;
    const { elapsed } = this.#options;
    void work
      .then(
        () => {
          this.failure = "";
        },
        (error: unknown) => {
          if (!(error instanceof LogError)) throw error;
          this.failure = error.message;
          this.#due_at = elapsed() + SNAPSHOT_RETRY_MS;
        },
      )
      .finally(() => {
        this.#working = false;
      });
  }

  /** Of the snapshots that this node could have made: others are somebody else's, and none counts on them. */
  async #positions(): Promise<readonly number[]> {
    const { replica, store } = this.#options;
    const { position: reached } = replica.status;
    return (await store.list())
      .filter(({ generation, position }) => generation === replica.generation && position <= reached)
      .map(({ position }) => position);
  }

  async #takeRequired(position: number): Promise<void> {
    const { snapshots } = this.#options;
    const there = await this.#positions();
    if (there.every((other) => other < position)) await snapshots.take();
    this.#needed = null;
  }

  async #work(): Promise<void> {
    const { replica, snapshots, store, elapsed } = this.#options;
    if (this.#newest === null) {
      const there = await this.#positions();
      this.#newest = there[there.length - 1] ?? null;
      this.#bytes = replica.bytes;
      if (this.#newest !== null && !this.#hasGrown(this.#newest)) return;
    }
    const { bytes } = replica;
    await snapshots.take();
    this.#bytes = bytes;
    this.#due_at = elapsed() + SNAPSHOT_INTERVAL_MS;
    const positions = await this.#positions();
    this.#newest = positions[positions.length - 1] ?? null;
    const kept = positions.slice(-SNAPSHOTS_KEPT);
    for (const position of positions) if (!kept.includes(position)) await store.remove(position);
    const [oldest] = kept;
    if (oldest !== undefined && kept.length === SNAPSHOTS_KEPT) await replica.trim(oldest);
  }
}
