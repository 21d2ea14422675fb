/**
 * Appends to a log in PostgreSQL: one statement and one round trip each, one after the other over a connection of
 * their own. Runs in the writer's thread; what becomes of the session is the session's business.
 */
import { LogError, type Appended } from "./ordered-log.js";
import { RefusedStatement, type PostgresLink } from "./postgres-link.js";

/**
 * The lock on the head's row lasts until the commit: ids have no gaps, and come in the order of the commits. So a row
 * that stands where the next one goes is none that a node has appended: it is replaced.
 */
const APPEND = {
  name: "koor_append",
  text: `
    WITH head AS (
      UPDATE koor.log_head SET seq = seq + 1 WHERE name = $1 AND generation = $2 RETURNING seq
    ), entry AS (
      INSERT INTO koor.log_entry (name, seq, bytes) SELECT $1, seq, $3::bytea FROM head
      ON CONFLICT (name, seq) DO UPDATE SET bytes = EXCLUDED.bytes RETURNING seq
    )
    SELECT seq, pg_notify('koor_log', $1 || ' ' || seq) FROM entry`,
};

/** What an append is answered with where the server refuses it, by the class of the SQLSTATE. */
const REFUSALS: ReadonlyMap<string, Appended> = new Map([
  /** Insufficient resources: a full disk, above all. */
  ["53", "full"],
  /** A limit of the program. */
  ["54", "too_large"],
]);

interface Waiting {
  readonly bytes: Uint8Array;
  readonly done: (outcome: Appended) => void;
}

export interface AppendsParts {
  /** Of the log. */
  readonly name: string;
  readonly generation: string;
  /** An entry is in the log; called after its `done`. */
  stored(id: number, bytes: Uint8Array): void;
  /** The session cannot go on. */
  lose(error: LogError): void;
}

/** The log of a session is not there any more: who opens it again sees what is there instead. */
export function madeAnew(name: string): LogError {
  return new LogError("unreachable", `log ${name} was made anew or removed`);
}

export class PostgresAppends {
  readonly #link: PostgresLink;
  readonly #parts: AppendsParts;
  /** What is not answered; the first is under way. Whoever appends bounds them. */
  readonly #waiting: Waiting[] = [];
  #sending = false;
  #ended = false;

  constructor(link: PostgresLink, parts: AppendsParts) {
    this.#link = link;
    this.#parts = parts;
    link.onEnd((error) => parts.lose(error));
    link.beWary();
  }

  append(bytes: Uint8Array, done: (outcome: Appended) => void): void {
    if (this.#ended) return;
    this.#waiting.push({ bytes, done });
    void this.#send();
  }

  /** Nothing is called any more. */
  end(): void {
    this.#ended = true;
    this.#waiting.length = 0;
  }

  /** Of what is not answered nobody knows. */
  giveUp(): void {
    this.#ended = true;
    // Who is told may close the session, which leaves nothing here.
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next.done("unknown");
  }

  /** Sends what waits, one after the other. */
  async #send(): Promise<void> {
    // Whoever sends already goes on with it.
    if (this.#sending) return;
    this.#sending = true;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const { bytes, done } = next;
      const answer = await this.#ask(bytes);
      if (this.#ended) return;
      if (answer instanceof LogError) {
        this.#parts.lose(answer);
        return;
      }
      this.#waiting.shift();
      done(typeof answer === "number" ? "stored" : answer);
      if (typeof answer === "number") this.#parts.stored(answer, bytes);
    }
    this.#sending = false;
  }

  /** @returns the id; or how it was refused; or why nobody knows */
  async #ask(bytes: Uint8Array): Promise<number | Appended | LogError> {
    const { name, generation } = this.#parts;
    try {
      const values = [name, generation, bytes];
      const [row] = await this.#link.ask<{ seq: number }>(APPEND, values, { bytes: bytes.byteLength });
      return row?.seq ?? madeAnew(name);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      return (error instanceof RefusedStatement ? REFUSALS.get(error.sqlstate.slice(0, 2)) : undefined) ?? error;
    }
  }
}
