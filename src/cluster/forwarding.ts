/**
 * Decides whether a follower forwards its entries to the leader. The leader bundles entries of several nodes into one
 * message (bundler.ts). A follower forwards only while the log delivers calls of other nodes. Without such calls, there
 * is nothing to bundle, and forwarding only takes longer.
 *
 * If the log does not deliver a forwarded entry in time, the follower appends the entry itself, under the same number.
 * If the leader has appended it too, every node rejects the second copy. The follower then stops forwarding until the
 * log delivers another entry of the leader. Pure but for its state.
 */
import { FORWARD_PAUSE_MS, FORWARD_RETURN_MS_MAX } from "../../schemas/limits/cluster.js";
import type { Proposal } from "./proposals.js";

/** An entry that was forwarded to the leader and that the log has not delivered yet. */
export interface Forwarded {
  readonly proposal: Proposal;
  readonly bytes: Uint8Array;
  /** When the entry was forwarded, in ms. */
  readonly since: number;
}

/** How many entries a node may forward after the log has delivered calls of another node. */
const FORWARDS_AFTER_REMOTE = 2;

export class Forwarding {
  #forwardsLeft = 0;
  #forwarded: Forwarded | null = null;
  #pausedUntil = 0;
  #leaderSeenAt = 0;

  /** Records that the log has delivered calls of another node. */
  noteRemoteCalls(): void {
    this.#forwardsLeft = FORWARDS_AFTER_REMOTE;
  }

  /** Records that the log has delivered an entry of the leader. */
  noteLeader(now: number): void {
    this.#leaderSeenAt = now;
  }

  /**
   * Decides whether to forward this node's next entry. Call it exactly once for each entry, because each call counts
   * towards FORWARDS_AFTER_REMOTE.
   */
  shouldForward(now: number): boolean {
    if (this.#forwardsLeft === 0) return false;
    this.#forwardsLeft -= 1;
    return now >= this.#pausedUntil && this.#leaderSeenAt >= this.#pausedUntil - FORWARD_PAUSE_MS;
  }

  begin(proposal: Proposal, bytes: Uint8Array, now: number): void {
    this.#forwarded = { proposal, bytes, since: now };
  }

  /**
   * Gives up the forwarded entry if the log has not delivered it in time. The caller must then append it.
   * @param readingSince when the delivery of the log was last resumed, in ms. The time before that does not count,
   * because a paused log delivers no entries
   * @returns the entry; null if no entry is overdue
   */
  overdue(now: number, readingSince: number): Forwarded | null {
    const forwarded = this.#forwarded;
    if (forwarded === null || now - Math.max(forwarded.since, readingSince) < FORWARD_RETURN_MS_MAX) return null;
    return this.#giveUp(forwarded, now);
  }

  /**
   * Gives up the forwarded entry, because the message has not reached the leader.
   * @returns the entry; null if this node no longer waits for it
   */
  undelivered(proposal: Proposal, now: number): Forwarded | null {
    const forwarded = this.#forwarded;
    return forwarded?.proposal === proposal ? this.#giveUp(forwarded, now) : null;
  }

  /** Forgets the forwarded entry, because it was delivered or never will be. */
  end(): void {
    this.#forwarded = null;
  }

  #giveUp(forwarded: Forwarded, now: number): Forwarded {
    this.#forwarded = null;
    this.#pausedUntil = now + FORWARD_PAUSE_MS;
    return forwarded;
  }
}
