/**
 * Decides when a node tries to become the leader, upgrades the cluster, or sends a heartbeat. If the leader has been
 * silent for LEADER_SILENCE_MS, a node appends a candidacy. The log orders all candidacies, and the first candidacy of
 * a term wins. So no votes are needed.
 *
 * Silence is measured only while this thread runs and can read the log. Every entry counts as a heartbeat, so a busy
 * node sends no separate heartbeats. Pure but for its state.
 */
import { LEADER_SILENCE_MS, NODE_HEARTBEAT_MS, NODE_HELD_MS } from "../../schemas/limits/cluster.js";
import type { EntryContent } from "./entry.js";
import type { Identity } from "./join-handshake.js";
import type { Membership } from "./membership.js";

export class Leadership {
  readonly #identity: Pick<Identity, "node" | "applyVersion">;
  #leaderSeenAt: number;
  /** When the leader's silence was last measured, in ms. */
  #measuredAt: number;
  #appendedAt = 0;

  constructor(identity: Pick<Identity, "node" | "applyVersion">, now: number) {
    this.#identity = identity;
    this.#leaderSeenAt = now;
    this.#measuredAt = now;
  }

  /**
   * Records an entry of the leader. Also called when this node's epoch starts, because the leader's silence is measured
   * from then on.
   */
  noteLeader(now: number): void {
    this.#leaderSeenAt = now;
  }

  /** Records that this node appends an entry of any kind. */
  noteAppend(now: number): void {
    this.#appendedAt = now;
  }

  /**
   * Measures the leader's silence in ms. Time in which this thread did not run does not count, because entries of the
   * leader may have arrived unread. Call it at every tick: a long gap between two calls shows that the thread did not
   * run.
   */
  silenceMs(now: number): number {
    const heldMs = Math.max(0, now - this.#measuredAt - NODE_HELD_MS);
    this.#measuredAt = now;
    this.#leaderSeenAt = Math.min(now, this.#leaderSeenAt + heldMs);
    return now - this.#leaderSeenAt;
  }

  /**
   * Returns the entry that this node must append if it has no calls to append; null if there is none.
   * @param isClockRight whether a majority agrees with this machine's clock. A node whose clock is ahead does not try
   * to become the leader.
   */
  dueEntry({ applyVersion, leader, term }: Membership, isClockRight: () => boolean, now: number): EntryContent | null {
    const { node, applyVersion: ownApplyVersion } = this.#identity;
    if (applyVersion < ownApplyVersion) return { kind: "upgrade", to: ownApplyVersion };
    const isLeaderGone = leader === "" || (leader !== node && this.silenceMs(now) > LEADER_SILENCE_MS);
    if (isLeaderGone && isClockRight()) {
      this.#leaderSeenAt = now;
      return { kind: "candidacy", term };
    }
    return now - this.#appendedAt >= NODE_HEARTBEAT_MS ? { kind: "beat" } : null;
  }
}
