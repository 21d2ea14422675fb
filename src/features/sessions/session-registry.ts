/**
 * Keeps all sessions in the front's memory. It finds the session of a cookie, checks that it is valid, and notifies
 * listeners when it ends.
 *
 * A use of a session changes only memory at first. `takeUses` returns the uses that are not in the database yet.
 * `takeExpired` returns the ended sessions that are still in the database. Pure except for its state; only the writer
 * changes the database.
 */
import { SESSION_COOKIE_BYTES, SESSION_IDLE_MS, SESSIONS_MAX } from "../../../schemas/limits/sessions.js";
import { DASHBOARD_ACTOR, type UseSessionsRequest } from "../../../schemas/sessions.js";
import type { Clock } from "../../base/clock.js";
import { crypto, sha256 } from "../../base/crypto.js";
import type { AccessEnd } from "../../base/access-end.js";
import type { SessionRow } from "./table.js";

const HEX = "hex";

/** The caller that a session authenticates. */
export interface SessionCaller {
  readonly role: "server" | "instance";
  /** The instance's id, or `dashboard`. */
  readonly actor: string;
}

export interface SessionBookOptions {
  /** The server's token. */
  readonly token: string;
  readonly clock: Clock;
  /** The registered instances. */
  readonly instances: { get(id: string): object | undefined };
}

/** A new session. `value` is the value of its cookie, which the server does not store. */
export interface NewSession {
  readonly value: string;
  readonly row: SessionRow;
}

export class Session {
  readonly row: SessionRow;
  readonly caller: SessionCaller;
  lastUsedMs: number;
  /** True if the time of the last use is not in the database yet. */
  unsaved = false;
  /** True if a cookie of this session was verified with the server's current token. */
  proven: boolean;
  readonly #ends = new Set<(end: AccessEnd) => void>();
  #ended: AccessEnd | null = null;

  constructor(row: SessionRow, proven: boolean) {
    this.row = row;
    this.proven = proven;
    this.lastUsedMs = row.last_used_at;
    this.caller =
      row.instance === "" ? { role: "server", actor: DASHBOARD_ACTOR } : { role: "instance", actor: row.instance };
  }

  get ended(): boolean {
    return this.#ended !== null;
  }

