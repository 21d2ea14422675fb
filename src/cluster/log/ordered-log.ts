/**
 * Defines the interface of a replicated log. All nodes append to it, and all read it in the same order. Each log has a
 * store for snapshots.
 *
 * Each engine is a file in this folder (nats.ts, postgres.ts). An engine does not interpret entries: the nodes decide
 * which entries they accept (src/cluster/). An engine runs in the writer thread, and reports by callbacks. So tests can
 * replace it by a simulation. Pure.
 */

/** The reasons why a log cannot be used. */
export type LogFault =
  /** The log cannot be reached, or does not answer. A retry may succeed. */
  | "unreachable"
  /** The log's server rejects the credentials, or its user lacks a right. */
  | "denied"
  /** The version of the log's server is older than Koor needs. */
  | "too_old"
  /**
   * The set-up of the log's server is unsafe. The server could lose acknowledged entries, or could not store the
   * largest entries.
   */
  | "unsafe"
  /** The data under the cluster's name is not a log of Koor. */
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

/**
 * The status of a log. The log numbers its entries: ids begin at 1, grow in the order of the entries, and may have
 * gaps.
 */
export interface LogStatus {
  /** Identifies the log. Each call of `OrderedLog.create` gives the new log a different value. */
  readonly generation: string;
  /**
   * The log has deleted all entries before this id, and no others. Ids may have gaps, so the oldest entry may have a
   * higher id.
   */
  readonly first: number;
  /** The id of the newest entry that was ever in the log; 0 if there was none. */
  readonly last: number;
  /** Warnings for the operator about the set-up of the log, one line each. */
  readonly warnings: readonly string[];
}

/** The outcome of an append. */
export type Appended =
  /** The entry is in the log, on as many disks as the log is configured for. */
  | "stored"
  /** The entry was not stored and never will be, because the log or its disk is full. */
  | "full"
  /** The entry was not stored and never will be, because it is larger than the log's server accepts. */
  | "too_large"
  /** It is unknown whether the entry was stored. The session is lost, or will be soon. */
  | "unknown";

/** The callbacks of a session. They are called only after `open` has resolved, and not after `lost` or `close`. */
export interface LogListener {
  /**
   * Called with each entry once, in the order of ids.
   * @param last the newest id that the log is known to have
   */
  entry(id: number, bytes: Uint8Array, last: number): void;
  /** Called when the session has failed. The caller must open a new session. */
  lost(error: LogError): void;
}

/** Sends messages from one node to another without the log. A message arrives at most once, and may be lost. */
export interface NodeChannel {
  /** The size of the largest message that can be sent, in bytes. */
  readonly bytesMax: number;
  /** Registers the function that receives messages to this node. */
  listen(node: string, take: (bytes: Uint8Array) => void): void;
  /**
   * Sends bytes to a node.
   * @param undelivered called if the message has certainly reached no node. A loss may also go unnoticed
   */
  send(node: string, bytes: Uint8Array, undelivered: () => void): void;
}

/** A connection that reads the log and appends to it. */
export interface LogSession {
  readonly status: LogStatus;
  /** The channel between nodes; null if the engine has none. */
  readonly channel: NodeChannel | null;
  /** Reads the entry with this id; null if it was trimmed or never existed. */
  read(id: number): Promise<Uint8Array | null>;
  /**
   * Starts the delivery with the first entry after this id. If some of the later entries were trimmed, the session is
   * lost. Call it at most once in a session.
   */
  follow(after: number): void;
  /**
   * Stops the delivery, for example while entries arrive faster than they are applied. Entries that were already sent
   * to this node are dropped. They are delivered again after `resume`.
   */
  pause(): void;
  /** Resumes the delivery with the first entry after the last delivered one. */
  resume(): void;
  /**
   * Appends an entry to the end of the log.
   * @param bytes at most ENTRY_BYTES_MAX bytes
   * @param done called with the outcome, unless the session is lost or closed earlier
   */
  append(bytes: Uint8Array, done: (outcome: Appended) => void): void;
  /**
   * Checks the state of the log.
   * @returns warnings for the operator, one line each
   */
  check(): Promise<readonly string[]>;
  /** Deletes the entries up to and including this id. */
  trim(through: number): Promise<void>;
  /** Ends the connection. An entry whose outcome was not reported may still be stored. */
  close(): Promise<void>;
}

/** A snapshot in the snapshot store. */
export interface SnapshotInfo {
  /** The id of the last entry whose effect is in the snapshot. */
  readonly position: number;
  readonly generation: string;
  readonly bytes: number;
}

/**
 * Stores snapshots next to the log. Each method opens a connection of its own, because snapshots and the log are used
 * in different threads. Every method can throw LogError.
 */
export interface SnapshotStore {
  /** Lists the complete snapshots, the newest one last. */
  list(): Promise<readonly SnapshotInfo[]>;
  /**
   * Stores a snapshot, which replaces an earlier snapshot of the same position. The new snapshot is listed only after
   * it is complete.
   */
  put(info: Pick<SnapshotInfo, "position" | "generation">, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** Returns the bytes of a snapshot, in pieces. Throws if they are not the bytes that were stored. */
  get(info: SnapshotInfo): AsyncIterable<Uint8Array>;
  remove(position: number): Promise<void>;
  /** Aborts all running calls, which then throw. The store remains usable: the next call connects again. */
  close(): Promise<void>;
}

export interface OrderedLog {
  /**
   * Connects, and checks whether the log is reliable.
   * @returns null if there is no log under the cluster's name
   * @throws LogError
   */
  open(listener: LogListener): Promise<LogSession | null>;
  /**
   * Creates an empty log. If there is a log of the same name, it is deleted together with its snapshots.
   * @param generation a value that identifies the new log (`LogStatus.generation`)
   * @throws LogError
   */
  create(generation: string): Promise<void>;
  readonly snapshots: SnapshotStore;
}

/** The address of a log. */
export interface LogAddress {
  /** The address as the operator gave it: `nats://a:4222,b:4222` or `postgres://user@host/database`. */
  readonly url: string;
  /** The name of the cluster: letters, digits, `-` and `_`. */
  readonly name: string;
  /** The path of a file with credentials; "" for none. */
  readonly credentials: string;
}
