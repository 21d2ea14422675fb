/**
 * Decides when a node runs for leader, upgrades the cluster or sends a heartbeat. The log serializes candidacies: the
 * first one of a term wins, so no votes are needed. A node runs when the leader has been silent for LEADER_SILENCE_MS,
 * measured while this thread was able to read. Every entry counts as a heartbeat, so a busy node sends none. Pure but
 * for its state.
 */
import { LEADER_SILENCE_MS, NODE_HEARTBEAT_MS, NODE_HELD_MS } from "../../schemas/limits.js";
import type { EntryContent } from "./entry.js";
import type { Identity } from "./join-handshake.js";
import type { Membership } from "./membership.js";

export class Leadership {
  readonly #identity: Pick<Identity, "node" | "applyVersion">;
  #leaderSeenAt: number;
  /** The previous time at which the leader's silence was measured. */
  #measuredAt: number;
  #appendedAt = 0;

  constructor(identity: Pick<Identity, "node" | "applyVersion">, now: number) {
    this.#identity = identity;
    this.#leaderSeenAt = now;
    this.#measuredAt = now;
  }

  /** Records an entry of the leader, or the start of an epoch, which gives the leader the full time again. */
  noteLeader(now: number): void {
    this.#leaderSeenAt = now;
  }

  /** Records that this node appends an entry of any kind. */
  noteAppend(now: number): void {
    this.#appendedAt = now;
  }

  /**
   * Measures the leader's silence in ms. Time in which this thread was held up does not count: what the leader said
   * then waits to be read. Must be called at every tick, so that a hold-up shows as a gap between two calls.
   */
  silenceMs(now: number): number {
    const heldMs = Math.max(0, now - this.#measuredAt - NODE_HELD_MS);
    this.#measuredAt = now;
    this.#leaderSeenAt = Math.min(now, this.#leaderSeenAt + heldMs);
    return now - this.#leaderSeenAt;
  }

  /**
   * The entry that an idle node appends now, or null.
   * @param isClockRight whether this machine's clock agrees with a majority; a node whose clock is ahead does not lead
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
