/**
 * An in-memory log with the faults of a log over a network. An append in flight is stored once, twice or never, even
 * after its session has ended. Acknowledgements get lost, entries are damaged in flight to a node, nodes are at
 * different positions, and sessions break. The caller decides what happens next, one step at a time. Pure but for its
 * state.
 */
import { must } from "../../src/base/assert.js";
import {
  LogError,
  type Appended,
  type LogListener,
  type LogSession,
  type NodeChannel,
  type OrderedLog,
} from "../../src/cluster/log/ordered-log.js";
import type { Random } from "../support/random.js";

/** An append that is not in the log, or has no outcome yet. */
interface PendingAppend {
  readonly session: SimulatedSession;
  readonly bytes: Uint8Array;
  readonly done: (outcome: Appended) => void;
  stored: boolean;
}

/** A message from one node to another that has not arrived, or arrives again. */
interface Message {
  readonly from: SimulatedSession;
  readonly to: string;
  readonly bytes: Uint8Array;
  readonly undelivered: () => void;
  isDelivered: boolean;
}

const BYTES_MAX = 1_000_000;

class SimulatedSession implements LogSession {
  readonly status;
  readonly listener: LogListener;
  readonly node: string;
  readonly #log: SimulatedLog;
  /** The last delivered id; null before `follow`. */
  delivered: number | null = null;
  open = true;
  paused = false;
  /** Receives the messages of other nodes; null while it does not listen. */
  take: ((bytes: Uint8Array) => void) | null = null;
  readonly channel: NodeChannel;

  constructor(log: SimulatedLog, node: string, listener: LogListener) {
    this.#log = log;
    this.node = node;
    this.listener = listener;
    this.status = { generation: log.generation, first: log.first, last: log.last, warnings: [] };
    this.channel = {
      bytesMax: BYTES_MAX,
      listen: (_node, take) => {
        this.take = take;
      },
      send: (to, bytes, undelivered) => {
        log.messages.push({ from: this, to, bytes: Uint8Array.from(bytes), undelivered, isDelivered: false });
      },
    };
  }

