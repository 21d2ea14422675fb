/**
 * Decides whether a follower forwards its entries to the leader, which bundles those of several nodes into one message
 * (bundler.ts). A follower forwards while calls of other nodes come through the log; otherwise forwarding only adds a
 * hop. A forwarded entry that is not in the log in time is appended by the follower itself. The entry keeps its number,
 * so if the leader appends it too, the second copy is rejected. After that the follower forwards nothing until another
 * entry of the leader has come through the log. Pure but for its state.
 */
import { FORWARD_PAUSE_MS, FORWARD_RETURN_MS_MAX } from "../../schemas/limits/cluster.js";
import type { Proposal } from "./proposals.js";

/** An entry that was forwarded, and that has not come back through the log. */
export interface Forwarded {
  readonly proposal: Proposal;
  readonly bytes: Uint8Array;
  /** When the entry was forwarded, in ms. */
  readonly since: number;
}

/** How many of this node's entries are forwarded after each time that calls of another node came through the log. */
const FORWARDS_AFTER_REMOTE = 2;

export class Forwarding {
  #forwardsLeft = 0;
  #forwarded: Forwarded | null = null;
  #pausedUntil = 0;
  #leaderSeenAt = 0;

  /** Records calls of another node that came through the log. */
  noteRemoteCalls(): void {
    this.#forwardsLeft = FORWARDS_AFTER_REMOTE;
  }

  /** Records that an entry of the leader came through the log. */
  noteLeader(now: number): void {
    this.#leaderSeenAt = now;
  }

  /** Whether to forward this node's next entry. Must be called exactly once for each entry, because it counts them. */
  shouldForward(now: number): boolean {
    if (this.#forwardsLeft === 0) return false;
    this.#forwardsLeft -= 1;
    return now >= this.#pausedUntil && this.#leaderSeenAt >= this.#pausedUntil - FORWARD_PAUSE_MS;
  }

  begin(proposal: Proposal, bytes: Uint8Array, now: number): void {
    this.#forwarded = { proposal, bytes, since: now };
  }

  /**
   * Takes the forwarded entry if it did not come back in time; else null. The caller must append the entry.
   * @param readingSince when the delivery of the log was last resumed, in ms. While it was paused no entry could come
   * back.
   */
  overdue(now: number, readingSince: number): Forwarded | null {
    const forwarded = this.#forwarded;
    if (forwarded === null || now - Math.max(forwarded.since, readingSince) < FORWARD_RETURN_MS_MAX) return null;
    return this.#giveUp(forwarded, now);
  }

  /**
   * Gives up the forwarded entry, because the leader does not receive messages. Returns that entry; null if its outcome
   * is known by now.
   */
  undelivered(proposal: Proposal, now: number): Forwarded | null {
    const forwarded = this.#forwarded;
    return forwarded?.proposal === proposal ? this.#giveUp(forwarded, now) : null;
  }

  /** Forgets the forwarded entry, because it has come back or never will. */
  end(): void {
    this.#forwarded = null;
  }

  #giveUp(forwarded: Forwarded, now: number): Forwarded {
    this.#forwarded = null;
    this.#pausedUntil = now + FORWARD_PAUSE_MS;
    return forwarded;
  }
}
