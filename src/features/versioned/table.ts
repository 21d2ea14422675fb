/**
 * The SQL that reads a versioned key space. A head is the newest version of a key. Every 64th version of a key has a
 * mark, from which old versions are found fast. store/migrate.ts describes the tables. The front, the pool and the
 * writer use `VersionedReader`. commands.ts has the SQL that changes the tables.
 */
import { VERSION_MARK_INTERVAL } from "../../../schemas/limits/versioned.js";
import { must } from "../../base/assert.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";
import { SPECS, STATE, type Space } from "./space.js";

/** The newest version of a key. `row` is the id of its row in the table of versions. */
export interface Head {
  readonly version: number;
  readonly row: number;
}

/** The properties of a version without its value. `updated_at` is in ms, and `hash` has 32 bytes. */
export interface VersionInfo {
  readonly version: number;
  readonly previous: number;
  readonly hash: Buffer;
  readonly content_type: string;
  readonly updated_at: number;
  readonly updated_by: string;
}

export interface Version extends VersionInfo {
  readonly value: Buffer;
}

/** A key and its newest version. The key may be deleted. */
export interface EveryKey extends Head {
  readonly key: string;
  readonly deleted: 0 | 1;
}

export interface ListedKey {
  readonly key: string;
  readonly version: number;
  readonly content_type: string;
  readonly updated_at: number;
}

const INFO = "version, previous, hash, content_type, updated_at, updated_by";

/**
 * Returns the upper bound of the strings with a prefix. It is the smallest byte string that is greater than all of
 * them.
 */
export function prefixEnd(prefix: string): Buffer {
  const bytes = Buffer.from(prefix, "utf8");
  if (bytes.length === 0) return Buffer.from([0xff]);
  // Incrementing the last byte cannot overflow, because UTF-8 has no byte 0xFF.
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) + 1;
  return bytes;
}

/**
 * Returns the smallest string that starts with `prefix` and sorts after `after`, in the order of UTF-8 bytes. It is a
 * single lower bound for a query. With two bounds, SQLite would seek to one of them and step over all rows that only
 * the other one excludes.
 */
export function listStart(prefix: string, after: string): Buffer {
  const first = Buffer.from(prefix);
  // Pass the bound as bytes, because some SQLite libraries truncate a text at a NUL.
  return after === "" || Buffer.compare(Buffer.from(after), first) < 0 ? first : Buffer.from(`${after}\0`);
}

export class VersionedReader {
  readonly #keep: number;
  readonly #lastRow: Statement<[], number>;
  readonly #head: Statement<[string], Head>;
  readonly #gone: Statement<[string], Head>;
  readonly #current: Statement<[string], Version>;
  readonly #version: Statement<[number], Version>;
  readonly #bytes: Statement<[number], number>;
  readonly #info: Statement<[number], VersionInfo>;
  readonly #previous: Statement<[number], { version: number; previous: number }>;
  readonly #mark: Statement<[string, number], Head>;
  readonly #list: Statement<[Buffer, Buffer, number], ListedKey>;
  readonly #nth: Statement<[Buffer, Buffer, number], unknown>;
  readonly #count: Statement<[], number>;
  readonly #countPrefix: Statement<[string, Buffer], number>;
  readonly #every: Statement<[], EveryKey>;
  readonly #nextMark: Statement<[string, number], Head>;
  readonly #afterPrefix: Statement<[Buffer], string>;

