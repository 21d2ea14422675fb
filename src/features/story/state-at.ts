/**
 * Finds the version that each key had at a past time. Each version is stored with its time. The deletions of keys are
 * in the audit log, which is never pruned. Runs in the worker pool.
 */
import { STORY_KEYS_TOGETHER, STORY_KEYS_TOGETHER_MAX } from "../../../schemas/limits/story.js";
import { VERSION_MARK_INTERVAL } from "../../../schemas/limits/versioned.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";
import { listEntries } from "../audit/table.js";
import { type EveryKey, type Head, listStart, prefixEnd, type VersionInfo } from "../versioned/table.js";

/**
 * A key at a past time, with the version that it had then. If that version is no longer kept, `info` is null, and
 * `keptSinceMs` is the time of the oldest version that is kept.
 */
export interface KeyAt {
  readonly key: string;
  readonly info: VersionInfo | null;
  readonly keptSinceMs: number | null;
}

/**
 * A key with its newest version at the past time. If `mayBeDeleted`, the key may have been deleted after that version
 * and before the past time.
 */
interface Candidate extends KeyAt {
  readonly mayBeDeleted: boolean;
}

const DELETE = "state.delete";
const WRITES = new Set([DELETE, "state.put", "state.rollback"]);
const EVERY_ENTRY = { actor: null, before: null, limit: Number.MAX_SAFE_INTEGER };

export class StateHistory {
  readonly #db: Db;
  readonly #keep: number;
  readonly #keys: Statement<[Buffer, Buffer, Buffer, Buffer, number], EveryKey>;
  readonly #key: Statement<[string, string], EveryKey>;
  readonly #info: Statement<[number], VersionInfo>;
  readonly #mark: Statement<[string, number], Head>;

  /** @param keep the number of readable versions of a key; 0 means that all versions are readable */
  constructor(db: Db, keep: number) {
    this.#db = db;
    this.#keep = keep;
    const range = "key >= CAST(? AS TEXT) AND key < CAST(? AS TEXT)";
    this.#keys = db.prepare(
      `SELECT key, version, row, 0 AS deleted FROM state_head WHERE ${range}
       UNION ALL SELECT key, version, row, 1 FROM state_gone WHERE ${range} ORDER BY key LIMIT ?`,
    );
    this.#key = db.prepare(
      `SELECT key, version, row, 0 AS deleted FROM state_head WHERE key = ?
       UNION ALL SELECT key, version, row, 1 FROM state_gone WHERE key = ?`,
    );
    this.#info = db.prepare(
      "SELECT version, previous, hash, content_type, updated_at, updated_by FROM state_version WHERE id = ?",
    );
    this.#mark = db.prepare(
      "SELECT version, row FROM state_mark WHERE key = ? AND version >= ? ORDER BY version LIMIT 1",
    );
  }

  /** Returns a key as it was at a time; undefined if it did not exist then. */
  key(key: string, atMs: number): KeyAt | undefined {
    const head = this.#key.get(key, key);
    return head === undefined ? undefined : this.#existing([head], atMs)[0];
  }

  /**
   * Yields the keys that existed at a time, in the order of their bytes. Only keys with the prefix that sort after
   * `after` are yielded.
   */
  *keys(prefix: string, after: string, atMs: number): Generator<KeyAt, void, undefined> {
    for (let [last, together] = [after, STORY_KEYS_TOGETHER]; ; ) {
      const [start, end] = [listStart(prefix, last), prefixEnd(prefix)];
      const heads = this.#keys.all(start, end, start, end, together);
      yield* this.#existing(heads, atMs);
      const newest = heads.at(-1);
      if (newest === undefined || heads.length < together) return;
      last = newest.key;
      together = Math.min(2 * together, STORY_KEYS_TOGETHER_MAX);
    }
  }

  /** Returns those of the given keys that existed at a time. */
  #existing(heads: readonly EveryKey[], atMs: number): KeyAt[] {
    const candidates = heads.map((head) => this.#candidate(head, atMs)).filter((found) => found !== undefined);
    const deleted = this.#deletedBy(candidates, atMs);
    return candidates.filter(({ key }) => !deleted.has(key));
  }

  #candidate(head: EveryKey, atMs: number): Candidate | undefined {
    const { key } = head;
    const oldest = this.#keep === 0 ? 1 : Math.max(1, head.version - this.#keep + 1);
    let later: VersionInfo | null = null;
    for (let row = this.#startOf(head, oldest, atMs); row !== 0; ) {
      const info = this.#info.get(row);
      if (info === undefined || info.version < oldest) break;
      if (info.updated_at <= atMs) {
        const isNewest = info.version === head.version;
        return { key, info, keptSinceMs: null, mayBeDeleted: head.deleted === 1 || !isNewest };
      }
      later = info;
      row = info.previous;
    }
    // The first version of the key is newer than the time, so the key did not exist yet.
    if (later === null || later.version === 1) return undefined;
    return { key, info: null, keptSinceMs: later.updated_at, mayBeDeleted: false };
  }

  /**
   * Returns the row from which to walk back to the version that the key had at the time. Every 64th version has a mark
   * (`state_mark`). The search bisects the marks, so the walk is at most two intervals long even if the key has many
   * versions.
   */
  #startOf({ key, version, row }: EveryKey, oldest: number, atMs: number): number {
    let start = row;
    for (let [low, high] = [oldest, version]; high - low > VERSION_MARK_INTERVAL; ) {
      const middle = Math.floor((low + high) / 2);
      const mark = this.#mark.get(key, middle);
      const time = mark === undefined || mark.version >= high ? undefined : this.#info.get(mark.row)?.updated_at;
      if (mark === undefined || time === undefined) {
        high = middle;
      } else if (time > atMs) {
        start = mark.row;
        high = middle;
      } else {
        low = mark.version;
      }
    }
    return start;
  }

  /** Returns the keys that were deleted between their version and the time. */
  #deletedBy(candidates: readonly Candidate[], atMs: number): ReadonlySet<string> {
    const writtenMs = new Map<string, number>();
    for (const { key, info, mayBeDeleted } of candidates)
      if (mayBeDeleted && info !== null) writtenMs.set(key, info.updated_at);
    const deleted = new Set<string>();
    if (writtenMs.size === 0) return deleted;
    const first = Math.min(...writtenMs.values());
    for (const entry of listEntries(this.#db, { ...EVERY_ENTRY, action: DELETE, from: first, to: atMs })) {
      const { resource: key, at } = entry;
      const written = writtenMs.get(key);
      if (entry.outcome !== "success" || written === undefined || at < written) continue;
      // The entries are sorted from new to old, and only the first entry of each key counts.
      writtenMs.delete(key);
      if (at > written || this.#lastWrite(key, at) === DELETE) deleted.add(key);
    }
    return deleted;
  }

  /** Returns the last action on a key within one millisecond. */
  #lastWrite(key: string, atMs: number): string | undefined {
    for (const entry of listEntries(this.#db, { ...EVERY_ENTRY, action: null, from: atMs, to: atMs })) {
      const { action, resource, outcome } = entry;
      if (resource === key && outcome === "success" && WRITES.has(action)) return action;
    }
    return undefined;
  }
}

export const stateHistory: Model<StateHistory> = {
  open: ({ db, settings }) => new StateHistory(db, settings.state_history),
};
