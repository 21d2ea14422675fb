/**
 * Batches local calls into log entries. At most one entry is in flight. Calls that arrive meanwhile go into the next
 * entry. Batching pays, because each entry costs a round trip through the log and a transaction on every node. A
 * further call in the same entry costs little.
 *
 * After a commit the next entry is delayed briefly, because callers that were just answered usually call again. It
 * waits until it has as many calls as the last entry, plus the calls that were already queued. So with a single caller,
 * no entry is delayed. If a caller has not called again, later entries no longer wait for it. Pure but for its state.
 */
import { ENTRY_LINGER_MS_MAX } from "../../schemas/limits/cluster.js";
import { assert } from "../base/assert.js";
import type { ServerCall } from "../platform/rpc/server.js";
import { groupsOf } from "../platform/threads/batch.js";
import type { WriterMethod } from "../platform/threads/writer-method.js";
import type { EntryHead } from "./entry.js";

type Calls = readonly ServerCall<WriterMethod>[];

/** An entry of this node that the log has not delivered yet. Its node, epoch and number identify it. */
export interface Proposal extends Pick<EntryHead, "node" | "epoch" | "number"> {
  /** The calls of the entry; null for an entry without calls. */
  readonly calls: Calls | null;
  /** When the entry was proposed, in ms. */
  readonly since: number;
}

/** Whether an entry with this head is the proposal. */
export function isProposal(
  { node, epoch, number }: Pick<EntryHead, "node" | "epoch" | "number">,
  proposal: Proposal | null,
): proposal is Proposal {
  return proposal !== null && node === proposal.node && epoch === proposal.epoch && number === proposal.number;
}

export class Proposals {
  readonly #node: string;
  /** The node's epoch, which is the id of its accepted join request; 0 while the node has not joined. */
  #epoch = 0;
  #number = 0;
  #inFlight: Proposal | null = null;
  #waiting: ServerCall<WriterMethod>[] = [];
  /** The calls of an entry that was too large for the log. Each of them is retried in an entry of its own. */
  #singles: ServerCall<WriterMethod>[] = [];
  /** The number of calls that the next entry waits for. */
  #expected = 0;
  #lingerUntil = 0;

  constructor(node: string) {
    this.#node = node;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** The entry that the log has not delivered yet; null if the next entry may be proposed. */
  get inFlight(): Proposal | null {
    return this.#inFlight;
  }

  /** Queues calls for the next entry. */
  wait(calls: Calls): void {
    this.#waiting.push(...calls);
  }

  /** How long the queued calls still wait for more calls, in ms; 0 if they may be sent, or if none is queued. */
  lingerMs(now: number): number {
    const waiting = this.#waiting.length;
    if (waiting === 0 || this.#singles.length > 0 || waiting >= this.#expected) return 0;
    return Math.max(0, this.#lingerUntil - now);
  }

  /** Takes the calls of the next entry; null if none is queued. */
  take(): Calls | null {
    const single = this.#singles.shift();
    if (single !== undefined) return [single];
    const [group] = groupsOf(this.#waiting);
    if (group === undefined) return null;
    this.#waiting = group.length === this.#waiting.length ? [] : this.#waiting.slice(group.length);
    return group;
  }

  /** Takes all queued calls. */
  takeAll(): Calls {
    const all = [...this.#singles, ...this.#waiting];
    this.#singles = [];
    this.#waiting = [];
    return all;
  }

  /** Assigns a number to the next entry, and records the entry as in flight. */
  begin(calls: Calls | null, now: number): Proposal {
    assert(this.#inFlight === null, "one entry is in flight at a time");
    const proposal: Proposal = {
      node: this.#node,
      epoch: this.#epoch,
      number: ++this.#number,
      calls,
      since: now,
    };
    this.#inFlight = proposal;
    return proposal;
  }

  /** Whether an entry with this head is the entry in flight. */
  isInFlight(head: Pick<EntryHead, "node" | "epoch" | "number">): boolean {
    return isProposal(head, this.#inFlight);
  }

  /**
   * Records that the entry in flight was applied. Its callers have their answers, so they may already have called
   * again.
   * @param unread the number of calls that have arrived from the front and are not in the queue yet
   */
  end({ calls, since }: Proposal, now: number, unread: number): void {
    this.#inFlight = null;
    if (calls === null) return;
    this.#expected = calls.length + this.#waiting.length + unread;
    this.#lingerUntil = now + Math.min(now - since, ENTRY_LINGER_MS_MAX);
  }

  /**
   * Takes back the entry in flight, because the log has not stored it. The next entry reuses its number.
   * @param apart whether to retry each call in an entry of its own
   * @returns the calls that are not retried
   */
  takeBack({ calls }: Proposal, apart: boolean): Calls {
    this.#inFlight = null;
    this.#number -= 1;
    if (calls === null) return [];
    if (!apart || calls.length === 1) return calls;
    this.#singles.unshift(...calls);
    return [];
  }

  /** Ends the epoch. The fate of the entry in flight is unknown until the log delivers the next join request. */
  detach(): void {
    this.#epoch = 0;
    this.#number = 0;
  }

  /**
   * Starts the epoch of an accepted join request. If an entry is still in flight, the log did not deliver it before
   * that request, so it will never be applied.
   * @returns the calls of that entry; empty if there is none
   */
  rejoin(epoch: number): Calls {
    const lost = this.#inFlight?.calls ?? [];
    this.#inFlight = null;
    this.#epoch = epoch;
    this.#number = 0;
    return lost;
  }

  /** Drops the entry in flight. Its callers get no answer, because this node cannot learn the answers. */
  dropInFlight(): void {
    this.#inFlight = null;
  }
}
