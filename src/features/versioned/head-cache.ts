/**
 * The writer's cache of heads. A write to a key whose head is cached needs no lookup in the database.
 *
 * The cache has two generations. A head that is used goes into the young generation. When the young generation is full,
 * it becomes the old one, and the previous old generation is evicted as a whole. Evicting single heads would leave
 * holes at the start of a Map.
 *
 * Before an eviction, `onEvict` is called. It writes the heads that are only in the write buffer to the database. So a
 * head that is not cached is always in the database.
 */
import { HEAD_CACHE_KEYS_MAX } from "../../../schemas/limits/versioned.js";

/** The head of a key, which is its newest version. The head of a deleted key remains, with `live` false. */
export interface CachedHead {
  version: number;
  row: number;
  live: boolean;
}

export class HeadCache {
  readonly #onEvict: () => void;
  readonly #generationMax: number;
  #young = new Map<string, CachedHead>();
  #old = new Map<string, CachedHead>();

  /**
   * @param onEvict called before heads are evicted
   * @param generationMax the maximum number of keys in a generation
   */
  constructor(onEvict: () => void, generationMax = HEAD_CACHE_KEYS_MAX / 2) {
    this.#onEvict = onEvict;
    this.#generationMax = generationMax;
  }

  get(key: string): CachedHead | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, head: CachedHead): void {
    if (this.#young.size === this.#generationMax) {
      this.#onEvict();
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, head);
  }

  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
  }
}