  read(id: number): Promise<Uint8Array | null> {
    return Promise.resolve(this.#log.at(id));
  }

  follow(after: number): void {
    this.delivered = after;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  append(bytes: Uint8Array, done: (outcome: Appended) => void): void {
    this.#log.inFlight.push({ session: this, bytes: Uint8Array.from(bytes), done, stored: false });
  }

  check(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  trim(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.open = false;
    return Promise.resolve();
  }
}

export class SimulatedLog {
  readonly generation = "played";
  /** Ids start at 1. Null is a trimmed entry. */
  readonly #entries: (Uint8Array | null)[] = [];
  /** All entries that were ever stored. */
  readonly history: Uint8Array[] = [];
  readonly sessions: SimulatedSession[] = [];
  inFlight: PendingAppend[] = [];
  messages: Message[] = [];
  /** Whether everything that is sent is stored, answered and delivered, exactly once. */
  isReliable = false;
  /** Called after each entry that is stored. */
  onStored: () => void = () => undefined;
  /** Whether it takes no new entries. */
  full = false;
  /** The nodes that cannot reach it. */
  readonly cut = new Set<string>();
  first = 1;

  get last(): number {
    return this.#entries.length;
  }

  at(id: number): Uint8Array | null {
    return this.#entries[id - 1] ?? null;
  }

  /** The log as one node sees it. */
  for(node: string): Pick<OrderedLog, "open"> {
    return {
      open: (listener) => {
        if (this.cut.has(node)) return Promise.reject(new LogError("unreachable", "cut off"));
        const session = new SimulatedSession(this, node, listener);
        this.sessions.push(session);
        return Promise.resolve(session);
      },
    };
  }

  /** Appends a foreign entry. */
  inject(bytes: Uint8Array): void {
    this.#store(bytes);
  }

  trim(through: number): void {
    for (let id = this.first; id <= through; id++) this.#entries[id - 1] = null;
    this.first = Math.max(this.first, through + 1);
  }

  /** Whether anything is left that can happen by itself. */
  get busy(): boolean {
    return (
      this.inFlight.length > 0 ||
      this.messages.length > 0 ||
      this.#live().some(({ delivered }) => delivered !== null && delivered < this.last)
    );
  }

  /** Makes one of the possible events happen. */
  step(random: Random): void {
    if (this.messages.length > 0 && random(3) === 0) this.#carry(random);
    else if (random(2) === 0) this.#deliver(random);
    else this.#settle(random);
  }

  /** Breaks a session. What is in flight stays so, and no node learns of its outcome. */
  breakSession(random: Random): void {
    const live = this.#live();
    const session = live[random(live.length)];
    if (session === undefined) return;
    session.open = false;
    session.listener.lost(new LogError("unreachable", "broken"));
  }

  breakSessionsOf(node: string): void {
    for (const session of this.#live()) {
      if (session.node !== node) continue;
      session.open = false;
      session.listener.lost(new LogError("unreachable", "broken"));
    }
  }

  /** Ends the sessions of a node without a notice. */
  forget(node: string): void {
    for (const session of this.sessions) if (session.node === node) session.open = false;
  }

  #live(): SimulatedSession[] {
    return this.sessions.filter(({ open }) => open);
  }

  /**
   * Delivers a message between nodes, or loses it. Some messages arrive twice, the second time maybe after a restart of
   * the node.
   */
  #carry(random: Random): void {
    const at = random(this.messages.length);
    const message = must(this.messages[at], "one of them");
    const isLast = this.isReliable || random(8) > 0;
    if (isLast) this.messages.splice(at, 1);
    if (!this.isReliable && random(12) === 0) return;
    const { from, to, bytes, undelivered, isDelivered } = message;
    const session = this.#live().find(({ node, take }) => node === to && take !== null);
    if (session !== undefined && !this.cut.has(from.node)) {
      message.isDelivered = true;
      session.take?.(bytes);
    } else if (isLast && from.open && !isDelivered) undelivered();
  }

  #deliver(random: Random): void {
    const behind = this.#live().filter(
      ({ delivered, paused }) => !paused && delivered !== null && delivered < this.last,
    );
    const session = behind[random(behind.length)];
    if (session === undefined) return;
    const id = must(session.delivered, "it follows") + 1;
    const bytes = this.at(id);
    if (bytes === null) {
      session.open = false;
      session.listener.lost(new LogError("unreachable", "what follows was trimmed"));
      return;
    }
    session.delivered = id;
    const isDamaged = !this.isReliable && random(100) === 0;
    session.listener.entry(id, isDamaged ? damage(bytes, random) : bytes, this.last);
  }

  /** Stores an append in flight, loses it, or reports its outcome. */
  #settle(random: Random): void {
    const at = random(this.inFlight.length);
    const append = this.inFlight[at];
    if (append === undefined) return;
    const { session, bytes, done } = append;
    const forget = (): void => void this.inFlight.splice(at, 1);
    if (append.stored) {
      forget();
      if (session.open && (this.isReliable || random(20) > 0)) done("stored");
      return;
    }
    // A broken connection may lose what was sent over it; an open one never does.
    if (!session.open && random(2) === 0) {
      forget();
      return;
    }
    if (this.full && session.open) {
      forget();
      done("full");
      return;
    }
    if (session.open && !this.isReliable && random(50) === 0) {
      forget();
      if (random(2) === 0) this.#store(bytes);
      done("unknown");
      return;
    }
    this.#store(bytes);
    append.stored = true;
    // The transport sends it again.
    if (!this.isReliable && random(25) === 0) this.#store(bytes);
  }

  #store(bytes: Uint8Array): void {
    this.#entries.push(bytes);
    this.history.push(bytes);
    this.onStored();
  }
}

/** Returns a copy of an entry in which one bit differs, as after a fault of the network. */
function damage(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Buffer.from(bytes);
  const at = random(bytes.byteLength);
  copy.writeUInt8(copy.readUInt8(at) ^ (1 << random(8)), at);
  return copy;
}