  /**
   * Calls the listener when the session ends, or at once if it has already ended. Returns a function that removes the
   * listener.
   */
  onEnd(listener: (end: AccessEnd) => void): () => void {
    if (this.#ended === null) this.#ends.add(listener);
    else listener(this.#ended);
    return () => void this.#ends.delete(listener);
  }

  /** Ends the session and notifies the listeners. */
  end(how: AccessEnd): void {
    this.#ended = how;
    const listeners = [...this.#ends];
    this.#ends.clear();
    for (const listener of listeners) listener(how);
  }
}

export class SessionRegistry {
  readonly #options: SessionBookOptions;
  #byId = new Map<string, Session>();
  /** The ids of sessions that have ended and are still in the database. */
  #expired: string[] = [];

  constructor(options: SessionBookOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byId.size;
  }

  /**
   * Loads the stored sessions at the start, and again when the front may have missed changes. A session that is already
   * in memory is kept. Its last use may be newer than the stored one, and its cookie may have been verified.
   * @param rows the sessions, the least recently used first
   */
  load(rows: readonly SessionRow[]): void {
    const before = this.#byId;
    this.#expired = [];
    this.#byId = new Map(rows.map((row) => [row.id, before.get(row.id) ?? new Session(row, false)]));
    for (const [id, session] of before) if (!this.#byId.has(id)) session.end("revoked");
  }

  /**
   * Finds the session of a cookie by the cookie's value, and records the use. Returns undefined if there is no such
   * session, or if it has expired. The duration of the lookup reveals nothing: the key of the lookup is a digest of the
   * value, whose bytes an attacker cannot choose.
   */
  find(value: string): Session | undefined {
    const session = this.#byId.get(idOf(value));
    if (session === undefined) return undefined;
    session.proven ||= crypto().timingSafeEqual(Buffer.from(session.row.proof, HEX), this.#prove(value));
    const nowMs = this.#options.clock.now();
    if (!session.proven || this.#isExpired(session, nowMs)) {
      this.#drop(session, "logged out");
      return undefined;
    }
    session.lastUsedMs = nowMs;
    session.unsaved = true;
    return session;
  }

  /**
   * Creates a session. It is valid only after the caller has stored it and called `add`.
   * @param instance the id of the instance whose token was used; "" for the server's token
   */
  begin(instance: string, secure: boolean): NewSession {
    const value = crypto().randomBytes(SESSION_COOKIE_BYTES).toString("base64url");
    const proof = this.#prove(value).toString(HEX);
    return { value, row: { id: idOf(value), proof, instance, secure, last_used_at: this.#options.clock.now() } };
  }

  /**
   * Returns the ids of the sessions that must end to make room for a new one. The instance with the most sessions loses
   * its least recently used ones. So an agent that logs in repeatedly does not log out other callers. Sessions of the
   * server's token are evicted last. Otherwise an agent could evict them: it may register any number of instances, and
   * log in with each instance's token.
   */
  idsToEvict(): string[] {
    const ids: string[] = [];
    const sessions = [...this.#byId.values()].sort((a, b) => a.lastUsedMs - b.lastUsedMs);
    const counts = new Map<string, number>();
    for (const { row } of sessions) counts.set(row.instance, (counts.get(row.instance) ?? 0) + 1);
    for (let size = sessions.length; size >= SESSIONS_MAX; size -= 1) {
      const most = Math.max(...[...counts].map(([instance, count]) => (instance === "" ? 0 : count)));
      const at = sessions.findIndex(
        ({ row }) => most === 0 || (row.instance !== "" && counts.get(row.instance) === most),
      );
      const [session] = sessions.splice(at, 1);
      if (session === undefined) break;
      counts.set(session.row.instance, (counts.get(session.row.instance) ?? 0) - 1);
      ids.push(session.row.id);
    }
    return ids;
  }

  /** Adds a session that the writer has stored. */
  add(row: SessionRow): Session {
    const session = new Session(row, true);
    this.#byId.set(row.id, session);
    return session;
  }

  /** Applies a change that another node made to a session. `row` is undefined if the session was deleted. */
  applyRemote(id: string, row: SessionRow | undefined): void {
    const known = this.#byId.get(id);
    if (row === undefined) this.remove([id]);
    else if (known === undefined) this.#byId.set(id, new Session(row, false));
    else known.lastUsedMs = Math.max(known.lastUsedMs, row.last_used_at);
  }

  /** Removes sessions that were deleted from the database. */
  remove(ids: readonly string[]): void {
    for (const id of ids) {
      const session = this.#byId.get(id);
      this.#byId.delete(id);
      session?.end("logged out");
    }
  }

  /** Ends the sessions that were opened with an instance's token, because the token is no longer valid. */
  revoke(instance: string): void {
    for (const session of [...this.#byId.values()])
      if (session.row.instance === instance) this.#drop(session, "revoked");
  }

  /** Ends the sessions that have expired by this time. */
  prune(nowMs: number): void {
    for (const session of [...this.#byId.values()])
      if (this.#isExpired(session, nowMs)) this.#drop(session, "logged out");
  }

  /** Takes the ids of expired sessions that are still in the database, at most `most`. */
  takeExpired(most: number): string[] {
    return this.#expired.splice(0, most);
  }

  requeueExpired(ids: readonly string[]): void {
    this.#expired.push(...ids);
  }

  /**
   * Takes the times of use that are not in the database yet. If the caller cannot store them, it must call
   * `requeueUses`.
   */
  takeUses(): UseSessionsRequest["uses"] {
    const uses: UseSessionsRequest["uses"] = [];
    for (const { row, lastUsedMs, unsaved } of this.#byId.values())
      if (unsaved && uses.length < SESSIONS_MAX) uses.push({ id: row.id, last_used_at: lastUsedMs });
    this.#setUnsaved(uses, false);
    return uses;
  }

  requeueUses(uses: UseSessionsRequest["uses"]): void {
    this.#setUnsaved(uses, true);
  }

  #setUnsaved(uses: UseSessionsRequest["uses"], unsaved: boolean): void {
    for (const { id } of uses) {
      const session = this.#byId.get(id);
      if (session !== undefined) session.unsaved = unsaved;
    }
  }

  #isExpired({ row: { instance }, lastUsedMs }: Session, nowMs: number): boolean {
    if (nowMs - lastUsedMs >= SESSION_IDLE_MS) return true;
    return instance !== "" && this.#options.instances.get(instance) === undefined;
  }

  #drop(session: Session, how: AccessEnd): void {
    this.#expired.push(session.row.id);
    this.#byId.delete(session.row.id);
    session.end(how);
  }

  #prove(value: string): Buffer {
    return crypto().createHmac("sha256", value).update(this.#options.token).digest();
  }
}

function idOf(value: string): string {
  return sha256(value, HEX);
}
