/**
 * Applies committed log entries to the local database, in batches. Each batch is one transaction that also stores the
 * applied position and the membership. So after a crash, the node continues exactly where it stopped. The applier
 * changes only the database: the caller handles every other effect of an entry.
 *
 * The applier cannot apply the calls of an entry with another apply version. It then "counts" the entry: it skips the
 * calls, and applies only the entry's change to the membership. The node then needs a snapshot that holds the effect of
 * the skipped calls. Runs in the writer thread.
 */
import { APPLY_BATCH_BYTES_MAX, APPLY_BATCH_ENTRIES_MAX } from "../../schemas/limits/cluster.js";
import { must } from "../base/assert.js";
import { crypto } from "../base/crypto.js";
import { Failure } from "../base/result.js";
import type { MethodTable } from "../platform/rpc/method.js";
import type { ServerCall } from "../platform/rpc/server.js";
import { NotStored, type Account, type Answers, type BatchEntry, type Entries } from "../platform/threads/entries.js";
import type { WriterMethod } from "../platform/threads/writer-method.js";
import { decodeMessage } from "./bundle.js";
import { UnreadableEntry, type Entry, type EntryCall } from "./entry.js";
import { advance, type Membership, type RejectReason } from "./membership.js";
import type { PoisonGuard } from "./poison-guard.js";
import { isProposal, type Proposal } from "./proposals.js";
import type { ClusterWriter, NodeState } from "./table.js";

/** One entry of a message of the log. A message is either a single entry or a bundle of entries. */
interface Part {
  readonly entry: Entry;
  readonly rejected: RejectReason | null;
  /** The membership after the entry. */
  readonly membership: Membership;
}

/** A message of the log, decoded so that it can be applied. The calls of all its entries run with the same time. */
export interface LogItem extends BatchEntry {
  readonly id: number;
  /** The SHA-256 of the message's bytes, in hex. */
  readonly hash: string;
  readonly parts: readonly Part[];
  /** The membership after the message. */
  readonly membership: Membership;
}

/** An entry that was applied or counted. A counted entry has only changed the membership: its calls were skipped. */
export interface AppliedEntry extends Part {
  /** The id of the entry's message. */
  readonly id: number;
}

/** The state hash after a message. It covers the answers of all entries so far. */
export interface AppliedHash {
  readonly id: number;
  readonly stateHash: string;
}

/** The result of `applyNext`. */
export interface Applied {
  /** The entries that were applied or counted, in the order of the log. */
  readonly entries: readonly AppliedEntry[];
  /** The state hashes of the messages that were committed. */
  readonly stateHashes: readonly AppliedHash[];
  /** Why the applier stopped; null if it may continue. */
  readonly stop: Stop | null;
}

export interface ApplierOptions {
  readonly state: NodeState;
  /** The apply version of this program's methods. */
  readonly applyVersion: number;
  readonly table: Pick<ClusterWriter, "keep">;
  readonly methods: MethodTable<WriterMethod>;
  readonly entriesOf: (account: Account<LogItem>) => Entries<LogItem>;
  readonly poisonGuard: Pick<PoisonGuard, "haltReason" | "begin" | "cleared">;
  /** Monotonic time in ms. */
  readonly elapsed: () => number;
  /** Called inside the transaction, before the commit of all messages up to `id`. */
  readonly beforeCommit: (id: number) => void;
  /** Called after the commit, before any caller is answered. */
  readonly committed: () => void;
}

/** The reasons why the applier stops. */
export type Stop =
  /**
   * The database cannot commit now, because the disk is full or another process has locked the database. A retry may
   * succeed.
   */
  | { readonly kind: "not_stored"; readonly why: string }
  | { readonly kind: "unreadable"; readonly why: string }
  /** The next entry has crashed this process too often, so it must not be applied. */
  | { readonly kind: "poison"; readonly why: string }
  /**
   * The entries up to `id` were only counted. The node continues after it has installed a snapshot that holds their
   * effect.
   */
  | { readonly kind: "snapshot"; readonly id: number };

interface Received {
  readonly id: number;
  readonly bytes: Uint8Array;
}

const NO_REFUSALS: ReadonlyMap<number, Failure> = new Map();
export const NOT_LEADING = new Failure("UNAVAILABLE", "another node leads");
/** The number of hex digits in a state hash, which is half of a SHA-256. */
const STATE_HASH_DIGITS = 32;

export class Applier {
  readonly #options: ApplierOptions;
  readonly #entries: Entries<LogItem>;
  #state: NodeState;
  /** The state that the open transaction has stored, and the state hash after each message of the transaction. */
  #sealed: { readonly state: NodeState; readonly stateHashes: readonly AppliedHash[] };
  /** The state hashes of the messages that were committed during this call of `applyNext`. */
  #stateHashes: AppliedHash[] = [];
  /** The membership after the counted entries; null if no entry was counted. */
  #counted: Membership | null = null;
  #inbox: Received[] = [];
  #pendingBytes = 0;
  /** The bytes of the log that this process has applied or skipped. */
  bytes = 0;
  /**
   * The number of messages that this process has applied. `applyMs` is the total time for applying and committing them.
   */
  applied = 0;
  applyMs = 0;

