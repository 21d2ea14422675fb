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

/** Counters of writes on their way; a power of two, many times the writes that are in flight together. */
const WRITE_COUNTERS = 4_096;
/** Keys that differ mostly differ at their end. */
const HASHED_CHARACTERS = 16;

function counterOf(key: string): number {
  let hash = key.length;
  for (let at = Math.max(0, key.length - HASHED_CHARACTERS); at < key.length; at++) {
    hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0;
  }
  return (hash ^ (hash >>> 16)) & (WRITE_COUNTERS - 1);
}

export class HotCache<Reply> {
  readonly #entries = new Map<string, Cached<Reply>>();
  /**
   * Writes that were sent and not answered yet, counted by a hash of the key: a collision only costs a
   * look into the database. Not a Map, for the reason given in rpc/client.ts.
   */
  readonly #writes = new Uint16Array(WRITE_COUNTERS);
  readonly #bytes_max: number;
  #bytes = 0;
  /** Writes on their way whose keys are not known. */
  #held = 0;

  constructor(bytes_max = HOT_CACHE_BYTES_MAX) {
    this.#bytes_max = bytes_max;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A write of the key is sent: `endWrite` follows, unless its outcome is never known. */
  beginWrite(key: string): void {
    const at = counterOf(key);
    this.#writes[at] = (this.#writes[at] as number) + 1;
  }

  /** The write was answered, whatever the answer; after `update` or `remove`. */
  endWrite(key: string): void {
    const at = counterOf(key);
    this.#writes[at] = (this.#writes[at] as number) - 1;
  }

  /** A write of keys that are not known yet is sent: no entry is shown until `release`. */
  hold(): void {
    this.#held += 1;
  }

  /** That write was answered, and what it changed was removed. */
  release(): void {
    this.#held -= 1;
  }

  get(key: string): Cached<Reply> | undefined {
    if (this.#held > 0 || this.#writes[counterOf(key)] !== 0) return undefined;
    const entry = this.#entries.get(key);
    if (entry !== undefined) entry.used = true;
    return entry;
  }

  /** Keeps what was read from the database. */
  add(key: string, version: number, etag: string, reply: Reply, value_bytes: number): void {
    if (value_bytes > HOT_CACHE_VALUE_BYTES_MAX || this.#held > 0 || this.#writes[counterOf(key)] !== 0) return;
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

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
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
