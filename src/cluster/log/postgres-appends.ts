/**
 * Appends entries to a log in PostgreSQL. An append is one statement and takes one round trip. The appends run one
 * after the other, on a connection of their own. After a failure, the session decides how to continue. Runs in the
 * writer thread.
 */
import { LogError, type Appended } from "./ordered-log.js";
import { RefusedStatement, type PostgresLink } from "./postgres-link.js";

/**
 * The statement that appends an entry. It locks the row of the log's head until the commit. So ids have no gaps and
 * follow the order of the commits. If a row already exists at the next position, no node has appended it. The statement
 * replaces that row.
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

/** The outcomes of rejected appends. The key is the class of the SQLSTATE, which is its first two characters. */
const REFUSALS: ReadonlyMap<string, Appended> = new Map([
  /** The class "insufficient resources", which usually means a full disk. */
  ["53", "full"],
  /** The class "program limit exceeded". */
  ["54", "too_large"],
]);

interface Waiting {
  readonly bytes: Uint8Array;
  readonly done: (outcome: Appended) => void;
}

export interface AppendsParts {
  /** The name of the log. */
  readonly name: string;
  readonly generation: string;
  /** Called when the log has stored an entry, after the entry's `done`. */
  stored(id: number, bytes: Uint8Array): void;
  /** Called when the session cannot continue. */
  lose(error: LogError): void;
}

/** Makes the error for a log that was created again during a session. The next session opens the new log. */
export function logReplaced(name: string): LogError {
  return new LogError("unreachable", `log ${name} was removed or created again`);
}

export class PostgresAppends {
  readonly #link: PostgresLink;
  readonly #parts: AppendsParts;
  /** The appends that have no outcome yet. The first of them is in flight. The caller limits the number of appends. */
  readonly #waiting: Waiting[] = [];
  #sending = false;
  #ended = false;

  constructor(link: PostgresLink, parts: AppendsParts) {
    this.#link = link;
    this.#parts = parts;
    link.onEnd((error) => parts.lose(error));
    link.endOnWarning();
  }

  append(bytes: Uint8Array, done: (outcome: Appended) => void): void {
    if (this.#ended) return;
    this.#waiting.push({ bytes, done });
    void this.#send();
  }

  /** Drops the appends that have no outcome yet, and does not call their callbacks. */
  end(): void {
    this.#ended = true;
    this.#waiting.length = 0;
  }

  /** Gives the outcome "unknown" to all appends that have no outcome yet. */
  endUnknown(): void {
    this.#ended = true;
    // A callback may close the session, which empties the queue. So take the appends one by one.
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next.done("unknown");
  }

  /** Sends the queued appends, one after the other, until the queue is empty. */
  async #send(): Promise<void> {
    // Another call of this method is running. It will send the new append too.
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

  /** @returns the id of the entry, or the outcome of a rejected append; the error if the outcome is unknown */
  async #ask(bytes: Uint8Array): Promise<number | Appended | LogError> {
    const { name, generation } = this.#parts;
    try {
      const values = [name, generation, bytes];
      const [row] = await this.#link.ask<{ seq: number }>(APPEND, values, { bytes: bytes.byteLength });
      return row?.seq ?? logReplaced(name);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      return (error instanceof RefusedStatement ? REFUSALS.get(error.sqlstate.slice(0, 2)) : undefined) ?? error;
    }
  }
}
