/**
 * What Koor asks of an engine that orders and keeps entries on several machines: a log that every node appends to and
 * reads in one order, and a place for snapshots beside it. An engine is a file beside this one (nats.ts, postgres.ts);
 * what an entry holds is none of its business, and which entries count is decided by who reads them (src/cluster/). An
 * engine runs in the writer's thread and calls back, so that a simulation can stand in its place. Pure.
 */

/** Why a log cannot be used as it is, or does not go on. */
export type LogFault =
  /** It cannot be reached, or does not answer: tried again. */
  | "unreachable"
  /** It refuses who asks: wrong credentials, rights that are missing. */
  | "denied"
  /** Its server is older than what Koor needs. */
  | "too_old"
  /** It is set up so that it would lose what it has acknowledged, or cannot hold what Koor stores. */
  | "unsafe"
  /** What is there under the cluster's name is not a log of Koor's. */
  | "foreign";

export class LogError extends Error {
  override readonly name = "LogError";
  readonly fault: LogFault;

  /** @param message one line for the operator */
  constructor(fault: LogFault, message: string, cause?: unknown) {
    super(message, { cause });
    this.fault = fault;
  }
}

/** Ids are given by the log, from 1 on, in the order of the entries; some may be left out. */
export interface LogStatus {
  /** What the log was made with (`OrderedLog.create`), by which one log is told from another. */
  readonly generation: string;
  /** Every entry from this id on is there, and none before it; the oldest may have a higher id. */
  readonly first: number;
  /** Id of the newest entry there ever was; 0 before the first. */
  readonly last: number;
  /** What the operator is to know of how the log is set up, a line each. */
  readonly warnings: readonly string[];
}

/** What becomes of an append. */
export type Appended =
  /** It is in the log, on disk as often as the log was set up for. */
  | "stored"
  /** It is not in the log and never will be: the log, or its disk, is full. */
  | "full"
  /** It is not in the log and never will be: it is larger than the log's server takes. */
  | "too_large"
  /** Nobody knows; the session is lost, or will be. */
  | "unknown";

/** Who listens to a session. Nothing is called before `open` has resolved, nor after `lost`, nor after `close`. */
export interface LogListener {
  /**
   * The next entry, in the order of ids, each once.
   * @param last the newest id that the log was heard to have
   */
  entry(id: number, bytes: Uint8Array, last: number): void;
  /** The session has ended by itself: a new one is to be opened. */
  lost(error: LogError): void;
}

/** Carries bytes from one node to another without the log: each at most once, and maybe never. */
export interface NodeChannel {
  /** Larger messages are not carried. */
  readonly bytesMax: number;
  /** Takes what other nodes send to this node. */
  listen(node: string, take: (bytes: Uint8Array) => void): void;
  /**
   * Sends bytes to a node.
   * @param undelivered called where the message is known to have reached no node; where the node does not take it,
   *   this is not always known
   */
  send(node: string, bytes: Uint8Array, undelivered: () => void): void;
}

/** A connection to the log that is read from. */
export interface LogSession {
  readonly status: LogStatus;
  /** Null where the engine has none. */
  readonly channel: NodeChannel | null;
  /** The entry of this id; null where it is not there any more, or never was. */
  read(id: number): Promise<Uint8Array | null>;
  /** Begins to deliver what is behind this id; where some of that was trimmed the session is lost. Once a session. */
  follow(after: number): void;
  /** Delivers nothing more, as where entries come faster than they are carried out; what is on its way is dropped. */
  pause(): void;
  /** Delivers again, from the entry on that is behind the last one that was delivered. */
  resume(): void;
  /**
   * Puts an entry behind all others.
   * @param bytes at most ENTRY_BYTES_MAX
   * @param done not called any more once the session is lost or closed
   */
  append(bytes: Uint8Array, done: (outcome: Appended) => void): void;
  /**
   * Looks how the log is by now.
   * @returns as in `LogStatus.warnings`
   */
  look(): Promise<readonly string[]>;
  /** Forgets the entries up to this id. */
  trim(through: number): Promise<void>;
  /** Ends the connection. What was appended and not answered may still be stored. */
  close(): Promise<void>;
}

/** A snapshot that is kept beside the log. */
export interface SnapshotInfo {
  /** The id of the last entry that is in it. */
  readonly position: number;
  readonly generation: string;
  readonly bytes: number;
}

/**
 * The place for snapshots. Each function connects by itself, since it is used by a thread of its own; each throws
 * LogError.
 */
export interface SnapshotStore {
  /** Those that are whole, the newest last. */
  list(): Promise<readonly SnapshotInfo[]>;
  /** Keeps a snapshot; it is in the list when all of it is there. One of the same position is replaced. */
  put(info: Pick<SnapshotInfo, "position" | "generation">, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** Its bytes, in pieces; throws where they are not what was put. */
  get(info: SnapshotInfo): AsyncIterable<Uint8Array>;
  remove(position: number): Promise<void>;
  /** Breaks off what is under way, which throws then. What is called later connects anew. */
  close(): Promise<void>;
}

export interface OrderedLog {
  /**
   * Connects, and looks whether the log is one that can be relied on.
   * @returns null where there is no log under the cluster's name
   * @throws LogError
   */
  open(listener: LogListener): Promise<LogSession | null>;
  /**
   * Makes the log, empty; one that was there is dropped, with its snapshots.
   * @param generation which it is from now on
   * @throws LogError
   */
  create(generation: string): Promise<void>;
  readonly snapshots: SnapshotStore;
}

/** Where the log is. */
export interface LogAddress {
  /** `nats://a:4222,b:4222` or `postgres://user@host/database`, as it was given. */
  readonly url: string;
  /** The cluster's name: letters, digits, `-` and `_`. */
  readonly name: string;
  /** Path of a file of credentials; "" for none. */
  readonly credentials: string;
}
