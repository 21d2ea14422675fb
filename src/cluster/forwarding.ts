/**
 * Decides whether a follower forwards its entries to the leader, which bundles those of several nodes into one message
 * (bundler.ts). A follower forwards while calls of other nodes come through the log; otherwise forwarding only adds a
 * hop. A forwarded entry that is not in the log in time is appended by the follower itself. It keeps its number, so the
 * second copy is rejected. Then the follower forwards nothing until the leader has put another entry into the log. Pure
 * but for its state.
 */
import { FORWARD_PAUSE_MS, FORWARD_RETURN_MS_MAX } from "../../schemas/limits.js";
import type { Proposal } from "./proposals.js";

/** An entry that was forwarded, and is not in the log as far as this node knows. */
export interface Forwarded {
  readonly proposal: Proposal;
  readonly bytes: Uint8Array;
  /** When it was forwarded, in ms. */
  readonly since: number;
}

/** How many own entries are forwarded after the calls of another node. */
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

  /** Records an entry of the leader. */
  noteLeader(now: number): void {
    this.#leaderSeenAt = now;
  }

  /** Whether to forward the next own entry. Must be called once for each entry, because it counts them. */
  shouldForward(now: number): boolean {
    if (this.#forwardsLeft === 0) return false;
    this.#forwardsLeft -= 1;
    return now >= this.#pausedUntil && this.#leaderSeenAt >= this.#pausedUntil - FORWARD_PAUSE_MS;
  }

  begin(proposal: Proposal, bytes: Uint8Array, now: number): void {
    this.#forwarded = { proposal, bytes, since: now };
  }

  /**
   * Takes the forwarded entry if it did not come back in time: this node must append it.
   * @param readingSince when the log was last resumed, in ms: no entry came back before
   */
  overdue(now: number, readingSince: number): Forwarded | null {
    const forwarded = this.#forwarded;
    if (forwarded === null || now - Math.max(forwarded.since, readingSince) < FORWARD_RETURN_MS_MAX) return null;
    return this.#giveUp(forwarded, now);
  }

  /** Takes the forwarded entry because the leader does not listen; null if that entry is settled by now. */
  undelivered(proposal: Proposal, now: number): Forwarded | null {
    const forwarded = this.#forwarded;
    return forwarded?.proposal === proposal ? this.#giveUp(forwarded, now) : null;
  }

  /** Forgets the forwarded entry: it has come back, or never will. */
  end(): void {
    this.#forwarded = null;
  }

  #giveUp(forwarded: Forwarded, now: number): Forwarded {
    this.#forwarded = null;
    this.#pausedUntil = now + FORWARD_PAUSE_MS;
    return forwarded;
  }
}
