/**
 * Schedules snapshots and trims the log. The leader takes a snapshot whenever the log has grown by SNAPSHOT_ENTRIES or
 * SNAPSHOT_LOG_BYTES. The leader keeps two snapshots, and trims the log up to the older snapshot. So a node that
 * installs either snapshot finds all later entries in the log. Runs in the writer thread at each tick.
 */
import {
  SNAPSHOT_DEPUTY_MS,
  SNAPSHOT_ENTRIES,
  SNAPSHOT_INTERVAL_MS,
  SNAPSHOT_LOG_BYTES,
  SNAPSHOT_RETRY_MS,
  SNAPSHOTS_KEPT,
} from "../../schemas/limits/cluster.js";
import { LogError, type SnapshotStore } from "./log/ordered-log.js";
import type { Replica } from "./replica.js";
import type { Snapshots } from "./snapshots.js";

export interface SnapshotSchedulerOptions {
  readonly replica: Pick<Replica, "isLeader" | "status" | "bytes" | "generation" | "trim">;
  readonly snapshots: Pick<Snapshots, "take" | "close">;
  readonly store: SnapshotStore;
  /** Monotonic time in ms. */
  readonly elapsed: () => number;
}

export class SnapshotScheduler {
  readonly #options: SnapshotSchedulerOptions;
  /** The position of the newest snapshot; null while it is not known. */
  #newest: number | null = null;
  /** The number of bytes of the log that this node had applied when it took the newest snapshot. */
  #bytes = 0;
  #dueAt = 0;
  /**
   * The position of a snapshot that other nodes need; null if they need none. This node takes the snapshot at the time
   * `from`, unless the store has a snapshot of that position or a later position by then.
   */
  #needed: { readonly position: number; readonly from: number } | null = null;
  #working = false;
  #closed = false;
  /** Why the last attempt to take a snapshot failed; "" if it succeeded. */
  failure = "";

  constructor(options: SnapshotSchedulerOptions) {
    this.#options = options;
  }

  /**
   * Schedules a snapshot, because the entry at this position has moved the cluster to a newer apply version. Nodes of
   * the newer version cannot apply the entries before it, so they need a snapshot that holds the effect of those
   * entries.
   * @param wasLeader whether this node was the leader. The leader takes the snapshot at once. If there is still no such
   * snapshot after SNAPSHOT_DEPUTY_MS, the other nodes take it.
   */
  requireAt(position: number, wasLeader: boolean): void {
    this.#needed = { position, from: this.#options.elapsed() + (wasLeader ? 0 : SNAPSHOT_DEPUTY_MS) };
  }

  tick(): void {
    const { replica, elapsed } = this.#options;
    if (this.#needed !== null) {
      if (!this.#working && !this.#closed && elapsed() >= Math.max(this.#needed.from, this.#dueAt))
        this.#begin(this.#takeRequired(this.#needed.position));
      return;
    }
    if (!replica.isLeader) {
      this.#newest = null;
      return;
    }
    if (this.#working || this.#closed || elapsed() < this.#dueAt) return;
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
          this.#dueAt = elapsed() + SNAPSHOT_RETRY_MS;
        },
      )
      .finally(() => {
        this.#working = false;
      });
  }

  /**
   * Returns the positions of the usable snapshots, which belong to this log and are not ahead of this node's position.
   */
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
    this.#dueAt = elapsed() + SNAPSHOT_INTERVAL_MS;
    const positions = await this.#positions();
    this.#newest = positions[positions.length - 1] ?? null;
    const kept = positions.slice(-SNAPSHOTS_KEPT);
    for (const position of positions) if (!kept.includes(position)) await store.remove(position);
    const [oldest] = kept;
    if (oldest !== undefined && kept.length === SNAPSHOTS_KEPT) await replica.trim(oldest);
  }
}
