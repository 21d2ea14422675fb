/**
 * Stores snapshots next to a log in PostgreSQL, in pieces of half a MiB. Each method opens a connection of its own. A
 * snapshot is complete once its hash is stored. Only complete snapshots are listed. Runs in the snapshot thread.
 *
 * Each piece is stored in a transaction of its own. Each append makes a new version of the log's head row, and one long
 * transaction would keep the server from vacuuming the old versions.
 *
 * A call of `put` holds an advisory lock for its snapshot while it is connected. So the next `put` recognizes the
 * snapshots of aborted calls, and deletes their pieces.
 */
import { POSTGRES_SNAPSHOT_PIECE_BYTES, POSTGRES_SNAPSHOT_SWEEP_PIECES } from "../../../schemas/limits/ordered-log.js";
import { must } from "../../base/assert.js";
import { crypto } from "../../base/crypto.js";
import { LogError, type SnapshotInfo, type SnapshotStore } from "./ordered-log.js";
import type { PostgresTarget } from "./postgres-address.js";
import type { PostgresLink } from "./postgres-link.js";
import { connectToServer } from "./postgres-server.js";
import { tablesExist } from "./postgres-tables.js";

/**
 * Lists the complete snapshots. If two calls of `put` have completed a snapshot of the same position, the later
 * snapshot is listed.
 */
const LIST = {
  text: `
    SELECT DISTINCT ON (position) id, position, generation, size AS bytes, encode(sha256, 'hex') AS sha256
    FROM koor.snapshot WHERE name = $1 AND sha256 IS NOT NULL ORDER BY position, id DESC`,
};

/**
 * Begins a `put` and takes its advisory lock. The lock's first number distinguishes it from the locks of other programs
 * in the database.
 */
const BEGIN_PUT = {
  text: `
    INSERT INTO koor.snapshot (name, position, generation) VALUES ($1, $2::bigint, $3)
    RETURNING id, pg_advisory_lock(1802465139, id::int)`,
};

const PUT_PIECE = {
  name: "koor_put_piece",
  text: "INSERT INTO koor.snapshot_piece (snapshot, place, bytes) VALUES ($1::bigint, $2::bigint, $3::bytea)",
};

/**
 * Completes a `put`, and replaces an earlier snapshot of the same position. One statement does both, so that the
 * replacement is atomic. Returns no row if the log was created again meanwhile.
 */
const END_PUT = {
  text: `
    WITH replaced AS (
      UPDATE koor.snapshot SET sha256 = NULL
      WHERE name = $2 AND id <> $1::bigint AND sha256 IS NOT NULL
        AND position = (SELECT position FROM koor.snapshot WHERE id = $1::bigint)
    )
    UPDATE koor.snapshot SET size = $3::bigint, sha256 = $4::bytea WHERE id = $1::bigint RETURNING id`,
};

const GET_PIECE = {
  name: "koor_get_piece",
  text: "SELECT bytes FROM koor.snapshot_piece WHERE snapshot = $1::bigint AND place = $2::bigint",
};

const UNLIST = {
  text: "UPDATE koor.snapshot SET sha256 = NULL WHERE name = $1 AND position = $2::bigint AND sha256 IS NOT NULL",
};

const LIST_CUT_OFF = { text: "SELECT id FROM koor.snapshot WHERE name = $1 AND sha256 IS NULL" };

/** Tries to take the lock of a `put`. This succeeds only if that `put` is not running. */
const IS_ABANDONED = { text: "SELECT pg_try_advisory_xact_lock(1802465139, $1::int) AS abandoned" };

const SWEEP_PIECES = {
  text: `
    WITH gone AS (
      DELETE FROM koor.snapshot_piece WHERE snapshot = $1::bigint AND place IN (
        SELECT place FROM koor.snapshot_piece WHERE snapshot = $1::bigint ORDER BY place LIMIT $2::bigint
      )
      RETURNING place
    )
    SELECT count(*) AS gone FROM gone`,
};

const SWEEP = { text: "DELETE FROM koor.snapshot WHERE id = $1::bigint AND sha256 IS NULL" };

interface ListedRow extends SnapshotInfo {
  readonly id: number;
  /** The SHA-256 of the snapshot's bytes, in hexadecimal digits. */
  readonly sha256: string;
}

