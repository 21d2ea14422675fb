/**
 * All sessions in the front's memory: finds the one of a cookie, knows whether it is still good, and who waits for its
 * end. A use changes this memory only; `takeUses` gives those that are not in the database yet, `takeOver` those that
 * are over and still there. Pure but for its state; the database is the writer's.
 */
import { SESSION_COOKIE_BYTES, SESSION_IDLE_MS, SESSIONS_MAX } from "../../schemas/limits.js";
import { DASHBOARD_ACTOR, type UseSessionsRequest } from "../../schemas/sessions.js";
import type { Clock } from "../base/clock.js";
import { crypto } from "../base/crypto.js";
import type { AccessEnd } from "../base/access-end.js";
import type { SessionRow } from "./table.js";

const HEX = "hex";

/** Who acts in a session. */
export interface SessionCaller {
  readonly role: "server" | "instance";
  /** The instance's id, or `dashboard`. */
  readonly actor: string;
}

export interface SessionBookOptions {
  /** The server's token. */
  readonly token: string;
  readonly clock: Clock;
  /** Who is registered. */
  readonly instances: { get(id: string): object | undefined };
}

/** A session that was begun; its value is for the cookie, and nowhere kept. */
export interface NewSession {
  readonly value: string;
  readonly row: SessionRow;
}

export class Session {
  readonly row: SessionRow;
  readonly caller: SessionCaller;
  last_used_ms: number;
  /** The use is not in the database yet. */
  unsaved = false;
  /** Its cookie was seen to belong to the server's token of today. */
  proven: boolean;
  readonly #ends = new Set<(end: AccessEnd) => void>();
  #ended: AccessEnd | null = null;

  constructor(row: SessionRow, proven: boolean) {
    this.row = row;
    this.proven = proven;
    this.last_used_ms = row.last_used_at;
    this.caller =
      row.instance === "" ? { role: "server", actor: DASHBOARD_ACTOR } : { role: "instance", actor: row.instance };
  }

  get ended(): boolean {
    return this.#ended !== null;
  }

