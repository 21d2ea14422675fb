/**
 * Defines the interface of a replicated log. Every node appends to the log and reads it in the same order. A snapshot
 * store belongs to each log.
 *
 * Each engine is a file in this folder (nats.ts, postgres.ts). An engine does not interpret entries: the nodes decide
 * which entries they accept (src/cluster/). It runs in the writer thread and reports by callbacks, so that tests can
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
   * The set-up of the log's server is unsafe: it could lose acknowledged entries, or could not store the largest
   * entries.
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

/** The status of a log. The log assigns the ids of the entries, from 1, in their order. Ids may have gaps. */
export interface LogStatus {
  /** The value that the log was created with (`OrderedLog.create`). Each log has a different one. */
  readonly generation: string;
  /**
   * The log has deleted all entries before this id, and no others. The oldest entry may have a higher id, because ids
   * may have gaps.
   */
  readonly first: number;
  /** The id of the newest entry that was ever in the log; 0 before the first one. */
  readonly last: number;
  /** Warnings for the operator about the set-up of the log, one line each. */
  readonly warnings: readonly string[];
}

/** The outcome of an append. */
export type Appended =
  /** The entry is in the log. It is stored on as many disks as the log is configured for. */
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
  /** Called when the session has failed. A new one must be opened. */
  lost(error: LogError): void;
}

/** Sends messages from one node to another without the log. A message arrives at most once, and may be lost. */
export interface NodeChannel {
  /** The size of the largest message that can be sent, in bytes. */
  readonly bytesMax: number;
  /** Receives the messages that other nodes send to this node. */
  listen(node: string, take: (bytes: Uint8Array) => void): void;
  /**
   * Sends bytes to a node.
   * @param undelivered called if the message is known to have reached no node. It is not called for every lost message,
   * because the loss may go unnoticed.
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
   * Starts the delivery with the first entry after this id. The session is lost if some of the later entries were
   * trimmed. Must be called at most once in a session.
   */
  follow(after: number): void;
  /**
   * Stops the delivery, for example when entries arrive faster than they are applied. Entries that were already sent to
   * this node are dropped, and are delivered again after `resume`.
   */
  pause(): void;
  /** Resumes the delivery with the first entry after the last delivered one. */
  resume(): void;
  /**
   * Appends an entry to the end of the log.
   * @param bytes at most ENTRY_BYTES_MAX bytes
   * @param done called with the outcome, unless the session is lost or closed before
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
 * Stores snapshots next to the log. Each method opens its own connection, because snapshots are handled in another
 * thread than the log. Every method can throw LogError.
 */
export interface SnapshotStore {
  /** Lists the complete snapshots, the newest one last. */
  list(): Promise<readonly SnapshotInfo[]>;
  /** Stores a snapshot. It replaces an earlier snapshot of the same position. An incomplete snapshot is not listed. */
  put(info: Pick<SnapshotInfo, "position" | "generation">, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** Returns the bytes of a snapshot, in pieces. Throws if they differ from the stored ones. */
  get(info: SnapshotInfo): AsyncIterable<Uint8Array>;
  remove(position: number): Promise<void>;
  /** Aborts all running calls, which then throw. The store can be used again: the next call connects again. */
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
