/**
 * What has come from the log, carried out on this node's database: in groups, each a transaction, with how far that is
 * in the same transaction. Entries of other commands than this program's cannot be carried out: they are only counted,
 * until a snapshot that holds what they came to is taken in. What an entry means for this node besides is up to who
 * listens. Runs in the writer's thread.
 */
import { APPLY_BATCH_BYTES_MAX, APPLY_BATCH_ENTRIES_MAX } from "../../schemas/limits.js";
import { must } from "../base/assert.js";
import { crypto } from "../base/crypto.js";
import { Failure } from "../base/result.js";
import type { MethodTable } from "../rpc/method.js";
import type { ServerCall } from "../rpc/server.js";
import { NotStored, type Account, type Answers, type BatchEntry, type Entries } from "../threads/entries.js";
import type { WriterMethod } from "../threads/writer-method.js";
import { decodeMessage } from "./bundle.js";
import { UnreadableEntry, type Entry, type EntryCall, type EntryHead } from "./entry.js";
import { advance, type Membership, type RejectReason } from "./membership.js";
import type { PoisonGuard } from "./poison-guard.js";
import type { ClusterWriter, NodeState } from "./table.js";

/** An entry, alone in its message or one of a bundle. */
interface Part {
  readonly entry: Entry;
  readonly rejected: RejectReason | null;
  /** What is agreed behind it. */
  readonly membership: Membership;
}

/** A message as it is carried out: the calls of all its entries, at one time. */
export interface LogItem extends BatchEntry {
  readonly id: number;
  /** SHA-256 of its bytes, hex. */
  readonly hash: string;
  readonly parts: readonly Part[];
  /** What is agreed behind it. */
  readonly membership: Membership;
}

/** What an entry came to, whether it was carried out or only counted. */
export interface AppliedEntry extends Part {
  /** Of its message. */
  readonly id: number;
}

export interface ApplierOptions {
  readonly state: NodeState;
  /** Which commands this program's methods carry out. */
  readonly applyVersion: number;
  readonly table: Pick<ClusterWriter, "keep">;
  readonly methods: MethodTable<WriterMethod>;
  readonly entriesOf: (account: Account<LogItem>) => Entries<LogItem>;
  readonly poisonGuard: Pick<PoisonGuard, "haltReason" | "begin" | "cleared">;
  /** ms since some moment. */
  readonly elapsed: () => number;
  /** Who made the calls of the own entry that is on its way, if it is one of calls; null for any other entry. */
  readonly callersOf: (head: EntryHead) => readonly ServerCall<WriterMethod>[] | null;
  /** What everything up to an entry has come to, while it is being stored. */
  readonly onStateHash: (id: number, stateHash: string) => void;
  /** Up to which entry everything is about to be committed. */
  readonly beforeCommit: (id: number) => void;
  /** What was carried out is on disk, and nobody was told yet. */
  readonly onCommitted: () => void;
  readonly observe: (observed: AppliedEntry) => void;
}

/** Why it does not go on. */
export type Stop =
  /** This node's disk, or who else holds the database: it can be tried again. */
  | { readonly kind: "not_stored"; readonly why: string }
  | { readonly kind: "unreadable"; readonly why: string }
  /** It has ended this program too often. */
  | { readonly kind: "poison"; readonly why: string }
  /** What was counted ends with this entry: a snapshot that has come so far holds it. */
  | { readonly kind: "snapshot"; readonly id: number };

interface Received {
  readonly id: number;
  readonly bytes: Uint8Array;
}

const NO_REFUSALS: ReadonlyMap<number, Failure> = new Map();
export const NOT_LEADING = new Failure("UNAVAILABLE", "another node leads");
const STATE_HASH_DIGITS = 32;

export class Applier {
  readonly #options: ApplierOptions;
  readonly #entries: Entries<LogItem>;
  #state: NodeState;
  /** What is sealed and not committed yet. */
  #sealed: NodeState;
  /** What is agreed behind entries that were only counted; null where all were carried out. */
  #counted: Membership | null = null;
  #inbox: Received[] = [];
  #pendingBytes = 0;
  /** Of the entries that this run has carried out, and of what it has passed over. */
  bytes = 0;
  applied = 0;
  apply_ms = 0;

