/**
 * Whether a node forwards its entries to the node that leads, which puts those of several nodes into one message
 * (bundler.ts). It does so while other nodes' calls come through the log, too; alone it would only add a hop. What it
 * has forwarded it appends itself when that is not in the log in time: the entry has the same number, so the second
 * copy is void. Then it forwards nothing until the leader is heard of again. Pure but for its state.
 */
import { FORWARD_PAUSE_MS, FORWARD_RETURN_MS_MAX } from "../../schemas/limits.js";
import type { Proposal } from "./proposals.js";

/** An entry that was forwarded, and is not in the log as far as this node knows. */
interface Forwarded {
  readonly proposal: Proposal;
  readonly bytes: Uint8Array;
  readonly since: number;
}

/** Of the own entries that follow after one of another node, this many are forwarded. */
const COMPANY = 2;

export class Forwarding {
  #company = 0;
  #forwarded: Forwarded | null = null;
  #pausedUntil = 0;
  #heardAt = 0;

  /** Calls of another node have come through the log. */
  noteRemoteCalls(): void {
    this.#company = COMPANY;
  }

  /** The node that leads has put something into the log. */
  noteLeader(now: number): void {
    this.#heardAt = now;
  }

  /** Whether the next own entry is to be forwarded. Asked once for each. */
  shouldForward(now: number): boolean {
    if (this.#company === 0) return false;
    this.#company -= 1;
    return now >= this.#pausedUntil && this.#heardAt >= this.#pausedUntil - FORWARD_PAUSE_MS;
  }

  begin(proposal: Proposal, bytes: Uint8Array, now: number): void {
    this.#forwarded = { proposal, bytes, since: now };
  }

  /**
   * What is to be appended by this node, because it did not come.
   * @param readingSince the log was not read before
   */
  overdue(now: number, readingSince: number): Forwarded | null {
    const forwarded = this.#forwarded;
    if (forwarded === null || now - Math.max(forwarded.since, readingSince) < FORWARD_RETURN_MS_MAX) return null;
    return this.#giveUp(forwarded, now);
  }

  /** What is to be appended by this node, because the leader does not listen; null where that has come meanwhile. */
  undelivered(proposal: Proposal, now: number): Forwarded | null {
    const forwarded = this.#forwarded;
    return forwarded?.proposal === proposal ? this.#giveUp(forwarded, now) : null;
  }

  /** It has come, or never will. */
  end(): void {
    this.#forwarded = null;
  }

  #giveUp(forwarded: Forwarded, now: number): Forwarded {
    this.#forwarded = null;
    this.#pausedUntil = now + FORWARD_PAUSE_MS;
    return forwarded;
  }
}
