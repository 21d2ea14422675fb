/**
 * A log in memory that does what logs over a network do: what is appended is on its way until it is stored, once, twice
 * or never, even after its session is gone; acknowledgements get lost, deliveries to different nodes are at different
 * places, sessions break. What happens when is the player's to say, a step at a time. Pure but for its state.
 */
import { must } from "../../src/base/assert.js";
import {
  LogError,
  type Appended,
  type LogListener,
  type LogSession,
  type NodeChannel,
  type OrderedLog,
} from "../../src/ordered-log/ordered-log.js";
import type { Random } from "../support/random.js";

/** An append that is not in the log, or not answered yet. */
interface PendingAppend {
  readonly session: SimulatedSession;
  readonly bytes: Uint8Array;
  readonly done: (outcome: Appended) => void;
  stored: boolean;
}

/** A message from one node to another that has not arrived, or arrives once more. */
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
  /** Id up to which it was delivered; null before `follow`. */
  delivered: number | null = null;
  open = true;
  paused = false;
  /** Takes what other nodes send to this one; null where it does not listen. */
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
  /** Ids begin at 1; null for what was trimmed. */
  readonly #entries: (Uint8Array | null)[] = [];
  /** All that ever was stored. */
  readonly history: Uint8Array[] = [];
  readonly sessions: SimulatedSession[] = [];
  inFlight: PendingAppend[] = [];
  messages: Message[] = [];
  /** What is sent is stored, answered and delivered, once each. */
  isReliable = false;
  /** Called with each entry that is stored. */
  onStored: () => void = () => undefined;
  /** Takes no new entries. */
  full = false;
  /** Nodes that cannot reach it. */
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

  /** An entry of somebody else's. */
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

  /** One of the things that may happen next. */
  step(random: Random): void {
    if (this.messages.length > 0 && random(3) === 0) this.#carry(random);
    else if (random(2) === 0) this.#deliver(random);
    else this.#settle(random);
  }

  /** A session breaks; what is on its way stays so, and nobody hears of it. */
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

  /** The node is gone without a word. */
  forget(node: string): void {
    for (const session of this.sessions) if (session.node === node) session.open = false;
  }

  #live(): SimulatedSession[] {
    return this.sessions.filter(({ open }) => open);
  }

  /** A message between nodes arrives, or does not; some arrive twice, the second time maybe at another run of the node. */
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
    session.listener.entry(id, bytes, this.last);
  }

  /** Stores something that is on its way, loses it, or answers it. */
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
    // What was sent over a connection that is gone may be lost with it, and over one that is not it is not.
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
    // Sent again by whoever has carried it.
    if (!this.isReliable && random(25) === 0) this.#store(bytes);
  }

  #store(bytes: Uint8Array): void {
    this.#entries.push(bytes);
    this.history.push(bytes);
    this.onStored();
  }
}
