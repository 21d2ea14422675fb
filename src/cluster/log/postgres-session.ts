/**
 * Implements a session with a log in PostgreSQL. One connection appends entries. Another connection listens for
 * notifications and fetches entries, so that neither task waits for the other. A third connection is opened when a rare
 * request, such as a trim, first needs it. Runs in the writer thread.
 *
 * An entry that this session has appended is usually the next entry to deliver. It is then delivered without a fetch,
 * as soon as its append is answered. Other entries are fetched after a notification, or at the next probe. Any error
 * ends the session. The next session reads the state of the log again.
 */
import {
  POSTGRES_PAGE_BYTES,
  POSTGRES_PAGE_ROWS,
  POSTGRES_PROBE_INTERVAL_MS,
  POSTGRES_PROBE_MS_MAX,
  POSTGRES_TRIM_BYTES,
  POSTGRES_TRIM_ROWS,
} from "../../../schemas/limits/ordered-log.js";
import { LogError, type Appended, type LogListener, type LogSession, type LogStatus } from "./ordered-log.js";
import { logReplaced, PostgresAppends } from "./postgres-appends.js";
import type { Notification, PostgresLink } from "./postgres-link.js";

/**
 * All logs of a database share one notification channel, because a statement parameter cannot be the name of a channel.
 * The payload contains the log's name.
 */
export const LISTEN = { text: "LISTEN koor_log" };

/**
 * Fetches the log's head and the entries after $2: at most $3 entries and $4 bytes. The result always includes the
 * first entry, but at most $4 bytes of it. If there is no entry, the result is one row with only the head. The
 * statement skips rows after the head, because no node has appended them.
 */
const FETCH = {
  name: "koor_fetch",
  text: `
    SELECT head.generation, head.seq AS last, page.seq, page.size, page.bytes
    FROM koor.log_head AS head
    LEFT JOIN LATERAL (
      SELECT seq, size, substring(bytes FROM 1 FOR $4::int) AS bytes
      FROM (
        SELECT seq, bytes, octet_length(bytes) AS size, sum(octet_length(bytes)) OVER (ORDER BY seq) AS through
        FROM (
          SELECT seq, bytes FROM koor.log_entry
          WHERE name = $1 AND seq > $2::bigint AND seq <= head.seq ORDER BY seq LIMIT $3::bigint
        ) AS next
      ) AS sized
      WHERE through <= $4::int OR through = size
      ORDER BY seq
    ) AS page ON true
    WHERE head.name = $1`,
};

/** Reads at most $5 bytes of an entry, beginning with byte $4. Bytes are numbered from 1. */
const READ = {
  name: "koor_read",
  text: `
    SELECT octet_length(bytes) AS size, substring(bytes FROM $4::int FOR $5::int) AS bytes
    FROM koor.log_entry
    WHERE name = $1 AND seq = $3::bigint
      AND EXISTS (SELECT FROM koor.log_head WHERE name = $1 AND generation = $2)`,
};

/**
 * Deletes the oldest entries, up to id $3. One call deletes at most $4 entries and $5 bytes, but at least one entry.
 */
const TRIM = {
  name: "koor_trim",
  text: `
    WITH gone AS (
      DELETE FROM koor.log_entry
      WHERE name = $1 AND EXISTS (SELECT FROM koor.log_head WHERE name = $1 AND generation = $2) AND seq <= (
        SELECT max(seq)
        FROM (
          SELECT seq, octet_length(bytes) AS size, sum(octet_length(bytes)) OVER (ORDER BY seq) AS through
          FROM (
            SELECT seq, bytes FROM koor.log_entry
            WHERE name = $1 AND seq <= $3::bigint ORDER BY seq LIMIT $4::bigint
          ) AS oldest
        ) AS sized
        WHERE through <= $5::int OR through = size
      )
      RETURNING seq
    )
    SELECT count(*) AS gone FROM gone`,
};

interface HeadRow {
  readonly generation: string;
  readonly last: number;
}

interface EntryRow extends HeadRow {
  readonly seq: number;
  readonly size: number;
  readonly bytes: Buffer;
}

/** A row that FETCH returns. If there is no entry, the row has only the head. */
type PageRow = EntryRow | (HeadRow & { readonly seq: null });

interface PartRow {
  readonly size: number;
  readonly bytes: Buffer;
}

