/** The SQL of sessions. The writer changes the rows, and the front loads them. */
import type { OpenSessionRequest, UseSessionsRequest } from "../../../schemas/sessions.js";
import type { Db, Statement } from "../../platform/store/open.js";
import { type Model, type Publication, PublishingModel } from "../../platform/threads/model.js";
import { SESSIONS } from "./push-messages.js";

/** A stored session. Hashes are lowercase hexadecimal text. Times are in ms. */
export interface SessionRow {
  /** The SHA-256 of the cookie's value. */
  readonly id: string;
  /**
   * The HMAC-SHA256 of the server's token, with the cookie's value as the key. It shows whether the token is still the
   * same.
   */
  readonly proof: string;
  /** The id of the instance whose token opened the session; "" for the server's token. */
  readonly instance: string;
  /** True if the browser sends the cookie only over https. */
  readonly secure: boolean;
  readonly last_used_at: number;
}

interface StoredSession extends Omit<SessionRow, "id" | "proof" | "secure"> {
  readonly id: Buffer;
  readonly proof: Buffer;
  readonly secure: number;
}

const HEX = "hex";

/** Reads all sessions for the front, which keeps them in memory. */
export class SessionReader {
  readonly #all: Statement<[], StoredSession>;
  readonly #one: Statement<[Buffer], StoredSession>;

  constructor(db: Db) {
    const select = "SELECT id, proof, instance, secure, last_used_at FROM session";
    this.#all = db.prepare(`${select} ORDER BY last_used_at, id`);
    this.#one = db.prepare(`${select} WHERE id = ?`);
  }

  /** Lists all sessions, the least recently used first. */
  all(): SessionRow[] {
    return this.#all.all().map(sessionOf);
  }

  byId(id: string): SessionRow | undefined {
    const stored = this.#one.get(Buffer.from(id, HEX));
    return stored === undefined ? undefined : sessionOf(stored);
  }
}

function sessionOf(stored: StoredSession): SessionRow {
  return {
    ...stored,
    id: stored.id.toString(HEX),
    proof: stored.proof.toString(HEX),
    secure: stored.secure !== 0,
  };
}

export const sessionReader: Model<SessionReader> = { open: ({ db }) => new SessionReader(db) };

export class SessionWriter extends PublishingModel {
  /**
   * The ids of the sessions that this transaction has opened, used or ended. The writer pushes them to the front. The
   * front needs them if the call came from another node.
   */
  readonly #changed = new Set<string>();
  readonly #insert: Statement<[Buffer, Buffer, string, number, number, number], unknown>;
  readonly #use: Statement<[number, Buffer], unknown>;
  readonly #delete: Statement<[Buffer], unknown>;

  constructor(db: Db) {
    super();
    // Replace a row with the same id. Ids are random, so the row can only be an earlier copy of the same session.
    this.#insert = db.prepare("INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?, ?, ?)");
    this.#use = db.prepare("UPDATE session SET last_used_at = max(last_used_at, ?) WHERE id = ?");
    this.#delete = db.prepare("DELETE FROM session WHERE id = ?");
  }

  open({ id, proof, instance, secure, ends }: OpenSessionRequest, nowMs: number): void {
    this.end(ends);
    this.#touch(id);
    this.#insert.run(Buffer.from(id, HEX), Buffer.from(proof, HEX), instance, secure ? 1 : 0, nowMs, nowMs);
  }

  /** Deletes sessions. Ids without a session have no effect. */
  end(ids: readonly string[]): void {
    for (const id of ids) {
      this.#touch(id);
      this.#delete.run(Buffer.from(id, HEX));
    }
  }

  use({ uses }: UseSessionsRequest): void {
    for (const { id, last_used_at } of uses) {
      this.#touch(id);
      this.#use.run(last_used_at, Buffer.from(id, HEX));
    }
  }

  reload(): void {
    this.#changed.clear();
  }

  afterCommit({ isReplicated, push }: Publication): void {
    if (this.#changed.size === 0) return;
    if (isReplicated) push(SESSIONS, { changed: [...this.#changed] });
    this.#changed.clear();
  }

  #touch(id: string): void {
    this.#changed.add(id);
    this.markDirty();
  }
}

export const sessionWriter: Model<SessionWriter> = { open: ({ db }) => new SessionWriter(db) };
