/**
 * The interface of a replicated log: every node appends to it and reads it in one order, and a snapshot store is next
 * to it. Each engine is a file in this folder (nats.ts, postgres.ts). An engine does not interpret entries; their
 * readers decide which of them count (src/cluster/). It runs in the writer thread and reports by callbacks, so that a
 * simulation can replace it. Pure.
 */

/** Why a log cannot be used, or can be used no longer. */
export type LogFault =
  /** It cannot be reached, or does not answer. Can be retried. */
  | "unreachable"
  /** It rejects the credentials, or rights are missing. */
  | "denied"
  /** Its server is older than Koor needs. */
  | "too_old"
  /** Its set-up would lose acknowledged entries, or cannot hold Koor's entries. */
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

/** The log assigns the ids, from 1, in the order of the entries. Ids may have gaps. */
export interface LogStatus {
  /** The value that the log was created with (`OrderedLog.create`). It tells one log from another. */
  readonly generation: string;
  /** Every entry from this id on is there, and no earlier one. The oldest entry may have a higher id. */
  readonly first: number;
  /** The id of the newest entry that ever was in the log; 0 before the first. */
  readonly last: number;
  /** Warnings for the operator about the set-up of the log, a line each. */
  readonly warnings: readonly string[];
}

/** The outcome of an append. */
export type Appended =
  /** The entry is in the log, on as many disks as the log is set up for. */
  | "stored"
  /** The entry is not in the log and never will be: the log or its disk is full. */
  | "full"
  /** The entry is not in the log and never will be: it is larger than the log's server accepts. */
  | "too_large"
  /** The outcome cannot be known. The session is lost, or will be. */
  | "unknown";

/** The callbacks of a session. None is called before `open` has resolved, after `lost` or after `close`. */
export interface LogListener {
  /**
   * Delivers the next entry, in the order of ids, each entry once.
   * @param last the newest id that the log is known to have
   */
  entry(id: number, bytes: Uint8Array, last: number): void;
  /** The session has ended by itself: a new one must be opened. */
  lost(error: LogError): void;
}

/** Sends bytes from one node to another outside the log. A message arrives at most once, and maybe never. */
export interface NodeChannel {
  /** The largest message that can be sent. */
  readonly bytesMax: number;
  /** Receives the messages that other nodes send to this node. */
  listen(node: string, take: (bytes: Uint8Array) => void): void;
  /**
   * Sends bytes to a node.
   * @param undelivered called if the message is known to have reached no node. It is not always known that a node does
   * not listen.
   */
  send(node: string, bytes: Uint8Array, undelivered: () => void): void;
}

/** A connection that reads the log and appends to it. */
export interface LogSession {
  readonly status: LogStatus;
  /** Null if the engine has none. */
  readonly channel: NodeChannel | null;
  /** The entry of this id; null if it was trimmed, or never existed. */
  read(id: number): Promise<Uint8Array | null>;
  /**
   * Starts the delivery after this id. If some of what follows was trimmed, the session is lost. Called once in a
   * session.
   */
  follow(after: number): void;
  /**
   * Stops the delivery, for example when entries arrive faster than they are applied. Entries in flight are dropped.
   */
  pause(): void;
  /** Resumes the delivery after the last delivered entry. */
  resume(): void;
  /**
   * Appends an entry to the end of the log.
   * @param bytes at most ENTRY_BYTES_MAX
   * @param done not called after the session is lost or closed
   */
  append(bytes: Uint8Array, done: (outcome: Appended) => void): void;
  /**
   * Checks the state of the log.
   * @returns as in `LogStatus.warnings`
   */
  check(): Promise<readonly string[]>;
  /** Deletes the entries up to this id. */
  trim(through: number): Promise<void>;
  /** Ends the connection. An entry without an outcome may still be stored. */
  close(): Promise<void>;
}

/** A snapshot in the snapshot store. */
export interface SnapshotInfo {
  /** The last entry that is in it. */
  readonly position: number;
  readonly generation: string;
  readonly bytes: number;
}

/**
 * The snapshot store. Each method opens a connection of its own, because snapshots have a thread of their own. Each
 * method throws LogError.
 */
export interface SnapshotStore {
  /** The complete snapshots, the newest last. */
  list(): Promise<readonly SnapshotInfo[]>;
  /** Stores a snapshot, in place of one of the same position. It is listed once it is complete. */
  put(info: Pick<SnapshotInfo, "position" | "generation">, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** The bytes of a snapshot, in pieces. Throws if they are not the ones that were stored. */
  get(info: SnapshotInfo): AsyncIterable<Uint8Array>;
  remove(position: number): Promise<void>;
  /** Aborts all running calls, which then throw. A later call connects again. */
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
   * Creates the log, empty. An existing one is dropped, with its snapshots.
   * @param generation identifies the new log
   * @throws LogError
   */
  create(generation: string): Promise<void>;
  readonly snapshots: SnapshotStore;
}

/** The address of a log. */
export interface LogAddress {
  /** `nats://a:4222,b:4222` or `postgres://user@host/database`, as the operator gave it. */
  readonly url: string;
  /** The name of the cluster: letters, digits, `-` and `_`. */
  readonly name: string;
  /** The path of a file with credentials; "" for none. */
  readonly credentials: string;
}
