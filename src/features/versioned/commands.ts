/**
 * The writer's methods that change a versioned key space. Every check is made before the first change, so a rejected
 * call changes nothing. Runs in the writer, inside the transaction of the batch.
 */
import * as Type from "typebox";
import type { Static } from "typebox";
import { VERSION_MARK_INTERVAL } from "../../../schemas/limits/versioned.js";
import {
  DeleteReply,
  DeleteRequest,
  PutRequest,
  RollbackRequest,
  WriteReply,
  type Condition,
} from "../../../schemas/versioned.js";
import { crypto } from "../../base/crypto.js";
import { weightOf, type PushMessage } from "../../platform/rpc/method.js";
import { type Model, type Publication, PublishingModel } from "../../platform/threads/model.js";
import { must } from "../../base/assert.js";
import { etagMatches, strongEtagMatches } from "../../base/etag.js";
import { Failure, notFound } from "../../base/result.js";
import type { WriteBuffer, BufferedTable } from "../../platform/store/write-buffer.js";
import type { Db, Statement } from "../../platform/store/open.js";
import { type CachedHead, HeadCache } from "./head-cache.js";
import type { Space } from "./space.js";
import { VersionedReader, type Head } from "./table.js";

/**
 * The maximum number of segments that one write removes. A segment is a run of 64 consecutive versions of a key. The
 * next writes remove the other old segments.
 */
const PRUNED_SEGMENTS_MAX = 4;

type VersionRow = [
  id: number,
  version: number,
  previous: number,
  hash: Buffer,
  contentType: string,
  updatedAt: number,
  updatedBy: string,
  value: Uint8Array,
];

/** The push message with the number of keys in the state store. It is sent after each change of the number. */
export const STATE_KEYS = { name: "state_keys", payload: Type.Integer({ minimum: 0 }) } as const satisfies PushMessage;

/** Returns the part of a request's weight, in bytes, that its condition causes. */
function conditionWeight(condition: Condition | null): number {
  return condition === null ? 0 : weightOf(condition);
}

/** The schemas of a write's request and reply, and the request's weight in bytes. State and specs share them. */
export const PUT = {
  request: PutRequest,
  reply: WriteReply,
  weight: ({ key, value, condition }: Static<typeof PutRequest>) =>
    key.length + value.length + conditionWeight(condition),
};
export const ROLLBACK = {
  request: RollbackRequest,
  reply: WriteReply,
  weight: ({ key, condition }: Static<typeof RollbackRequest>) => key.length + conditionWeight(condition),
};
export const DELETE = {
  request: DeleteRequest,
  reply: DeleteReply,
  weight: ({ key, condition }: Static<typeof DeleteRequest>) => key.length + conditionWeight(condition),
};

/** Returns the version that a write has created. It is reported to the clients that watch the key. */
export function versionOf({ version }: { readonly version: number }): number {
  return version;
}

/** Returns the `detail` of a write's audit row. */
export function versionDetail(_request: unknown, reply: { readonly version: number }): string {
  return `{"version":${reply.version}}`;
}

/** Returns the `detail` of a rollback's audit row. */
export function rollbackDetail(request: { readonly version: number }, reply: { readonly version: number }): string {
  return `{"version":${reply.version},"rolled_back":${request.version}}`;
}

/** Returns the model with which the writer thread changes a space. */
export function versionedWriter(space: Space): Model<VersionedWriter> {
  return { open: ({ db, rows, settings }) => new VersionedWriter(db, rows, space, settings.state_history) };
}

export class VersionedWriter extends PublishingModel {
  readonly #reader: VersionedReader;
  readonly #keep: number;
  readonly #rows: WriteBuffer;
  readonly #versions: BufferedTable<VersionRow>;
  readonly #newHeads: BufferedTable<[string, number, number]>;
  readonly #dropHead: Statement<[string], unknown>;
  readonly #putGone: Statement<[string, number, number], unknown>;
  readonly #dropGone: Statement<[string], unknown>;
  readonly #insertMark: Statement<[string, number, number], unknown>;
  readonly #oldMarks: Statement<[string, number, number], Head>;
  readonly #dropMark: Statement<[string, number], unknown>;
  readonly #dropVersion: Statement<[number], { previous: number }>;
  readonly #newestRow: Statement<[], number | null>;
  readonly #heads: HeadCache;
  #nextRow = 0;
  #keys = 0;
  /** The number of keys in the last push message. */
  #publishedKeys = -1;