  constructor(options: ApplierOptions) {
    this.#options = options;
    this.#state = options.state;
    this.#sealed = { state: options.state, stateHashes: [] };
    this.#entries = options.entriesOf({
      seal: (items, answers) => this.#seal(items, answers),
      committed: () => {
        this.#state = this.#sealed.state;
        this.#stateHashes.push(...this.#sealed.stateHashes);
        options.committed();
      },
    });
  }

  /** The node's state after the last commit. */
  get state(): NodeState {
    return this.#state;
  }

  /** The membership after everything that was applied or counted. */
  get membership(): Membership {
    return this.#counted ?? this.#state.membership;
  }

  /** The total size of the delivered messages that are not applied yet. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Whether delivered messages are not applied yet. */
  get hasPending(): boolean {
    return this.#inbox.length > 0;
  }

  /** Continues from the state that the database holds after a snapshot was installed. */
  restart(state: NodeState): void {
    this.#state = state;
    this.#sealed = { state, stateHashes: [] };
    this.clear();
  }

  /** Drops the delivered messages that are not applied yet. The log will deliver them again. */
  clear(): void {
    this.#inbox = [];
    this.#pendingBytes = 0;
    this.#counted = null;
  }

  receive(id: number, bytes: Uint8Array): void {
    this.#inbox.push({ id, bytes });
    this.#pendingBytes += bytes.byteLength;
  }

  /** Adds the size of a skipped message, which is not an entry, to `bytes`. */
  skip(bytes: number): void {
    this.bytes += bytes;
  }

  /**
   * Applies the next batch.
   * @param inFlight this node's entry in flight. When the entry is applied, its callers are answered.
   */
  applyNext(inFlight: Proposal | null): Applied {
    const [first] = this.#inbox;
    if (first === undefined) return { entries: [], stateHashes: [], stop: null };
    this.#stateHashes = [];
    const entries: AppliedEntry[] = [];
    let stop: Stop | null;
    try {
      stop = this.#counted === null ? this.#tryBatch(first.id, inFlight, entries) : this.#count(this.#counted, entries);
    } catch (error) {
      if (!(error instanceof UnreadableEntry)) throw error;
      this.#options.poisonGuard.cleared(false);
      stop = { kind: "unreadable", why: `entry ${this.#inbox[0]?.id} of the log cannot be read: ${error.message}` };
    }
    return { entries, stateHashes: this.#stateHashes, stop };
  }

  /** Applies the next batch unless its first entry is a poison entry. */
  #tryBatch(first: number, inFlight: Proposal | null, applied: AppliedEntry[]): Stop | null {
    const { poisonGuard } = this.#options;
    const why = poisonGuard.haltReason(first);
    if (why !== null) return { kind: "poison", why };
    // Record the attempt before the batch is decoded, because decoding can crash the process too.
    const through = this.#inbox[Math.min(this.#inbox.length, APPLY_BATCH_ENTRIES_MAX) - 1]?.id ?? first;
    const stop = this.#applyBatch(poisonGuard.begin(first, through), inFlight, applied);
    poisonGuard.cleared(stop === null && this.hasPending && this.#counted === null);
    return stop;
  }

  /** @throws UnreadableEntry */
  #applyBatch(most: number, inFlight: Proposal | null, applied: AppliedEntry[]): Stop | null {
    const items = this.#takeBatch(most, inFlight);
    if (items.length === 0) {
      if (this.#inbox.length > 0) this.#counted = this.#state.membership;
      return null;
    }
    const { elapsed } = this.#options;
    const began = elapsed();
    const before = this.#state.position.id;
    let stop: Stop | null = null;
    try {
      this.#entries.apply(items);
    } catch (error) {
      if (!(error instanceof NotStored)) throw error;
      stop = { kind: "not_stored", why: error.failure.message };
    }
    this.applyMs += elapsed() - began;
    // The batch may have failed after its first messages were committed, each in a transaction of its own.
    const reached = this.#state.position.id;
    const left = this.#inbox.findIndex(({ id }) => id > reached);
    for (const { bytes } of this.#inbox.splice(0, left < 0 ? this.#inbox.length : left)) {
      this.bytes += bytes.byteLength;
      this.#pendingBytes -= bytes.byteLength;
    }
    for (const item of items) {
      if (item.id <= before || item.id > reached) continue;
      this.applied += 1;
      for (const part of item.parts) applied.push({ id: item.id, ...part });
    }
    return stop;
  }

  /**
   * Counts the next message: applies its changes to the membership, and skips its calls. If an entry upgrades the
   * cluster to this program's apply version, counting ends there, because the later messages can be applied.
   */
  #count(membership: Membership, counted: AppliedEntry[]): Stop | null {
    const { applyVersion, methods } = this.#options;
    const [received] = this.#inbox;
    if (received === undefined) return null;
    const { id, bytes } = received;
    const entries = decodeMessage(bytes, methods, applyVersion);
    this.#inbox.shift();
    this.#pendingBytes -= bytes.byteLength;
    let after = membership;
    for (const entry of entries) {
      const step = advance(after, entry, id);
      after = step.membership;
      counted.push({ id, entry, ...step });
    }
    this.#counted = after;
    return after.applyVersion === applyVersion ? { kind: "snapshot", id } : null;
  }

  /**
   * Returns the next messages for one transaction, at most `most`. The list ends before a message that has another
   * apply version or cannot be read.
   * @throws UnreadableEntry if the first message cannot be read
   */
  #takeBatch(most: number, inFlight: Proposal | null): readonly LogItem[] {
    const items: LogItem[] = [];
    let { membership } = this.#state;
    let bytesSum = 0;
    for (const { id, bytes } of this.#inbox) {
      let item: LogItem;
      try {
        item = this.#itemOf(id, bytes, membership, inFlight);
      } catch (error) {
        if (error instanceof UnreadableEntry && items.length > 0) return items;
        throw error;
      }
      const { parts } = item;
      const hasCalls = parts.some(({ entry: { content }, rejected }) => content.kind === "calls" && rejected === null);
      if (hasCalls && membership.applyVersion !== this.#options.applyVersion) break;
      items.push(item);
      membership = item.membership;
      bytesSum += bytes.byteLength;
      if (parts.some(({ entry: { content } }) => content.kind === "upgrade")) break;
      if (items.length >= most || bytesSum >= APPLY_BATCH_BYTES_MAX) break;
    }
    return items;
  }

  #itemOf(id: number, bytes: Uint8Array, before: Membership, inFlight: Proposal | null): LogItem {
    const { methods, applyVersion } = this.#options;
    const parts: Part[] = [];
    let after = before;
    let calls: readonly EntryCall[] = [];
    let refusals = NO_REFUSALS;
    let callers: readonly ServerCall<WriterMethod>[] | null = null;
    let callersFrom = 0;
    for (const entry of decodeMessage(bytes, methods, applyVersion)) {
      const { head, content } = entry;
      const isLeader = content.kind === "calls" && content.term === after.term && after.leader === head.node;
      const { membership, rejected } = advance(after, entry, id);
      after = membership;
      parts.push({ entry, rejected, membership });
      if (rejected !== null) continue;
      if (isProposal(head, inFlight)) [callers, callersFrom] = [inFlight.calls ?? [], calls.length];
      if (content.kind !== "calls") continue;
      if (!isLeader) refusals = refuseLeaderCalls(content.calls, calls.length, refusals);
      calls = calls.length === 0 ? content.calls : [...calls, ...content.calls];
    }
    const { nowMs } = after;
    return { id, hash: hashOf(bytes), parts, membership: after, nowMs, calls, refusals, callers, callersFrom };
  }

  /** Stores the position and the membership, in the transaction that applies the messages. */
  #seal(items: readonly LogItem[], answers: readonly Answers[]): void {
    const last = must(items[items.length - 1], "a batch has messages");
    const { generation } = this.#state.position;
    let { stateHash } = this.#state.position;
    const stateHashes = items.map(({ id, parts }, at): AppliedHash => {
      const compared = must(answers[at], "an entry has answers").map(comparable);
      const all = parts.map(({ rejected }) => rejected);
      const rejected = all.length === 1 ? all[0] : all;
      stateHash = hashOf(JSON.stringify([stateHash, id, rejected, compared])).slice(0, STATE_HASH_DIGITS);
      return { id, stateHash };
    });
    const position = { generation, id: last.id, entryHash: last.hash, stateHash };
    this.#sealed = { state: { position, membership: last.membership }, stateHashes };
    this.#options.table.keep(this.#sealed.state, this.#state.membership);
    this.#options.beforeCommit(last.id);
  }
}

/**
 * Returns a refusal for each call that only the leader may make. The sender of the entry is not the leader.
 * @param from the index of `calls[0]` in the message
 * @param before the refusals of earlier calls in the message, by call index; the result includes them
 */
function refuseLeaderCalls(
  calls: readonly EntryCall[],
  from: number,
  before: ReadonlyMap<number, Failure>,
): ReadonlyMap<number, Failure> {
  if (!calls.some(({ method }) => method.inCluster === "leader")) return before;
  const refusals = new Map(before);
  for (const [at, { method }] of calls.entries())
    if (method.inCluster === "leader") refusals.set(from + at, NOT_LEADING);
  return refusals;
}

/** Returns the part of an answer that is equal on every node. The state hash covers this part. */
function comparable(answer: unknown): unknown {
  if (!(answer instanceof Failure)) return answer;
  return [answer.status, answer.message, answer.members];
}

/** Returns the SHA-256 of data, in hex. */
export function hashOf(data: Uint8Array | string): string {
  return crypto().hash("sha256", data, "hex");
}
