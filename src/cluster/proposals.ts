/**
 * What a node puts into the log: its callers' calls that wait, which of them share an entry, and the entry that is on
 * its way. Pure but for its state.
 *
 * One entry is on its way at a time, and what an entry costs is hardly its calls': a round through the log, a
 * transaction on every node. So those that come meanwhile share the next; and since who was just answered mostly calls
 * again, the next waits a moment for as many calls as the last one and its own make together. Who calls alone never
 * waits, and where they do not come it expects fewer from then on.
 */
import { ENTRY_LINGER_MS_MAX } from "../../schemas/limits.js";
import { assert } from "../base/assert.js";
import type { ServerCall } from "../rpc/server.js";
import { groupsOf } from "../threads/batch.js";
import type { WriterMethod } from "../threads/writer-method.js";
import type { EntryHead } from "./entry.js";

type Calls = readonly ServerCall<WriterMethod>[];

/** An entry of this node that has not come back. */
export interface Proposal {
  readonly epoch: number;
  readonly number: number;
  /** Those that it carries, where it carries calls. */
  readonly calls: Calls | null;
  /** When it left, in ms. */
  readonly since: number;
}

export class Proposals {
  readonly #node: string;
  /** The id of the hello under which this node appends; 0 while it has none. */
  #epoch = 0;
  #number = 0;
  #inFlight: Proposal | null = null;
  #waiting: ServerCall<WriterMethod>[] = [];
  /** Those that the log does not take beside others, each for an entry of its own. */
  #singles: ServerCall<WriterMethod>[] = [];
  /** How many calls are expected to share the next entry. */
  #company = 0;
  /** Until when it waits for them, in ms. */
  #lingerUntil = 0;

  constructor(node: string) {
    this.#node = node;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** The entry that has not come back; null where the next may leave. */
  get inFlight(): Proposal | null {
    return this.#inFlight;
  }

  /** Puts calls behind those that wait. */
  wait(calls: Calls): void {
    this.#waiting.push(...calls);
  }

  /** For how many ms those that wait are to wait for others; 0 where they may leave, or none waits. */
  lingerMs(now: number): number {
    const waiting = this.#waiting.length;
    if (waiting === 0 || this.#singles.length > 0 || waiting >= this.#company) return 0;
    return Math.max(0, this.#lingerUntil - now);
  }

  /** The calls of the next entry; null where none waits. */
  take(): Calls | null {
    const single = this.#singles.shift();
    if (single !== undefined) return [single];
    const [group] = groupsOf(this.#waiting);
    if (group === undefined) return null;
    this.#waiting = group.length === this.#waiting.length ? [] : this.#waiting.slice(group.length);
    return group;
  }

  /** All that wait; none does any more. */
  takeAll(): Calls {
    const all = [...this.#singles, ...this.#waiting];
    this.#singles = [];
    this.#waiting = [];
    return all;
  }

  /** An entry leaves. */
  begin(calls: Calls | null, now: number): Proposal {
    assert(this.#inFlight === null, "one entry is on its way at a time");
    const proposal: Proposal = { epoch: this.#epoch, number: ++this.#number, calls, since: now };
    this.#inFlight = proposal;
    return proposal;
  }

  /** Whether an entry of this head is the one on its way. */
  isInFlight({ node, epoch, number }: Pick<EntryHead, "node" | "epoch" | "number">): boolean {
    const proposal = this.#inFlight;
    return proposal !== null && node === this.#node && epoch === proposal.epoch && number === proposal.number;
  }

  /**
   * The one that was on its way has come back, and its callers are answered.
   * @param behind calls that were not taken yet
   */
  end({ calls, since }: Proposal, now: number, behind: number): void {
    this.#inFlight = null;
    if (calls === null) return;
    this.#company = calls.length + this.#waiting.length + behind;
    this.#lingerUntil = now + Math.min(now - since, ENTRY_LINGER_MS_MAX);
  }

  /**
   * The one that was on its way is not in the log, and never will be: its number is free again.
   * @param apart whether each of its calls is to be tried in an entry of its own
   * @returns the calls that are not tried again
   */
  takeBack({ calls }: Proposal, apart: boolean): Calls {
    this.#inFlight = null;
    this.#number -= 1;
    if (calls === null) return [];
    if (!apart || calls.length === 1) return calls;
    this.#singles.unshift(...calls);
    return [];
  }

  /** A session begins: what is on its way stays so until the node's hello has come back. */
  detach(): void {
    this.#epoch = 0;
    this.#number = 0;
  }

  /**
   * The node's hello has come back: what is not before it in the log never will be carried out.
   * @returns the calls of which that is so
   */
  rejoin(epoch: number): Calls {
    const lost = this.#inFlight?.calls ?? [];
    this.#inFlight = null;
    this.#epoch = epoch;
    this.#number = 0;
    return lost;
  }

  /** Nobody will ever know what became of what is on its way. */
  dropInFlight(): void {
    this.#inFlight = null;
  }
}