  constructor(
    db: Db,
    rows: WriteBuffer,
    readonly space: Space,
    keep: number,
  ) {
    super();
    const { name } = space;
    this.#reader = new VersionedReader(db, space, keep);
    this.#keep = keep;
    this.#rows = rows;
    this.#heads = new HeadCache(() => rows.write());
    this.#versions = rows.into(`INSERT INTO ${name}_version`, 8);
    this.#newHeads = rows.into(`REPLACE INTO ${name}_head`, 3);
    this.#dropHead = db.prepare(`DELETE FROM ${name}_head WHERE key = ?`);
    this.#putGone = db.prepare(`INSERT INTO ${name}_gone VALUES (?, ?, ?)`);
    this.#dropGone = db.prepare(`DELETE FROM ${name}_gone WHERE key = ?`);
    this.#insertMark = db.prepare(`INSERT INTO ${name}_mark VALUES (?, ?, ?)`);
    this.#oldMarks = db.prepare(
      `SELECT version, row FROM ${name}_mark WHERE key = ? AND version <= ? ORDER BY version LIMIT ?`,
    );
    this.#dropMark = db.prepare(`DELETE FROM ${name}_mark WHERE key = ? AND version = ?`);
    this.#dropVersion = db.prepare(`DELETE FROM ${name}_version WHERE id = ? RETURNING previous`);
    this.#newestRow = db.prepare<[], number | null>(`SELECT max(id) FROM ${name}_version`).pluck();
    this.reload();
  }

  /** The number of existing keys. */
  get keys(): number {
    return this.#keys;
  }

  /** Empties the cache of heads. After a rollback, a cached head may name a row that does not exist. */
  reload(): void {
    this.#heads.clear();
    this.#nextRow = (this.#newestRow.get() ?? 0) + 1;
    this.#keys = this.#reader.count();
  }

  afterCommit({ push }: Publication): void {
    if (this.space.name !== "state" || this.#keys === this.#publishedKeys) return;
    this.#publishedKeys = this.#keys;
    push(STATE_KEYS, this.#keys);
  }

  #countKeys(by: 1 | -1): void {
    this.#keys += by;
    this.markDirty();
  }

  /** Stores a value as a new version, if the condition holds. */
  put(
    key: string,
    value: Uint8Array,
    contentType: string,
    condition: Condition | null,
    nowMs: number,
    actor: string,
  ): WriteReply | Failure {
    const refusal = condition === null ? null : this.#refusal(condition, this.#headOf(key));
    return refusal ?? this.write(key, value, contentType, nowMs, actor);
  }

  /** Stores a value as a new version, without a condition. */
  write(key: string, value: Uint8Array, contentType: string, nowMs: number, actor: string): WriteReply {
    // Compute the hash as hex text, which the reply needs. A Buffer would take 0.3 µs longer.
    const hash = crypto().hash("sha256", value, "hex");
    return this.#append(key, this.#headOf(key), value, hash, contentType, nowMs, actor);
  }

  /** Stores the value of version `number` again, as a new version. This also restores a deleted key. */
  rollback(
    key: string,
    number: number,
    condition: Condition | null,
    nowMs: number,
    actor: string,
  ): WriteReply | Failure {
    const head = this.#headOf(key);
    const refusal = condition === null ? null : this.#refusal(condition, head);
    if (refusal !== null) return refusal;
    if (head === undefined) return notFound(this.space.missing(key));
    const old = this.#stored.version(key, number);
    if (old === undefined) return notFound(`version ${number} not found for ${this.space.described(key)}`);
    return this.#append(key, head, old.value, old.hash.toString("hex"), old.content_type, nowMs, actor);
  }

  /** Deletes the key, but keeps its history. Returns the newest version of the key. */
  delete(key: string, condition: Condition | null): { version: number; hash: Buffer } | Failure {
    const head = this.#headOf(key);
    const refusal = condition === null ? null : this.#refusal(condition, head);
    if (refusal !== null) return refusal;
    if (head === undefined || !head.live) return notFound(this.space.missing(key));
    const info = must(this.#stored.info(head.row), "a head's row exists");
    this.#dropHead.run(key);
    this.#putGone.run(key, head.version, head.row);
    this.#countKeys(-1);
    head.live = false;
    return { version: head.version, hash: info.hash };
  }

  #append(
    key: string,
    head: CachedHead | undefined,
    value: Uint8Array,
    hash: string,
    contentType: string,
    nowMs: number,
    actor: string,
  ): WriteReply {
    const version = (head?.version ?? 0) + 1;
    const row = this.#nextRow++;
    const previous = head?.row ?? 0;
    this.#versions.add(row, version, previous, Buffer.from(hash, "hex"), contentType, nowMs, actor, value);
    this.#newHeads.add(key, version, row);
    if (head === undefined) {
      this.#countKeys(1);
      this.#heads.set(key, { version, row, live: true });
    } else {
      if (!head.live) {
        this.#countKeys(1);
        this.#dropGone.run(key);
      }
      head.version = version;
      head.row = row;
      head.live = true;
    }
    if (version % VERSION_MARK_INTERVAL === 0) {
      this.#insertMark.run(key, version, row);
      if (this.#keep > 0 && version > this.#keep) this.#prune(key, version - this.#keep);
    }
    return { version, hash, content_type: contentType, updated_at: nowMs };
  }

  /**
   * Removes the oldest segments of a key. Every 64th version of a key has a mark. A segment is a marked version and the
   * versions before it, down to the previous mark. A segment is removed if its mark is not newer than version `newest`,
   * because none of its versions is readable then (table.ts).
   */
  #prune(key: string, newest: number): void {
    this.#rows.write();
    for (const mark of this.#oldMarks.all(key, newest, PRUNED_SEGMENTS_MAX)) {
      let row = mark.row;
      for (let step = 0; step < VERSION_MARK_INTERVAL && row !== 0; step++) {
        row = this.#dropVersion.get(row)?.previous ?? 0;
      }
      this.#dropMark.run(key, mark.version);
    }
  }

  /**
   * Returns the reader of the stored rows. Writes the write buffer to the database first, so that the reader sees all
   * rows.
   */
  get #stored(): VersionedReader {
    this.#rows.write();
    return this.#reader;
  }

  #headOf(key: string): CachedHead | undefined {
    const known = this.#heads.get(key);
    if (known !== undefined) return known;
    const live = this.#reader.head(key);
    const head = live ?? this.#reader.gone(key);
    if (head === undefined) return undefined;
    const cached = { version: head.version, row: head.row, live: live !== undefined };
    this.#heads.set(key, cached);
    return cached;
  }

  /** Checks the condition of a write. Returns null if it holds; otherwise a 412 with the key's current version. */
  #refusal(condition: Condition, head: CachedHead | undefined): Failure | null {
    const live = head?.live === true ? head : undefined;
    const version = live?.version ?? 0;
    const { if_version, if_match, if_none_match } = condition;
    if (if_version === version && if_match === undefined && if_none_match === undefined) return null;
    const hash =
      live === undefined ? null : must(this.#stored.info(live.row), "a head's row exists").hash.toString("hex");
    const etag = hash === null ? null : `"${hash}"`;
    const holds =
      (if_version === undefined || if_version === version) &&
      (if_match === undefined || (etag !== null && strongEtagMatches(if_match, etag))) &&
      (if_none_match === undefined || etag === null || !etagMatches(if_none_match, etag));
    return holds
      ? null
      : new Failure("FAILED_PRECONDITION", "precondition failed", { current_version: version, current_etag: etag });
  }
}