  /** Has the listener called when the session ends, at once where it has; gives back what forgets it. */
  onEnd(listener: (end: AccessEnd) => void): () => void {
    if (this.#ended === null) this.#ends.add(listener);
    else listener(this.#ended);
    return () => void this.#ends.delete(listener);
  }

  /** Tells those who wait for its end. */
  end(how: AccessEnd): void {
    this.#ended = how;
    const listeners = [...this.#ends];
    this.#ends.clear();
    for (const listener of listeners) listener(how);
  }
}

export class SessionRegistry {
  readonly #options: SessionBookOptions;
  #by_id = new Map<string, Session>();
  /** Ids of those that are over, and still in the database. */
  #expired: string[] = [];

  constructor(options: SessionBookOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#by_id.size;
  }

  /**
   * Takes what the database holds, at the start and whenever it may hold what nobody was told of. Uses that memory
   * alone knows of are kept, and so is what was proven.
   * @param rows the least recently used first
   */
  load(rows: readonly SessionRow[]): void {
    const before = this.#by_id;
    this.#expired = [];
    this.#by_id = new Map(rows.map((row) => [row.id, before.get(row.id) ?? new Session(row, false)]));
    for (const [id, session] of before) if (!this.#by_id.has(id)) session.end("revoked");
  }

  /**
   * The session of a cookie's value, used by this; undefined where there is none, or it is over. How long the look-up
   * takes tells nothing: it is by a digest, of which a stranger can choose no byte.
   */
  find(value: string): Session | undefined {
    const session = this.#by_id.get(idOf(value));
    if (session === undefined) return undefined;
    session.proven ||= crypto().timingSafeEqual(Buffer.from(session.row.proof, HEX), this.#prove(value));
    const now_ms = this.#options.clock.now();
    if (!session.proven || this.#isExpired(session, now_ms)) {
      this.#drop(session, "logged out");
      return undefined;
    }
    session.last_used_ms = now_ms;
    session.unsaved = true;
    return session;
  }

  /**
   * Makes a session, which counts when it is in the database and `add` was told.
   * @param instance whose token it was; "" for the server's
   */
  begin(instance: string, secure: boolean): NewSession {
    const value = crypto().randomBytes(SESSION_COOKIE_BYTES).toString("base64url");
    const proof = this.#prove(value).toString(HEX);
    return { value, row: { id: idOf(value), proof, instance, secure, last_used_at: this.#options.clock.now() } };
  }

  /** Ids of those that have to go so that there is room for one more: the least recently used. */
  idsToEvict(): string[] {
    const most = this.#by_id.size - SESSIONS_MAX + 1;
    if (most <= 0) return [];
    return [...this.#by_id.values()]
      .sort((a, b) => a.last_used_ms - b.last_used_ms)
      .slice(0, most)
      .map(({ row }) => row.id);
  }

  /** A session that is in the database. */
  add(row: SessionRow): Session {
    const session = new Session(row, true);
    this.#by_id.set(row.id, session);
    return session;
  }

  /** Takes what another server has made of a session: undefined where it is gone. */
  applyRemote(id: string, row: SessionRow | undefined): void {
    const known = this.#by_id.get(id);
    if (row === undefined) this.remove([id]);
    else if (known === undefined) this.#by_id.set(id, new Session(row, false));
    else known.last_used_ms = Math.max(known.last_used_ms, row.last_used_at);
  }

  /** Sessions that are in the database no more. */
  remove(ids: readonly string[]): void {
    for (const id of ids) {
      const session = this.#by_id.get(id);
      this.#by_id.delete(id);
      session?.end("logged out");
    }
  }

  /** Ends the sessions that were opened with the token of an instance: that token has ended. */
  revoke(instance: string): void {
    for (const session of [...this.#by_id.values()])
      if (session.row.instance === instance) this.#drop(session, "revoked");
  }

  /** Ends those that are over by the time. */
  prune(now_ms: number): void {
    for (const session of [...this.#by_id.values()])
      if (this.#isExpired(session, now_ms)) this.#drop(session, "logged out");
  }

  /** Takes the ids of those that are over and still in the database, at most so many. */
  takeExpired(most: number): string[] {
    return this.#expired.splice(0, most);
  }

  requeueExpired(ids: readonly string[]): void {
    this.#expired.push(...ids);
  }

  /** Takes the uses that are not in the database. What could not be stored is given back. */
  takeUses(): UseSessionsRequest["uses"] {
    const uses: UseSessionsRequest["uses"] = [];
    for (const { row, last_used_ms, unsaved } of this.#by_id.values())
      if (unsaved && uses.length < SESSIONS_MAX) uses.push({ id: row.id, last_used_at: last_used_ms });
    this.#setUnsaved(uses, false);
    return uses;
  }

  requeueUses(uses: UseSessionsRequest["uses"]): void {
    this.#setUnsaved(uses, true);
  }

  #setUnsaved(uses: UseSessionsRequest["uses"], unsaved: boolean): void {
    for (const { id } of uses) {
      const session = this.#by_id.get(id);
      if (session !== undefined) session.unsaved = unsaved;
    }
  }

  #isExpired({ row: { instance }, last_used_ms }: Session, now_ms: number): boolean {
    if (now_ms - last_used_ms >= SESSION_IDLE_MS) return true;
    return instance !== "" && this.#options.instances.get(instance) === undefined;
  }

  #drop(session: Session, how: AccessEnd): void {
    this.#expired.push(session.row.id);
    this.#by_id.delete(session.row.id);
    session.end(how);
  }

  #prove(value: string): Buffer {
    return crypto().createHmac("sha256", value).update(this.#options.token).digest();
  }
}

function idOf(value: string): string {
  return crypto().createHash("sha256").update(value).digest(HEX);
}
