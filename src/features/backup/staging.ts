/**
 * Writes a snapshot line by line into a staging database. The snapshot arrives in pieces of any size, and only one line
 * is kept in memory. The first error rejects the snapshot and names the line. Runs in the restore thread.
 */
import { isUtf8 } from "node:buffer";
import { BACKUP_FORMAT, type RecordCounts } from "../../../schemas/backup.js";
import { RESTORE_LINE_BYTES_MAX } from "../../../schemas/limits/backup.js";
import { crypto } from "../../base/crypto.js";
import { memberTexts, parseJson } from "../../../shared/json-text.js";
import { isJsonObject } from "../../../shared/json-object.js";
import { type Failure, invalid } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";
import { isConstraint, type Db } from "../../platform/store/open.js";
import { finishStaging } from "../../platform/store/staging.js";
import type { KindWriter } from "./kind.js";
import { KINDS } from "./kinds.js";

const LINE_FEED = 0x0a;

type Members = Readonly<Record<string, unknown>>;

export class Staging {
  readonly #db: Db;
  readonly #writers: ReadonlyMap<string, KindWriter>;
  readonly #sum = crypto().createHash("sha256");
  readonly #counts: Record<string, number> = {};
  /** The beginning of an incomplete line. */
  #partial: Uint8Array[] = [];
  #partialBytes = 0;
  #line = 0;
  #closed = false;
  #failure: Failure | null = null;

  constructor(db: Db) {
    this.#db = db;
    this.#writers = new Map(KINDS.map((kind) => [kind.name, kind.writer(db)]));
  }

  /** Takes the next piece. */
  write(bytes: Uint8Array): Failure | null {
    let from = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0 && this.#failure === null; end = bytes.indexOf(LINE_FEED, from)) {
      this.#partial.push(bytes.subarray(from, end + 1));
      this.#endLine();
      from = end + 1;
    }
    if (this.#failure === null && from < bytes.byteLength) {
      this.#partial.push(bytes.slice(from));
      this.#partialBytes += bytes.byteLength - from;
      if (this.#partialBytes > RESTORE_LINE_BYTES_MAX)
        this.#refuse(`longer than ${RESTORE_LINE_BYTES_MAX} bytes`, this.#line + 1);
    }
    return this.#failure;
  }

  /**
   * Completes the staging database after the last piece of the snapshot. Returns the number of records of each kind, or
   * an error.
   */
  finish(): RecordCounts | Failure {
    if (this.#partial.length > 0 && this.#failure === null) this.#endLine();
    if (this.#failure === null && !this.#closed) this.#failure = invalid("the snapshot ends without its closing line");
    if (this.#failure !== null) return this.#failure;
    for (const writer of this.#writers.values()) writer.finish();
    return finishStaging(this.#db)
      ? this.#counts
      : invalid("records refer to others that the snapshot does not contain");
  }

  #endLine(): void {
    const line = this.#partial.length === 1 ? (this.#partial[0] ?? new Uint8Array(0)) : Buffer.concat(this.#partial);
    this.#partial = [];
    this.#partialBytes = 0;
    this.#line += 1;
    const wrong = this.#closed ? "it stands after the closing line" : this.#take(line);
    if (wrong !== null) this.#refuse(wrong, this.#line);
  }

  #refuse(wrong: string, line: number): void {
    this.#failure ??= invalid(`line ${line}: ${wrong}`);
  }

  /** Checks and stores a line. Returns null if the line was stored, otherwise an error text. */
  #take(line: Uint8Array): string | null {
    const text = isUtf8(line) ? Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString("utf8") : "";
    const members = membersOf(text);
    if (members === undefined) return this.#line === 1 ? "it is no snapshot of Koor" : "it is not a JSON object";
    if (members["end"] === true && this.#line > 1) {
      this.#closed = true;
      return this.#check(members);
    }
    this.#sum.update(line);
    if (this.#line === 1) return checkHeader(members);
    const { kind } = members;
    const writer = typeof kind === "string" ? this.#writers.get(kind) : undefined;
    if (writer === undefined || typeof kind !== "string") return "its kind is not known";
    let exact: ReadonlyMap<string, string> | undefined;
    try {
      const wrong = writer.add({
        members,
        exact: (name) => (exact ??= memberTexts(text) ?? new Map<string, string>()).get(name),
      });
      if (wrong !== null) return `${kind}: ${wrong}`;
    } catch (error) {
      if (!isConstraint(error)) throw error;
      return `${kind}: it contradicts another record`;
    }
    this.#counts[kind] = (this.#counts[kind] ?? 0) + 1;
    return null;
  }

  #check({ counts, sha256 }: Members): string | null {
    if (sha256 !== this.#sum.digest("hex")) return "the sum differs: the snapshot was changed or damaged";
    const said = typeof counts === "object" && counts !== null ? Object.entries(counts) : [];
    const differs =
      said.some(([kind, count]) => (this.#counts[kind] ?? 0) !== count) ||
      Object.keys(this.#counts).some((kind) => !said.some(([name]) => name === kind));
    return differs ? "the counts differ from the records" : null;
  }
}

function checkHeader(members: Members): string | null {
  const format = members["koor_backup"];
  if (format === undefined) return "it is no snapshot of Koor";
  return format === BACKUP_FORMAT ? null : `snapshots of format ${shorten(JSON.stringify(format))} are not known`;
}

function membersOf(text: string): Members | undefined {
  const value = parseJson(text);
  return isJsonObject(value) ? value : undefined;
}
