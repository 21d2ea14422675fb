/**
 * The kinds of records for state and specs, whose values have versions. A record is one version of one key. The records
 * are ordered by key, and the versions of a key from the oldest to the newest. The newest version of a deleted key is
 * marked as deleted. So the version numbers of the key continue after a restore. Runs SQL, in the worker pool and in
 * the restore thread.
 */
import { isUtf8 } from "node:buffer";
import { RESTORED_NUMBER_MAX } from "../../../../schemas/limits/backup.js";
import { CONTENT_TYPE_BYTES_MAX, KEY_BYTES_MAX } from "../../../../schemas/limits/names.js";
import { BODY_BYTES_MAX } from "../../../../schemas/limits/request-bodies.js";
import { VERSION_MARK_INTERVAL } from "../../../../schemas/limits/versioned.js";
import { isLongerThan } from "../../../../schemas/text.js";
import { hasControlCharacter } from "../../../../schemas/visible-text.js";
import { crypto } from "../../../base/crypto.js";
import { formatTime, parseTime } from "../../../base/time.js";
import type { Db, Statement } from "../../../platform/store/open.js";
import type { Space } from "../../versioned/space.js";
import type { VersionedReader } from "../../versioned/table.js";
import type { Kind, KindWriter, SnapshotModels, SnapshotRecord } from "../kind.js";
import { isCounted } from "./rows.js";

export interface VersionKindOptions {
  readonly space: Space;
  readonly reader: (models: SnapshotModels) => VersionedReader;
  /** Returns the key that a record names; undefined if the key is invalid. */
  readonly keyOf: (record: SnapshotRecord["members"]) => string | undefined;
}

/** Creates the kind of a versioned space. */
export function versionKind({ space, reader, keyOf }: VersionKindOptions): Kind {
  const { name } = space;
  return {
    name,
    tables: [`${name}_head`, `${name}_gone`, `${name}_version`, `${name}_mark`],
    read: (models) => readVersions(reader(models), space),
    writer: (db) => new VersionWriter(db, space, keyOf),
  };
}

function* readVersions(reader: VersionedReader, space: Space): Generator<string, void, undefined> {
  for (const head of reader.everyKey()) {
    const named = `{"kind":"${space.name}",${JSON.stringify(space.identity(head.key)).slice(1, -1)}`;
    for (const version of reader.versions(head)) {
      const deleted = head.deleted === 1 && version.version === head.version ? ',"deleted":true' : "";
      yield `${named},"version":${version.version},"content_type":${JSON.stringify(version.content_type)}` +
        `,"updated_at":"${formatTime(version.updated_at)}","updated_by":${JSON.stringify(version.updated_by)}` +
        `${deleted}${encodeValue(version.value)}}`;
    }
  }
}

function encodeValue(value: Buffer): string {
  return isUtf8(value)
    ? `,"value":${JSON.stringify(value.toString("utf8"))}`
    : `,"encoding":"base64","value":"${value.toString("base64")}"`;
}

function decodeValue({ value, encoding }: SnapshotRecord["members"]): Buffer | string {
  if (typeof value !== "string") return "value must be text";
  if (encoding !== undefined && encoding !== "base64") return "encoding must be base64";
  const bytes = Buffer.from(value, encoding === "base64" ? "base64" : "utf8");
  // Node's decoder skips characters that are not base64. To detect them, the bytes are encoded again and compared with
  // the text.
  if (encoding === "base64" && bytes.toString("base64") !== value) return "value is not base64";
  if (bytes.byteLength === 0) return "value is empty";
  return bytes.byteLength > BODY_BYTES_MAX ? `value is larger than ${BODY_BYTES_MAX} bytes` : bytes;
}

class VersionWriter implements KindWriter {
  readonly #keyOf: VersionKindOptions["keyOf"];
  readonly #version: Statement<[number, number, number, Buffer, string, number, string, Buffer], unknown>;
  readonly #mark: Statement<[string, number, number], unknown>;
  readonly #head: Statement<[string, number, number], unknown>;
  readonly #gone: Statement<[string, number, number], unknown>;
  readonly #known: Statement<[string, string], unknown>;
  #row = 0;
  /** The key whose versions are being restored; null before the first record. */
  #key: string | null = null;
  #number = 0;
  #deleted = false;

  constructor(db: Db, { name }: Space, keyOf: VersionKindOptions["keyOf"]) {
    this.#keyOf = keyOf;
    this.#version = db.prepare(`INSERT INTO ${name}_version VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#mark = db.prepare(`INSERT INTO ${name}_mark VALUES (?, ?, ?)`);
    this.#head = db.prepare(`INSERT INTO ${name}_head VALUES (?, ?, ?)`);
    this.#gone = db.prepare(`INSERT INTO ${name}_gone VALUES (?, ?, ?)`);
    this.#known = db.prepare(
      `SELECT 1 FROM ${name}_head WHERE key = ? UNION ALL SELECT 1 FROM ${name}_gone WHERE key = ?`,
    );
  }

  add({ members }: SnapshotRecord): string | null {
    const { version, content_type, updated_by, deleted } = members;
    const key = this.#keyOf(members);
    if (key === undefined || !key.isWellFormed() || isLongerThan(key, KEY_BYTES_MAX)) return "it names no key";
    if (!isCounted(version) || Number(version) < 1)
      return `version must be a whole number from 1 to ${RESTORED_NUMBER_MAX}`;
    if (
      typeof content_type !== "string" ||
      isLongerThan(content_type, CONTENT_TYPE_BYTES_MAX) ||
      hasControlCharacter(content_type)
    )
      return "content_type must be a media type";
    if (typeof updated_by !== "string" || !updated_by.isWellFormed()) return "updated_by must be text";
    if (deleted !== undefined && typeof deleted !== "boolean") return "deleted must be true or false";
    const updatedAt = typeof members["updated_at"] === "string" ? parseTime(members["updated_at"]) : undefined;
    if (updatedAt === undefined) return "updated_at must be a time";
    const value = decodeValue(members);
    if (typeof value === "string") return value;
    const number = Number(version);
    const same = key === this.#key;
    if (same && this.#deleted) return "a version after the deletion of its key";
    if (same && number !== this.#number + 1) return "versions of a key must follow each other";
    if (!same) {
      this.finish();
      if (this.#known.get(key, key) !== undefined) return "versions of a key must stand together";
    }
    this.#row += 1;
    this.#version.run(
      this.#row,
      number,
      same ? this.#row - 1 : 0,
      crypto().hash("sha256", value, "buffer"),
      content_type,
      updatedAt,
      updated_by,
      value,
    );
    if (number % VERSION_MARK_INTERVAL === 0) this.#mark.run(key, number, this.#row);
    this.#key = key;
    this.#number = number;
    this.#deleted = deleted === true;
    return null;
  }

  /** Stores the newest version number of the current key, after the key's last record. */
  finish(): void {
    if (this.#key !== null) (this.#deleted ? this.#gone : this.#head).run(this.#key, this.#number, this.#row);
    this.#key = null;
  }
}