  constructor(options: ApplierOptions) {
    this.#options = options;
    this.#state = options.state;
    this.#sealed = options.state;
    this.#entries = options.entriesOf({
      seal: (items, answers) => this.#seal(items, answers),
      committed: () => {
        this.#state = this.#sealed;
        options.onCommitted();
      },
    });
  }

  /** What was carried out. */
  get state(): NodeState {
    return this.#state;
  }

  /** What is agreed, as far as this node has read. */
  get membership(): Membership {
    return this.#counted ?? this.#state.membership;
  }

  /** How much has come that was not looked at. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Whether entries have come that were not looked at. */
  get hasPending(): boolean {
    return this.#inbox.length > 0;
  }

  /** Goes on from what the database holds now. */
  restart(state: NodeState): void {
    this.#state = state;
    this.#sealed = state;
    this.clear();
  }

  /** Forgets what has come: it comes again. */
  clear(): void {
    this.#inbox = [];
    this.#pendingBytes = 0;
    this.#counted = null;
  }

  receive(id: number, bytes: Uint8Array): void {
    this.#inbox.push({ id, bytes });
    this.#pendingBytes += bytes.byteLength;
  }

  /** A message that is no entry has come: it only makes the log longer. */
  skip(bytes: number): void {
    this.bytes += bytes;
  }

  /** Carries out the next group; null where it has, or there is none. */
  applyNext(): Stop | null {
    const [first] = this.#inbox;
    if (first === undefined) return null;
    try {
      return this.#counted === null ? this.#tryGroup(first.id) : this.#count(this.#counted);
    } catch (error) {
      if (!(error instanceof UnreadableEntry)) throw error;
      this.#options.poisonGuard.cleared(false);
      return { kind: "unreadable", why: `entry ${this.#inbox[0]?.id} of the log cannot be read: ${error.message}` };
    }
  }

  /** Carries out the next group, where it may be tried. */
  #tryGroup(first: number): Stop | null {
    const { poisonGuard } = this.#options;
    const why = poisonGuard.haltReason(first);
    if (why !== null) return { kind: "poison", why };
    // What ends the program may do so when it is read.
    const through = this.#inbox[Math.min(this.#inbox.length, APPLY_BATCH_ENTRIES_MAX) - 1]?.id ?? first;
    const stop = this.#apply(poisonGuard.begin(first, through));
    poisonGuard.cleared(stop === null && this.hasPending && this.#counted === null);
    return stop;
  }

  /** @throws UnreadableEntry */
  #apply(most: number): Stop | null {
    const items = this.#takeGroup(most);
    if (items.length === 0) {
      if (this.#inbox.length > 0) this.#counted = this.#state.membership;
      return null;
    }
    const { elapsed, observe } = this.#options;
    const began = elapsed();
    const before = this.#state.position.id;
    let stop: Stop | null = null;
    try {
      this.#entries.apply(items);
    } catch (error) {
      if (!(error instanceof NotStored)) throw error;
      stop = { kind: "not_stored", why: error.failure.message };
    }
    this.apply_ms += elapsed() - began;
    // Those that were committed before it stopped are behind it.
    const reached = this.#state.position.id;
    const left = this.#inbox.findIndex(({ id }) => id > reached);
    for (const { bytes } of this.#inbox.splice(0, left < 0 ? this.#inbox.length : left)) {
      this.bytes += bytes.byteLength;
      this.#pendingBytes -= bytes.byteLength;
    }
    for (const item of items) {
      if (item.id <= before || item.id > reached) continue;
      this.applied += 1;
      for (const part of item.parts) observe({ id: item.id, ...part });
    }
    return stop;
  }

  /** Reads who says what in entries that cannot be carried out, up to the one behind which this program's count. */
  #count(membership: Membership): Stop | null {
    const { applyVersion, methods, observe } = this.#options;
    const [received] = this.#inbox;
    if (received === undefined) return null;
    const { id, bytes } = received;
    const entries = decodeMessage(bytes, methods, applyVersion);
    this.#inbox.shift();
    this.#pendingBytes -= bytes.byteLength;
    let after = membership;
    for (const entry of entries) {
      const { membership: agreed, rejected } = advance(after, entry, id);
      after = agreed;
      this.#counted = agreed;
      observe({ id, entry, rejected, membership: agreed });
    }
    return after.applyVersion === applyVersion ? { kind: "snapshot", id } : null;
  }

  /**
   * The next entries that may share a transaction, so many at most; none where the next one is of other commands.
   * @throws UnreadableEntry, of the first; those before one that cannot be read are a group of their own
   */
  #takeGroup(most: number): readonly LogItem[] {
    const items: LogItem[] = [];
    let { membership } = this.#state;
    let bytes_sum = 0;
    for (const { id, bytes } of this.#inbox) {
      let item: LogItem;
      try {
        item = this.#itemOf(id, bytes, membership);
      } catch (error) {
        if (error instanceof UnreadableEntry && items.length > 0) return items;
        throw error;
      }
      const { parts } = item;
      const hasCalls = parts.some(({ entry: { content }, rejected }) => content.kind === "calls" && rejected === null);
      if (hasCalls && membership.applyVersion !== this.#options.applyVersion) break;
      items.push(item);
      membership = item.membership;
      bytes_sum += bytes.byteLength;
      if (parts.some(({ entry: { content } }) => content.kind === "upgrade")) break;
      if (items.length >= most || bytes_sum >= APPLY_BATCH_BYTES_MAX) break;
    }
    return items;
  }

  #itemOf(id: number, bytes: Uint8Array, before: Membership): LogItem {
    const { methods, applyVersion, callersOf } = this.#options;
    const parts: Part[] = [];
    let agreed = before;
    let calls: readonly EntryCall[] = [];
    let refusals = NO_REFUSALS;
    let callers: readonly ServerCall<WriterMethod>[] | null = null;
    let callersFrom = 0;
    for (const entry of decodeMessage(bytes, methods, applyVersion)) {
      const { head, content } = entry;
      const isLeader = content.kind === "calls" && content.term === agreed.term && agreed.leader === head.node;
      const { membership, rejected } = advance(agreed, entry, id);
      agreed = membership;
      parts.push({ entry, rejected, membership });
      if (rejected !== null) continue;
      const own = callersOf(head);
      if (own !== null) [callers, callersFrom] = [own, calls.length];
      if (content.kind !== "calls") continue;
      if (!isLeader) refusals = leaderCalls(content.calls, calls.length, refusals);
      calls = calls.length === 0 ? content.calls : [...calls, ...content.calls];
    }
    const { now_ms } = agreed;
    return { id, hash: hashOf(bytes), parts, membership: agreed, now_ms, calls, refusals, callers, callersFrom };
  }

  /** Writes, with what entries have done, how far that is. */
  #seal(items: readonly LogItem[], answers: readonly Answers[]): void {
    const last = must(items[items.length - 1], "a group has entries");
    const { generation } = this.#state.position;
    let { stateHash } = this.#state.position;
    for (const [at, { id, parts }] of items.entries()) {
      const answersCompared = must(answers[at], "an entry has answers").map(comparable);
      const all = parts.map(({ rejected }) => rejected);
      const rejected = all.length === 1 ? all[0] : all;
      stateHash = hashOf(JSON.stringify([stateHash, id, rejected, answersCompared])).slice(0, STATE_HASH_DIGITS);
      this.#options.onStateHash(id, stateHash);
    }
    this.#sealed = {
      position: { generation, id: last.id, entryHash: last.hash, stateHash },
      membership: last.membership,
    };
    this.#options.table.keep(this.#sealed, this.#state.membership);
    this.#options.beforeCommit(last.id);
  }
}

/**
 * The calls that only a leader may make, each refused.
 * @param from position of the first of them
 * @param before refusals of calls before it
 */
function leaderCalls(
  calls: readonly EntryCall[],
  from: number,
  before: ReadonlyMap<number, Failure>,
): ReadonlyMap<number, Failure> {
  if (!calls.some(({ method }) => method.in_cluster === "leader")) return before;
  const refusals = new Map(before);
  for (const [at, { method }] of calls.entries())
    if (method.in_cluster === "leader") refusals.set(from + at, NOT_LEADING);
  return refusals;
}

/** An answer as it is compared. */
function comparable(answer: unknown): unknown {
  if (!(answer instanceof Failure)) return answer;
  return [answer.status, answer.message, answer.members];
}

/** SHA-256, hex. */
export function hashOf(data: Uint8Array | string): string {
  return crypto().hash("sha256", data, "hex");
}
