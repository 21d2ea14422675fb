/**
 * A replica's way to its log: a session at a time, opened again when it was lost, each time later until one holds. The
 * log is verified, not trusted: a session begins when its log is the one that was left and has not gone back, and where
 * the log has forgotten what this node would need, with a snapshot.
 */
import { LOG_REOPEN_DELAY_MS, LOG_REOPEN_DELAY_MS_MAX, LOG_WENT_BACK_MS } from "../../schemas/limits.js";
import { LogError, type LogSession, type LogStatus, type OrderedLog } from "../ordered-log/ordered-log.js";
import { hashOf } from "./applier.js";
import type { NodeState, Position } from "./table.js";

export interface ConnectionOptions {
  readonly log: Pick<OrderedLog, "open">;
  /** How far this node has come. */
  readonly position: () => Position;
  /**
   * Has the node's tables replaced by those of a snapshot.
   * @param least it has at least come so far
   * @returns what it holds; null where there is none yet
   */
  readonly install: (least: number, generation: string) => Promise<NodeState | null>;
  /** ms since some moment; nobody can set it. */
  readonly elapsed: () => number;
  /** Takes how the log was found. */
  readonly found: (status: LogStatus) => void;
  /** Goes on from a snapshot; why it cannot, or null. */
  readonly restart: (installed: NodeState) => string | null;
  /** The log is the one that was left: the session may be used. */
  readonly opened: (session: LogSession) => void;
  /** Takes what the session in use says. */
  readonly entry: (id: number, bytes: Uint8Array, last: number) => void;
  /** There is no session, for now. */
  readonly disconnected: (why: string) => void;
  /** There must never be one again. */
  readonly wrong: (why: string) => void;
}

export class Connection {
  readonly #options: ConnectionOptions;
  #session: LogSession | null = null;
  #state: "disconnected" | "opening" | "opened" | "ended" = "disconnected";
  #reopen_at = 0;
  #reopen_delay_ms = LOG_REOPEN_DELAY_MS;
  #reopens = 0;
  /** Since when the log has been gone, or has lacked what was carried out last. */
  #short_since: number | null = null;
  /** A snapshot is being taken in; it goes on where its session is lost meanwhile, and the next one waits for it. */
  #installing = false;
  /** The entry that a snapshot has to hold before this node can go on; 0 where none has to. */
  #needed = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Null while there is none that may be used. */
  get session(): LogSession | null {
    return this.#state === "opened" ? this.#session : null;
  }

  /** How often there has been none. */
  get reopens(): number {
    return this.#reopens;
  }

  /** Opens a session where that is due. */
  tick(now: number): void {
    if (this.#state === "disconnected" && !this.#installing && now >= this.#reopen_at) void this.#open();
  }

  /** What follows this entry can be carried out only behind a snapshot that holds it. */
  need(entry: number): void {
    this.#needed = entry;
    this.lose("a snapshot has to be taken in");
  }

  /** The session in use is of no use any more. */
  lose(why: string): void {
    if (this.#state === "opened") this.#drop(why);
  }

  /** Ends the session; there is none any more. */
  async end(): Promise<void> {
    const session = this.#session;
    this.#state = "ended";
    this.#session = null;
    await session?.close();
  }

  async #open(): Promise<void> {
    const { log, opened, wrong } = this.#options;
    this.#state = "opening";
    let session: LogSession | null = null;
    try {
      session = await log.open({
        // What a session that was given up still says is of no interest.
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
      const why = session === null ? this.#lasting("the log is gone") : await this.#verify(session);
      // It may have been lost, or ended, meanwhile.
      if (this.#session !== session || this.#ended) return;
      if (why !== null) wrong(why);
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
    if (this.#state === "opened") this.#reopen_delay_ms = LOG_REOPEN_DELAY_MS;
    this.#state = "disconnected";
    this.#reopens += 1;
    this.#reopen_at = elapsed() + this.#reopen_delay_ms;
    this.#reopen_delay_ms = Math.min(this.#reopen_delay_ms * 2, LOG_REOPEN_DELAY_MS_MAX);
    disconnected(why);
  }

  /**
   * Why the log is not the one that was left; null where it is.
   * @throws LogError
   */
  async #verify(session: LogSession): Promise<string | null> {
    const { found, position } = this.#options;
    const { generation, first, last } = session.status;
    found(session.status);
    const { id, entryHash, generation: ownGeneration } = position();
    if (generation !== ownGeneration)
      return `the log is another one: this node belongs to ${ownGeneration}, the log to ${generation}`;
    if (last < id) return this.#lasting(`the log went back: it ends at ${last}, and this node has carried out ${id}`);
    const least = Math.max(this.#needed, first - 1);
    if (least > id) return await this.#install(least, generation);
    if (id >= first) {
      const bytes = await session.read(id);
      const why = `the log is another one: its entry ${id} is not the one that this node has carried out`;
      // Somebody may have trimmed the log since it was looked at.
      if (bytes === null) return this.#lasting(why);
      if (hashOf(bytes) !== entryHash) return why;
    }
    this.#short_since = null;
    return null;
  }

  /**
   * Takes in a snapshot that has come at least so far.
   * @throws LogError where there is none yet
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
   * Why to halt. A server that is cut off from the others may not know it yet, and less than they do: only what is found
   * so for a while is.
   * @throws LogError until then
   */
  #lasting(why: string): string {
    const { elapsed } = this.#options;
    this.#short_since ??= elapsed();
    if (elapsed() - this.#short_since < LOG_WENT_BACK_MS) throw new LogError("unreachable", why);
    return why;
  }
}
