/**
 * What the pattern index found for the topics seen last. Pure, lives on the front; when it is out of
 * date is the index's to say.
 *
 * Two generations: when the young one is full it becomes the old one, and what is asked for again moves
 * back. Bounded by topics and by the matches kept for them.
 */
import { TOPIC_CACHE_MATCHES_MAX, TOPIC_CACHE_TOPICS_MAX } from "../../schemas/limits.js";

const GENERATION_TOPICS_MAX = TOPIC_CACHE_TOPICS_MAX / 2;
const GENERATION_MATCHES_MAX = TOPIC_CACHE_MATCHES_MAX / 2;

export class TopicMemo {
  #young = new Map<string, readonly string[]>();
  #old = new Map<string, readonly string[]>();
  #young_matches = 0;

  /** What was found for the topic, if that is still known. */
  get(topic: string): readonly string[] | undefined {
    const found = this.#young.get(topic);
    if (found !== undefined) return found;
    const older = this.#old.get(topic);
    if (older !== undefined) this.set(topic, older);
    return older;
  }

  /** Remembers what was found, unless it alone is more than a generation may hold. */
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
