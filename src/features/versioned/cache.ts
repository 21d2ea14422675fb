/**
 * Caches recently read values on the front, up to a number of bytes. Values that are not cached are read from the
 * database. Runs on the front.
 *
 * A read never goes back in time. While a write of a key is in flight, the key's entry is not returned, because the
 * database may already have a newer value. When the writer has acknowledged the write, the cache drops the entry or
 * replaces it by the written value, before the client gets its answer. An entry is never replaced by an older version.
 * Each method of the writer declares which keys it changes (src/platform/threads/changes.ts), and the cache listens to
 * all methods.
 */
import { HOT_CACHE_BYTES_MAX, HOT_CACHE_VALUE_BYTES_MAX } from "../../../schemas/limits/versioned.js";
import { Failure } from "../../base/result.js";
import type { ChangeListener } from "../../platform/threads/changes.js";

/** The bytes that an entry takes in addition to its value: objects, header texts and the key. */
const ENTRY_OVERHEAD_BYTES = 512;

export interface Cached<Reply> {
  readonly version: number;
  readonly etag: string;
  /** The complete answer to a GET of the value. It is built only once. */
  readonly reply: Reply;
  readonly bytes: number;
}

interface Entry<Reply> extends Cached<Reply> {
  readonly key: string;
  /** The index of the entry in the ring. */
  readonly slot: number;
  /** Whether the entry was read since eviction last examined it. */
  used: boolean;
}

/**
 * The number of counters for writes in flight. It is a power of two, and much larger than the number of concurrent
 * writes.
 */
const WRITE_COUNTERS = 4_096;
/** The number of characters that are hashed. They are taken from the end of a key, because keys mostly differ there. */
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
   * All entries, in the order in which eviction examines them. The order of the Map is unsuitable, because eviction
   * deletes at the start of the Map, and an iteration would pass over all the deleted entries there.
   */
  #ring: (Entry<Reply> | null)[] = [];
  /** The slots of the ring that are empty. */
  #freeSlots: number[] = [];
  /** The slot that eviction examines next. */
  #hand = 0;
  /**
   * The number of writes in flight for each hash of a key. If two keys have the same hash, a read may needlessly go to
   * the database. This is an array and not a Map, for the reason in rpc/client.ts.
   */
  readonly #writes = new Uint16Array(WRITE_COUNTERS);
  readonly #bytesMax: number;
  #bytes = 0;
  /** The number of writes in flight whose keys are unknown. While there is one, the cache returns no entry. */
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

  /** Returns whether the key has an entry. `get` may still not return it, because a write of the key is in flight. */
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

  /** Stores a value whose write was acknowledged, unless the cache already has the same or a newer version of it. */
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
   * Evicts entries by the clock algorithm until the cache is small enough: the hand moves round the ring, and evicts
   * each entry that was not read since the hand's previous visit.
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