  /** @param keep the number of readable versions of a key; 0 means that all versions are readable */
  constructor(
    db: Db,
    readonly space: Space,
    keep: number,
  ) {
    const { name } = space;
    this.#keep = keep;
    this.#lastRow = db.prepare<[], number>(`SELECT coalesce(max(id), 0) FROM ${name}_version`).pluck();
    this.#head = db.prepare(`SELECT version, row FROM ${name}_head WHERE key = ?`);
    this.#gone = db.prepare(`SELECT version, row FROM ${name}_gone WHERE key = ?`);
    this.#current = db.prepare(`SELECT v.* FROM ${name}_head h JOIN ${name}_version v ON v.id = h.row WHERE h.key = ?`);
    this.#version = db.prepare(`SELECT ${INFO}, value FROM ${name}_version WHERE id = ?`);
    // SQLite reads the length from the header of the row, so it does not read the value.
    this.#bytes = db.prepare<[number], number>(`SELECT length(value) FROM ${name}_version WHERE id = ?`).pluck();
    this.#info = db.prepare(`SELECT ${INFO} FROM ${name}_version WHERE id = ?`);
    this.#previous = db.prepare(`SELECT version, previous FROM ${name}_version WHERE id = ?`);
    this.#mark = db.prepare(
      `SELECT version, row FROM ${name}_mark WHERE key = ? AND version >= ? ORDER BY version LIMIT 1`,
    );
    this.#list = db.prepare(
      `SELECT h.key AS key, h.version AS version, v.content_type AS content_type, v.updated_at AS updated_at
       FROM ${name}_head h JOIN ${name}_version v ON v.id = h.row
       WHERE h.key >= CAST(? AS TEXT) AND h.key < CAST(? AS TEXT) ORDER BY h.key LIMIT ?`,
    );
    this.#nth = db.prepare(
      `SELECT 1 FROM ${name}_head WHERE key >= CAST(? AS TEXT) AND key < CAST(? AS TEXT)
       ORDER BY key LIMIT 1 OFFSET ?`,
    );
    this.#count = db.prepare<[], number>(`SELECT count(*) FROM ${name}_head`).pluck();
    this.#countPrefix = db
      .prepare<[string, Buffer], number>(`SELECT count(*) FROM ${name}_head WHERE key >= ? AND key < CAST(? AS TEXT)`)
      .pluck();
    this.#every = db.prepare(
      `SELECT key, version, row, 0 AS deleted FROM ${name}_head
       UNION ALL SELECT key, version, row, 1 FROM ${name}_gone ORDER BY key`,
    );
    this.#nextMark = db.prepare(
      `SELECT version, row FROM ${name}_mark WHERE key = ? AND version > ? ORDER BY version LIMIT 1`,
    );
    this.#afterPrefix = db
      .prepare<[Buffer], string>(`SELECT key FROM ${name}_head WHERE key >= CAST(? AS TEXT) ORDER BY key LIMIT 1`)
      .pluck();
  }

  /** The id of the newest row in the table of versions, for all keys together; 0 if there is none. */
  get lastRow(): number {
    return this.#lastRow.get() ?? 0;
  }

  /** Returns the newest version of a key; undefined if the key never existed or is deleted. */
  head(key: string): Head | undefined {
    return this.#head.get(key);
  }

  /** Returns the last version of a deleted key; undefined if the key is not deleted. */
  gone(key: string): Head | undefined {
    return this.#gone.get(key);
  }

  /** Returns the newest version of a key with its value; undefined if the key never existed or is deleted. */
  current(key: string): Version | undefined {
    return this.#current.get(key);
  }

  /** Returns a version by its row. */
  info(row: number): VersionInfo | undefined {
    return this.#info.get(row);
  }

  /**
   * Returns version `number` of a key, even if the key is deleted. Returns undefined if there never was such a version,
   * or if it is no longer readable.
   */
  version(key: string, number: number): Version | undefined {
    const row = this.#rowOf(key, number);
    return row === undefined ? undefined : this.#version.get(row);
  }

  /**
   * Returns the size in bytes of version `number` of a key. Does not read the value. Returns 0 if there is no such
   * version.
   */
  bytes(key: string, number: number): number {
    const row = this.#rowOf(key, number);
    return (row === undefined ? undefined : this.#bytes.get(row)) ?? 0;
  }

  #rowOf(key: string, number: number): number | undefined {
    const head = this.head(key) ?? this.gone(key);
    if (head === undefined || number > head.version || number < this.#oldest(head)) return undefined;
    const mark = this.#mark.get(key, number);
    let row = mark !== undefined && mark.version < head.version ? mark.row : head.row;
    for (let steps = 0; steps <= VERSION_MARK_INTERVAL; steps++) {
      const link = this.#previous.get(row);
      if (link === undefined) return undefined;
      if (link.version === number) return row;
      row = link.previous;
    }
    return undefined;
  }

  /** Returns up to `limit` versions of a key, newest first. Returns undefined if the key never existed. */
  history(key: string, limit: number): VersionInfo[] | undefined {
    const head = this.head(key) ?? this.gone(key);
    if (head === undefined) return undefined;
    const oldest = this.#oldest(head);
    const versions: VersionInfo[] = [];
    for (let row = head.row; versions.length < limit; ) {
      const info = this.#info.get(row);
      if (info === undefined || info.version < oldest) break;
      versions.push(info);
      row = info.previous;
    }
    return versions;
  }

  /** Iterates over all keys, including deleted ones, in the order of their bytes. */
  everyKey(): IterableIterator<EveryKey> {
    return this.#every.iterate();
  }

  /**
   * Yields all readable versions of a key, oldest first. Each version links only to the previous one. So the row ids of
   * up to VERSION_MARK_INTERVAL versions are collected first, from new to old, and then yielded in reverse.
   */
  *versions(head: EveryKey): Generator<Version, void, undefined> {
    for (let newest = Math.max(0, this.#oldest(head) - 1); newest < head.version; ) {
      const mark = this.#nextMark.get(head.key, newest);
      const end = mark !== undefined && mark.version < head.version ? mark : head;
      const rows: number[] = [];
      for (let row = end.row; row !== 0; ) {
        const link = this.#previous.get(row);
        if (link === undefined || link.version <= newest) break;
        rows.push(row);
        row = link.previous;
      }
      for (const row of rows.toReversed()) yield must(this.#version.get(row), "a row that was just seen is there");
      newest = end.version;
    }
  }

  /**
   * Returns the existing keys that start with `prefix` and sort after `after`, in the order of their bytes. Returns at
   * most `limit` keys.
   */
  list(prefix: string, after: string, limit: number): ListedKey[] {
    return this.#list.all(listStart(prefix, after), prefixEnd(prefix), limit);
  }

  /**
   * Returns whether more than `rows` existing keys start with `prefix` and sort after `after`. SQLite examines at most
   * `rows` + 1 keys.
   */
  listExceeds(prefix: string, after: string, rows: number): boolean {
    return this.#nth.get(listStart(prefix, after), prefixEnd(prefix), rows) !== undefined;
  }

  /** Returns the number of existing keys that start with `prefix`. */
  countPrefix(prefix: string): number {
    return this.#countPrefix.get(prefix, prefixEnd(prefix)) ?? 0;
  }

  /** Returns the first existing key that sorts after all keys with the prefix `prefix`. */
  afterPrefix(prefix: string): string | undefined {
    return this.#afterPrefix.get(prefixEnd(prefix));
  }

  /** Returns the number of existing keys. */
  count(): number {
    return this.#count.get() ?? 0;
  }

  #oldest(head: Head): number {
    return this.#keep === 0 ? 1 : head.version - this.#keep + 1;
  }
}

/** Returns the model with which any thread reads a space. */
export function versionedReader(space: Space): Model<VersionedReader> {
  return { open: ({ db, settings }) => new VersionedReader(db, space, settings.state_history) };
}

export const stateReader = versionedReader(STATE);
export const specReader = versionedReader(SPECS);