export interface SessionParts {
  readonly name: string;
  readonly status: LogStatus;
  readonly listener: LogListener;
  readonly appending: PostgresLink;
  /** The id of the server process that runs this session's appends. A notification of such an append contains it. */
  readonly appendingPid: number;
  /** The connection that listens for notifications and fetches entries. */
  readonly following: PostgresLink;
  /** Opens another connection to the same server. */
  readonly connect: () => Promise<PostgresLink>;
}

export class PostgresSession implements LogSession {
  readonly status: LogStatus;
  /**
   * This engine has no channel between nodes. NOTIFY could carry messages, but a notification holds at most 8000 bytes,
   * and its commit takes a global lock. So a message would cost as much as an append.
   */
  readonly channel = null;
  readonly #parts: SessionParts;
  readonly #probe: NodeJS.Timeout;
  readonly #appends: PostgresAppends;
  #rare: Promise<PostgresLink> | null = null;
  /** Whether the session has ended. */
  #ended = false;
  /** Whether `close` was called. After it, the listener is not called any more. */
  #closed = false;
  #following = false;
  #fetching = false;
  #delivered = 0;
  /** The newest id that the log is known to have. */
  #known: number;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.status = parts.status;
    this.#known = parts.status.last;
    const lose = (error: LogError): void => this.#lose(error);
    this.#appends = new PostgresAppends(parts.appending, {
      name: parts.name,
      generation: parts.status.generation,
      stored: (id, bytes) => this.#onStored(id, bytes),
      lose,
    });
    parts.following.onEnd(lose);
    parts.following.onNotification((notice) => this.#onNotification(notice));
    this.#probe = setInterval(() => void this.#fetch(), POSTGRES_PROBE_INTERVAL_MS);
  }

  async read(id: number): Promise<Uint8Array | null> {
    const link = await this.#rareLink();
    return this.#endOnError(this.#readParts(link, id, null));
  }

  follow(after: number): void {
    this.#following = true;
    this.#delivered = after;
    void this.#fetch();
  }

  pause(): void {
    this.#following = false;
  }

  resume(): void {
    this.#following = true;
    void this.#fetch();
  }

  append(bytes: Uint8Array, done: (outcome: Appended) => void): void {
    this.#appends.append(bytes, done);
  }

  check(): Promise<readonly string[]> {
    return Promise.resolve(this.status.warnings);
  }

  async trim(through: number): Promise<void> {
    const { name, status } = this.#parts;
    const link = await this.#rareLink();
    for (;;) {
      const values = [name, status.generation, through, POSTGRES_TRIM_ROWS, POSTGRES_TRIM_BYTES];
      const [row] = await this.#endOnError(link.ask<{ gone: number }>(TRIM, values));
      if (row === undefined || row.gone === 0) return;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#end();
    this.#appends.end();
    const rare = await this.#rare?.catch(() => null);
    await Promise.all([this.#parts.appending.close(), this.#parts.following.close(), rare?.close()]);
  }

  /** Handles an entry that this session has appended to the log. Delivers it if it is the next entry to deliver. */
  #onStored(id: number, bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#known = Math.max(this.#known, id);
    if (!this.#following) return;
    if (id === this.#delivered + 1) this.#deliver(id, bytes);
    else if (id > this.#delivered) void this.#fetch();
  }

  /** Handles the server's notification of a new entry. */
  #onNotification({ payload, pid }: Notification): void {
    const [name, seq] = payload.split(" ");
    if (this.#ended || name !== this.#parts.name) return;
    const id = Number(seq);
    this.#known = Math.max(this.#known, id);
    // Do not fetch an entry of this session if it is the next entry to deliver. It is delivered when its append is
    // answered.
    const isOwn = pid === this.#parts.appendingPid && id === this.#delivered + 1;
    if (this.#following && id > this.#delivered && !isOwn) void this.#fetch();
  }

  /**
   * Fetches entries until all known entries are delivered. Before `follow` is called, it fetches only the head, to
   * check that it is still the same log.
   */
  async #fetch(): Promise<void> {
    // A fetch that already runs continues until all known entries are delivered.
    if (this.#fetching || this.#ended) return;
    this.#fetching = true;
    const { following, name } = this.#parts;
    do {
      const after = this.#delivered;
      const rowsMax = this.#following ? POSTGRES_PAGE_ROWS : 0;
      const page = await this.#attempt(
        following.ask<PageRow>(FETCH, [name, after, rowsMax, POSTGRES_PAGE_BYTES], {
          answerMsMax: POSTGRES_PROBE_MS_MAX,
        }),
      );
      if (page === null || this.#ended) return;
      const [head] = page;
      if (head === undefined || head.generation !== this.status.generation) {
        this.#lose(logReplaced(name));
        return;
      }
      if (head.last < after) {
        this.#lose(
          new LogError(
            "unreachable",
            `log ${name} ends at ${head.last}: it lacks entries up to ${after}, which it had`,
          ),
        );
        return;
      }
      this.#known = Math.max(this.#known, head.last);
      if (rowsMax > 0) await this.#take(page, after);
    } while (!this.#ended && this.#following && this.#known > this.#delivered);
    this.#fetching = false;
  }

  /** Delivers a page of fetched entries. Skips an entry that was delivered meanwhile, when its append was answered. */
  async #take(page: readonly PageRow[], after: number): Promise<void> {
    let expected = after + 1;
    for (const row of page) {
      if (this.#ended || !this.#following) return;
      if (row.seq === null ? row.last > after : row.seq !== expected) {
        this.#lose(new LogError("unreachable", `entry ${expected} is no longer in log ${this.#parts.name}`));
        return;
      }
      expected += 1;
      if (row.seq === null || row.seq <= this.#delivered) continue;
      const bytes = await this.#complete(row);
      if (bytes === null || !this.#following) return;
      if (row.seq > this.#delivered) this.#deliver(row.seq, bytes);
    }
  }

  /** Reads the rest of an entry if the page has only its beginning. Returns null if the session has ended. */
  async #complete({ seq, size, bytes }: EntryRow): Promise<Buffer | null> {
    if (bytes.byteLength === size) return bytes;
    const whole = await this.#attempt(this.#readParts(this.#parts.following, seq, bytes));
    if (this.#ended) return null;
    if (whole === null) this.#lose(new LogError("unreachable", `entry ${seq} was trimmed while it was read`));
    return whole;
  }

  #deliver(id: number, bytes: Uint8Array): void {
    this.#delivered = id;
    this.#parts.listener.entry(id, bytes, this.#known);
  }

  /**
   * Reads an entry part by part.
   * @param begun the beginning of the entry, if it is known already
   * @returns null if there is no such entry
   */
  async #readParts(link: PostgresLink, id: number, begun: Buffer | null): Promise<Buffer | null> {
    const { name, status } = this.#parts;
    const parts = begun === null ? [] : [begun];
    let length = begun?.byteLength ?? 0;
    for (;;) {
      const values = [name, status.generation, id, length + 1, POSTGRES_PAGE_BYTES];
      const [part] = await link.ask<PartRow>(READ, values);
      if (part === undefined) return null;
      parts.push(part.bytes);
      length += part.bytes.byteLength;
      if (length >= part.size) return parts.length === 1 ? part.bytes : Buffer.concat(parts, length);
    }
  }

  /** Returns the connection for rare requests, and opens it at the first call. */
  async #rareLink(): Promise<PostgresLink> {
    if (this.#ended) throw new LogError("unreachable", `the session with log ${this.#parts.name} has ended`);
    this.#rare ??= this.#parts.connect().then((link) => {
      link.onEnd((error) => this.#lose(error));
      return link;
    });
    return this.#endOnError(this.#rare);
  }

  /** Waits for an answer. If it fails, ends the session and throws the error. */
  async #endOnError<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof LogError) this.#lose(error);
      throw error;
    }
  }

  /** Waits for an answer. If it fails, ends the session and returns null. */
  async #attempt<T>(answer: Promise<T>): Promise<T | null> {
    try {
      return await answer;
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      this.#lose(error);
      return null;
    }
  }

  #end(): void {
    this.#ended = true;
    clearInterval(this.#probe);
  }

  #lose(error: LogError): void {
    if (this.#ended) return;
    this.#end();
    // A callback that gets the outcome "unknown" may close the session. In that case `lost` must not be called.
    this.#appends.endUnknown();
    if (this.#closed) return;
    void this.close();
    this.#parts.listener.lost(error);
  }
}
