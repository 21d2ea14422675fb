/**
 * Connects a replica to its log. There is one session at a time. A lost session is opened again after a growing delay.
 * Runs in the writer thread.
 *
 * Before a session starts, the connection verifies the log. It must be the log that this node has followed, and must
 * not end before this node's position. If the log has already trimmed the entries after that position, the node
 * installs a snapshot first.
 */
import { LOG_REOPEN_DELAY_MS, LOG_REOPEN_DELAY_MS_MAX, LOG_WENT_BACK_MS } from "../../schemas/limits/cluster.js";
import { LogError, type LogSession, type LogStatus, type OrderedLog } from "./log/ordered-log.js";
import { hashOf } from "./applier.js";
import type { NodeState, Position } from "./table.js";

export interface ConnectionOptions {
  readonly log: Pick<OrderedLog, "open">;
  /** The position that this node has applied. */
  readonly position: () => Position;
  /**
   * Installs a snapshot: replaces the node's tables by the tables in the snapshot.
   * @param least the lowest position that the snapshot may have
   * @returns the state in the snapshot; null if there is no such snapshot yet
   */
  readonly install: (least: number, generation: string) => Promise<NodeState | null>;
  /** Monotonic time in ms. */
  readonly elapsed: () => number;
  /** Called with the status of the log when a session was opened. */
  readonly found: (status: LogStatus) => void;
  /**
   * Makes the replica continue from an installed snapshot. Returns null, or the reason why the node must halt instead.
   */
  readonly restart: (installed: NodeState) => string | null;
  /** Called after the log was verified: the session may be used. */
  readonly opened: (session: LogSession) => void;
  /** Called with each entry that the open session delivers. */
  readonly entry: (id: number, bytes: Uint8Array, last: number) => void;
  /** Called when the session was lost or could not be opened. The connection then opens another session by itself. */
  readonly disconnected: (why: string) => void;
  /** Called when the node must halt. No session is opened after that. */
  readonly fatal: (why: string) => void;
}

export class Connection {
  readonly #options: ConnectionOptions;
  #session: LogSession | null = null;
  #state: "disconnected" | "opening" | "opened" | "ended" = "disconnected";
  #reopenAt = 0;
  #reopenDelayMs = LOG_REOPEN_DELAY_MS;
  #reopens = 0;
  /**
   * The time in ms at which the log was first found to be missing or too short. A log is too short if it ends before
   * this node's position. Null while the log is neither.
   */
  #missingSince: number | null = null;
  /**
   * Whether a snapshot is being installed. The installation continues even if the session is lost, and the next session
   * waits for it.
   */
  #installing = false;
  /** The node needs a snapshot with at least this position; 0 if it needs no snapshot. */
  #needed = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** The open session; null while no session may be used. */
  get session(): LogSession | null {
    return this.#state === "opened" ? this.#session : null;
  }

  /** How often a session was lost or could not be opened. */
  get reopens(): number {
    return this.#reopens;
  }

  /** Opens a session if there is none and the delay has passed. */
  tick(now: number): void {
    if (this.#state === "disconnected" && !this.#installing && now >= this.#reopenAt) void this.#open();
  }

  /** Makes the node install a snapshot that holds the effect of this entry, before it continues. */
  requireSnapshot(entry: number): void {
    this.#needed = entry;
    this.lose("a snapshot has to be installed");
  }

  /** Gives up the open session, and opens another session after a delay. */
  lose(why: string): void {
    if (this.#state === "opened") this.#drop(why);
  }

  /** Ends the session for good. */
  async end(): Promise<void> {
    const session = this.#session;
    this.#state = "ended";
    this.#session = null;
    await session?.close();
  }

  async #open(): Promise<void> {
    const { log, opened, fatal } = this.#options;
    this.#state = "opening";
    let session: LogSession | null = null;
    try {
      session = await log.open({
        // Ignores the entries of a session that was given up.
        entry: (id, bytes, last) => {
          if (session !== null && session === this.#session) this.#options.entry(id, bytes, last);
        },
        lost: (error) => {
          if (session !== null && session === this.#session) this.#drop(error.message);
        },
      });
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      if (!this.#ended) this.#leave(error.message);
      return;
    }
    if (this.#ended) {
      await session?.close();
      return;
    }
    this.#session = session;
    try {
      const why = session === null ? this.#confirmLasting("the log is gone") : await this.#verify(session);
      // Meanwhile the session may have been lost or closed.
      if (this.#session !== session || this.#ended) return;
      if (why !== null) fatal(why);
      else if (session !== null) {
        this.#state = "opened";
        opened(session);
      }
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      if (this.#session === session && !this.#ended) this.#drop(error.message);
    }
  }

  get #ended(): boolean {
    return this.#state === "ended";
  }

  #drop(why: string): void {
    const session = this.#session;
    this.#session = null;
    if (session !== null) void session.close();
    this.#leave(why);
  }

  #leave(why: string): void {
    const { elapsed, disconnected } = this.#options;
    if (this.#state === "opened") this.#reopenDelayMs = LOG_REOPEN_DELAY_MS;
    this.#state = "disconnected";
    this.#reopens += 1;
    this.#reopenAt = elapsed() + this.#reopenDelayMs;
    this.#reopenDelayMs = Math.min(this.#reopenDelayMs * 2, LOG_REOPEN_DELAY_MS_MAX);
    disconnected(why);
  }

  /**
   * Checks that this is the log that the node has followed. Returns null, or the reason why it is another log.
   * @throws LogError
   */
  async #verify(session: LogSession): Promise<string | null> {
    const { found, position } = this.#options;
    const { generation, first, last } = session.status;
    found(session.status);
    const { id, entryHash, generation: ownGeneration } = position();
    if (generation !== ownGeneration)
      return `the log is another one: this node belongs to ${ownGeneration}, the log to ${generation}`;
    if (last < id)
      return this.#confirmLasting(`the log went back: it ends at ${last}, and this node has applied ${id}`);
    const least = Math.max(this.#needed, first - 1);
    if (least > id) return await this.#install(least, generation);
    if (id >= first) {
      const bytes = await session.read(id);
      const why = `the log is another one: its entry ${id} is not the one that this node has applied`;
      // Another node may have trimmed the log since its status was read.
      if (bytes === null) return this.#confirmLasting(why);
      if (hashOf(bytes) !== entryHash) return why;
    }
    this.#missingSince = null;
    return null;
  }

  /**
   * Installs a snapshot whose position is at least `least`.
   * @throws LogError if there is none yet
   */
  async #install(least: number, generation: string): Promise<string | null> {
    const { install, position, restart } = this.#options;
    const { id } = position();
    this.#installing = true;
    const installed = await install(least, generation).finally(() => {
      this.#installing = false;
    });
    if (installed === null)
      throw new LogError("unreachable", `waiting for a snapshot at entry ${least} or later: this node is at ${id}`);
    this.#needed = 0;
    return restart(installed);
  }

  /**
   * Returns the reason to halt after the log has been missing or too short for LOG_WENT_BACK_MS. The node waits that
   * long, because a log server that is partitioned from its peers may lack entries without knowing it.
   * @throws LogError until LOG_WENT_BACK_MS have passed
   */
  #confirmLasting(why: string): string {
    const { elapsed } = this.#options;
    this.#missingSince ??= elapsed();
    if (elapsed() - this.#missingSince < LOG_WENT_BACK_MS) throw new LogError("unreachable", why);
    return why;
  }
}
