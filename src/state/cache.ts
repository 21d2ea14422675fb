/**
 * The front's cache of values that were read lately, bounded by bytes. What is not here is read from the
 * database. A read never goes back in time: while a write of a key is on its way its entry is not shown
 * (the database may be ahead of it), and the acknowledgement replaces the entry, guarded by version,
 * before the writing client is answered.
 */
import { HOT_CACHE_BYTES_MAX, HOT_CACHE_VALUE_BYTES_MAX } from "../../schemas/limits.js";

/** What an entry weighs beside its value: objects, header texts and the key. */
const ENTRY_OVERHEAD_BYTES = 512;

export interface Cached<Reply> {
  readonly version: number;
  readonly etag: string;
  /** The whole answer to a GET, made once. */
  readonly reply: Reply;
  readonly bytes: number;
  /** Read since the sweep passed it last. */
  used: boolean;
}

export class HotCache<Reply> {
  readonly #entries = new Map<string, Cached<Reply>>();
  /** Writes that were sent and not answered yet, by key. */
  readonly #writes = new Map<string, number>();
  readonly #bytes_max: number;
  #bytes = 0;

  constructor(bytes_max = HOT_CACHE_BYTES_MAX) {
    this.#bytes_max = bytes_max;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A write of the key is sent: `endWrite` follows, unless its outcome is never known. */
  beginWrite(key: string): void {
    this.#writes.set(key, (this.#writes.get(key) ?? 0) + 1);
  }

  /** The write was answered, whatever the answer; after `update` or `remove`. */
  endWrite(key: string): void {
    const writes = (this.#writes.get(key) ?? 1) - 1;
    if (writes === 0) this.#writes.delete(key);
    else this.#writes.set(key, writes);
  }

  get(key: string): Cached<Reply> | undefined {
    if (this.#writes.size > 0 && this.#writes.has(key)) return undefined;
    const entry = this.#entries.get(key);
    if (entry !== undefined) entry.used = true;
    return entry;
  }

  /** Keeps what was read from the database. */
  add(key: string, version: number, etag: string, reply: Reply, value_bytes: number): void {
    if (value_bytes > HOT_CACHE_VALUE_BYTES_MAX || this.#writes.has(key)) return;
    this.remove(key);
    const bytes = value_bytes + ENTRY_OVERHEAD_BYTES + key.length;
    this.#entries.set(key, { version, etag, reply, bytes, used: false });
    this.#bytes += bytes;
    this.#evict();
  }

  /** A write was acknowledged: an older entry is replaced by what `make` gives; none is created. */
  update(key: string, version: number, etag: string, value_bytes: number, make: () => Reply): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.version >= version) return;
    if (value_bytes > HOT_CACHE_VALUE_BYTES_MAX) {
      this.remove(key);
      return;
    }
    const bytes = value_bytes + ENTRY_OVERHEAD_BYTES + key.length;
    this.#entries.set(key, { version, etag, reply: make(), bytes, used: entry.used });
    this.#bytes += bytes - entry.bytes;
    this.#evict();
  }

  remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }

  /** Second chance: the oldest goes, unless it was read since it was looked at last. */
  #evict(): void {
    while (this.#bytes > this.#bytes_max) {
      for (const [key, entry] of this.#entries) {
        this.#entries.delete(key);
        if (entry.used) {
          entry.used = false;
          this.#entries.set(key, entry);
        } else {
          this.#bytes -= entry.bytes;
        }
        break;
      }
    }
  }
}
