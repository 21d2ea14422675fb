/**
 * Caches which patterns match the topics of recent events. The pattern index clears the cache when its patterns change.
 * Pure. Runs on the front.
 *
 * The cache has two generations, a young one and an old one. When the young generation is full, the old one is dropped,
 * and the young one takes its place. A topic that is used again moves to the young generation. Each generation has a
 * limit on its topics and a limit on their matches.
 */
import { TOPIC_CACHE_MATCHES_MAX, TOPIC_CACHE_TOPICS_MAX } from "../../../schemas/limits/events.js";

const GENERATION_TOPICS_MAX = TOPIC_CACHE_TOPICS_MAX / 2;
const GENERATION_MATCHES_MAX = TOPIC_CACHE_MATCHES_MAX / 2;

export class TopicMemo {
  #young = new Map<string, readonly string[]>();
  #old = new Map<string, readonly string[]>();
  #youngMatches = 0;

  /** Returns the cached matches of a topic; undefined if there are none. */
  get(topic: string): readonly string[] | undefined {
    const found = this.#young.get(topic);
    if (found !== undefined) return found;
    const older = this.#old.get(topic);
    if (older !== undefined) this.set(topic, older);
    return older;
  }

  /** Caches the matches of a topic, unless the topic alone exceeds the limit of a generation. */
  set(topic: string, texts: readonly string[]): void {
    if (texts.length > GENERATION_MATCHES_MAX) return;
    if (this.#young.size >= GENERATION_TOPICS_MAX || this.#youngMatches + texts.length > GENERATION_MATCHES_MAX) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngMatches = 0;
    }
    this.#young.set(topic, texts);
    this.#youngMatches += texts.length;
  }

  clear(): void {
    if (this.#young.size > 0) this.#young = new Map();
    if (this.#old.size > 0) this.#old = new Map();
    this.#youngMatches = 0;
  }
}
