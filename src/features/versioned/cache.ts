/**
 * Caches recently read values on the front, up to a number of bytes. A value that is not cached is read from the
 * database. Runs on the front.
 *
 * A read never goes back in time. While a write of a key is in flight, the cache does not return the entry of the key,
 * because the database may already have a newer value. When the writer has acknowledged the write, the cache drops the
 * entry or replaces it by the written value. Only then does the client get its answer. An older version never replaces
 * a newer one. Each method of the writer declares which keys it changes (src/platform/threads/changes.ts), and the
 * cache listens to all methods.
 */
import { HOT_CACHE_BYTES_MAX, HOT_CACHE_VALUE_BYTES_MAX } from "../../../schemas/limits/versioned.js";
import { Failure } from "../../base/result.js";
import type { ChangeListener } from "../../platform/threads/changes.js";

/** The bytes that an entry takes in addition to its value: objects, header texts and the key. */
const ENTRY_OVERHEAD_BYTES = 512;

export interface Cached<Reply> {
  readonly version: number;
  readonly etag: string;
  /** The complete answer to a GET of the value. It is built once for all GETs. */
  readonly reply: Reply;
  readonly bytes: number;
}

interface Entry<Reply> extends Cached<Reply> {
  readonly key: string;
  /** The index of this entry in `#ring`. */
  readonly slot: number;
  /** Whether the entry was read since the hand of the clock algorithm last passed it. */
  used: boolean;
}

/** The number of counters in `#writes`. It is a power of two, and much larger than the number of concurrent writes. */
const WRITE_COUNTERS = 4_096;
/** The number of characters of a key that are hashed. They are taken from its end, because keys mostly differ there. */
const HASHED_CHARACTERS = 16;

function counterOf(key: string): number {
  let hash = key.length;
  for (let at = Math.max(0, key.length - HASHED_CHARACTERS); at < key.length; at++) {
    hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0;
  }
  return (hash ^ (hash >>> 16)) & (WRITE_COUNTERS - 1);
}

export class HotCache<Reply> implements ChangeListener {
  readonly #entries = new Map<string, Entry<Reply>>();
  /**
   * All entries, in the order in which eviction examines them. The order of the Map would be too slow. Eviction deletes
   * at the start of the Map, and each iteration would pass over all deleted entries there.
   */
  #ring: (Entry<Reply> | null)[] = [];
  /** The indexes of `#ring` that have no entry. */
  #freeSlots: number[] = [];
  /** The index of `#ring` that eviction examines next. */
  #hand = 0;
  /**
   * The number of writes in flight, by the hash of the written key. If two keys have the same hash, a read may go to
   * the database without need. The reason for an array in place of a Map is in rpc/client.ts.
   */
  readonly #writes = new Uint16Array(WRITE_COUNTERS);
  readonly #bytesMax: number;
  #bytes = 0;
  /** The number of writes in flight whose keys are unknown. While there is such a write, the cache returns no entry. */
  #held = 0;

  constructor(bytesMax = HOT_CACHE_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  begin(asked: readonly string[] | null): void {
    if (asked === null) this.#held += 1;
    else for (const key of asked) this.#count(key, 1);
  }

  end(asked: readonly string[] | null, made: readonly string[] | null | Failure): void {
    if (!(made instanceof Failure)) {
      this.#drop(made);
    } else if (made.outcomeUnknown) {
      this.#drop(asked);
    }
    if (asked === null) this.#held -= 1;
    else for (const key of asked) this.#count(key, -1);
  }

  /**
   * Returns whether the cache has an entry for the key. `get` does not return the entry while a write of the key is in
   * flight.
   */
  has(key: string): boolean {
    return this.#entries.has(key);
  }

  get(key: string): Cached<Reply> | undefined {
    if (this.#held > 0 || this.#writes[counterOf(key)] !== 0) return undefined;
    const entry = this.#entries.get(key);
    if (entry !== undefined) entry.used = true;
    return entry;
  }

  /** Adds a value that was read from the database, unless a write of its key is in flight. */
  add(key: string, version: number, etag: string, reply: Reply, valueBytes: number): void {
    if (this.#held > 0 || this.#writes[counterOf(key)] !== 0) return;
    this.#put(key, version, etag, reply, valueBytes);
  }

  /** Stores a value whose write was acknowledged. Does nothing if the cache has the same version or a newer one. */
  replace(key: string, version: number, etag: string, reply: Reply, valueBytes: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.version < version) this.#put(key, version, etag, reply, valueBytes);
  }

  #put(key: string, version: number, etag: string, reply: Reply, valueBytes: number): void {
    this.#remove(key);
    if (valueBytes > HOT_CACHE_VALUE_BYTES_MAX) return;
    const bytes = valueBytes + ENTRY_OVERHEAD_BYTES + key.length;
    const slot = this.#freeSlots.pop() ?? this.#ring.length;
    const entry = { key, slot, version, etag, reply, bytes, used: false };
    this.#ring[slot] = entry;
    this.#entries.set(key, entry);
    this.#bytes += bytes;
    this.#evict();
  }

  /** Drops the entries of the given keys; null means all keys. */
  #drop(keys: readonly string[] | null): void {
    if (keys !== null) {
      for (const key of keys) this.#remove(key);
      return;
    }
    this.#entries.clear();
    this.#ring = [];
    this.#freeSlots = [];
    this.#hand = 0;
    this.#bytes = 0;
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#ring[entry.slot] = null;
    this.#freeSlots.push(entry.slot);
    this.#bytes -= entry.bytes;
  }

  /** Adds `change` to the number of writes of the key that are in flight. */
  #count(key: string, change: 1 | -1): void {
    const at = counterOf(key);
    this.#writes[at] = (this.#writes[at] as number) + change;
  }

  /**
   * Evicts entries by the clock algorithm until the cache is small enough. The hand moves round the ring. It evicts
   * each entry that was not read since it last passed.
   */
  #evict(): void {
    while (this.#bytes > this.#bytesMax) {
      const entry = this.#ring[this.#hand] ?? null;
      this.#hand = (this.#hand + 1) % this.#ring.length;
      if (entry === null) continue;
      if (entry.used) entry.used = false;
      else this.#remove(entry.key);
    }
  }
}
