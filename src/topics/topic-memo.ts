/**
 * Caches the matches of recent topics for the pattern index, which clears it when patterns change. Pure. Lives on the
 * front.
 *
 * It has two generations. When the young one is full, it replaces the old one, and a topic that is used again moves
 * back to the young one. Both are bounded by topics and by their matches.
 */
import { TOPIC_CACHE_MATCHES_MAX, TOPIC_CACHE_TOPICS_MAX } from "../../schemas/limits.js";

const GENERATION_TOPICS_MAX = TOPIC_CACHE_TOPICS_MAX / 2;
const GENERATION_MATCHES_MAX = TOPIC_CACHE_MATCHES_MAX / 2;

export class TopicMemo {
  #young = new Map<string, readonly string[]>();
  #old = new Map<string, readonly string[]>();
  #young_matches = 0;

  /** Returns the cached matches of a topic; undefined if there are none. */
  get(topic: string): readonly string[] | undefined {
    const found = this.#young.get(topic);
    if (found !== undefined) return found;
    const older = this.#old.get(topic);
    if (older !== undefined) this.set(topic, older);
    return older;
  }

  /** Caches the matches of a topic, unless they alone exceed the bound of a generation. */
  set(topic: string, texts: readonly string[]): void {
    if (texts.length > GENERATION_MATCHES_MAX) return;
    if (this.#young.size >= GENERATION_TOPICS_MAX || this.#young_matches + texts.length > GENERATION_MATCHES_MAX) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#young_matches = 0;
    }
    this.#young.set(topic, texts);
    this.#young_matches += texts.length;
  }

  clear(): void {
    if (this.#young.size > 0) this.#young = new Map();
    if (this.#old.size > 0) this.#old = new Map();
    this.#young_matches = 0;
  }
}