/** Cuts bytes into pieces of one length. The last piece may be shorter. */
async function* cutIntoPieces(chunks: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Buffer> {
  let piece = Buffer.allocUnsafe(length);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength; ) {
      const part = chunk.subarray(at, at + length - filled);
      piece.set(part, filled);
      filled += part.byteLength;
      at += part.byteLength;
      if (filled < length) continue;
      yield piece;
      piece = Buffer.allocUnsafe(length);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}

/**
 * Deletes the pieces of snapshots that are neither listed nor being stored. They belong to snapshots that were
 * replaced, removed or aborted.
 */
async function sweep(link: PostgresLink, name: string): Promise<void> {
  for (const { id } of await link.ask<{ id: number }>(LIST_CUT_OFF, [name])) {
    const [lock] = await link.ask<{ abandoned: boolean }>(IS_ABANDONED, [id]);
    if (lock?.abandoned !== true) continue;
    for (let gone = 1; gone > 0; ) {
      const [row] = await link.ask<{ gone: number }>(SWEEP_PIECES, [id, POSTGRES_SNAPSHOT_SWEEP_PIECES]);
      gone = row?.gone ?? 0;
    }
    await link.ask(SWEEP, [id]);
  }
}

export class PostgresSnapshots implements SnapshotStore {
  readonly #target: PostgresTarget;
  readonly #name: string;
  /** The open connections. */
  readonly #links = new Set<PostgresLink>();
  /**
   * How often `close` was called. While a method connects, it compares this count with an earlier value, to notice that
   * it was aborted.
   */
  #closings = 0;

  constructor(target: PostgresTarget, name: string) {
    this.#target = target;
    this.#name = name;
  }

  async list(): Promise<readonly SnapshotInfo[]> {
    return this.#connected(async (link) => {
      const rows = await this.#listRows(link);
      return rows.map(({ position, generation, bytes }) => ({ position, generation, bytes }));
    });
  }

  put(info: Pick<SnapshotInfo, "position" | "generation">, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#connected(async (link) => {
      if (!(await tablesExist(link)))
        throw new LogError("foreign", `there is no log ${this.#name} next to which a snapshot could be stored`);
      await sweep(link, this.#name);
      const [begun] = await link.ask<{ id: number }>(BEGIN_PUT, [this.#name, info.position, info.generation]);
      const { id } = must(begun, "one row");
      const hash = crypto().createHash("sha256");
      let bytes = 0;
      let place = 0;
      for await (const piece of cutIntoPieces(chunks, POSTGRES_SNAPSHOT_PIECE_BYTES)) {
        hash.update(piece);
        bytes += piece.byteLength;
        await link.ask(PUT_PIECE, [id, place, piece], { bytes: piece.byteLength });
        place += 1;
      }
      const ended = await link.ask(END_PUT, [id, this.#name, bytes, hash.digest()]);
      if (ended.length === 0)
        throw new LogError("unreachable", `log ${this.#name} was created again while a snapshot was stored`);
      // Delete the pieces of the snapshot that the new snapshot has replaced.
      await sweep(link, this.#name);
    });
  }

  async *get(info: SnapshotInfo): AsyncGenerator<Uint8Array> {
    const link = await this.#connect();
    try {
      const row = (await this.#listRows(link)).find(
        ({ position, generation }) => position === info.position && generation === info.generation,
      );
      const what = `the snapshot at ${info.position} of log ${this.#name}`;
      // Another length means that another snapshot of the same position has replaced the listed one.
      if (row?.bytes !== info.bytes) throw new LogError("unreachable", `${what} no longer exists`);
      const hash = crypto().createHash("sha256");
      let length = 0;
      for (let place = 0; length < row.bytes; place += 1) {
        const [piece] = await link.ask<{ bytes: Buffer }>(GET_PIECE, [row.id, place]);
        if (piece === undefined || piece.bytes.byteLength === 0) throw await this.#missing(link, row, what);
        hash.update(piece.bytes);
        length += piece.bytes.byteLength;
        yield piece.bytes;
      }
      if (length !== row.bytes || hash.digest("hex") !== row.sha256)
        throw new LogError("foreign", `${what} is not what was stored: its SHA-256 differs`);
    } finally {
      await this.#release(link);
    }
  }

  remove(position: number): Promise<void> {
    return this.#connected(async (link) => {
      if (!(await tablesExist(link))) return;
      await link.ask(UNLIST, [this.#name, position]);
      await sweep(link, this.#name);
    });
  }

  async close(): Promise<void> {
    this.#closings += 1;
    await Promise.all([...this.#links].map((link) => link.close()));
  }

  async #listRows(link: PostgresLink): Promise<ListedRow[]> {
    return (await tablesExist(link)) ? link.ask<ListedRow>(LIST, [this.#name]) : [];
  }

  /** Finds out why a piece is missing. The snapshot may have been replaced or removed while it was read. */
  async #missing(link: PostgresLink, { id }: ListedRow, what: string): Promise<LogError> {
    const isListed = (await this.#listRows(link)).some((row) => row.id === id);
    return isListed
      ? new LogError("foreign", `${what} is not what was stored: a piece of it is missing`)
      : new LogError("unreachable", `${what} no longer exists`);
  }

  /**
   * Connects to the server.
   * @throws LogError, also if the store was closed meanwhile
   */
  async #connect(): Promise<PostgresLink> {
    const closings = this.#closings;
    const { link } = await connectToServer(this.#target);
    this.#links.add(link);
    if (closings === this.#closings) return link;
    await this.#release(link);
    throw await link.closed;
  }

  async #release(link: PostgresLink): Promise<void> {
    this.#links.delete(link);
    await link.close();
  }

  async #connected<T>(use: (link: PostgresLink) => Promise<T>): Promise<T> {
    const link = await this.#connect();
    try {
      // Watch for the end of the connection here. `use` may be waiting for the next chunk, and would not notice that
      // the connection has ended.
      return await Promise.race([use(link), endOf(link)]);
    } finally {
      await this.#release(link);
    }
  }
}

async function endOf(link: PostgresLink): Promise<never> {
  throw await link.closed;
}
