/**
 * Which of many distinct patterns match a topic. Lives on the front, in the hub; counting who holds a
 * pattern is the hub's.
 *
 * Every pattern is filed in exactly one bucket, under a literal that any topic it matches must contain:
 * the whole topic, a whole segment, the start or end of a segment, or a run inside one; of those it has,
 * the one whose bucket is smallest, so that `svc.17.*` lands under `17`, not with ten thousand others
 * under `svc`. A topic opens the few buckets of the literals it contains and asks each pattern in them.
 * Patterns without any literal are asked for every topic.
 */
import { TOPIC_CACHE_MATCHES_MAX, TOPIC_CACHE_TOPICS_MAX } from "../../schemas/limits.js";
import type { Pattern } from "./pattern.js";

/** Runs inside a segment are filed by pieces of 1, 2, 4 … characters: few lengths, few lookups. */
const PIECE_CHARS_MAX = 32;

class Bucket {
  readonly patterns: Pattern[] = [];
  /** The last match that opened it: a topic may contain its literal twice. */
  opened_by = 0;
}

/** Buckets of one kind of literal, with the lengths that occur, so that only those are looked up. */
class LiteralTable {
  readonly #buckets = new Map<string, Bucket>();
  readonly #keys_by_length = new Map<number, number>();
  /** Distinct key lengths, ascending. */
  lengths: readonly number[] = [];

  get(key: string): Bucket | undefined {
    return this.#buckets.get(key);
  }

  sizeOf(key: string): number {
    return this.#buckets.get(key)?.patterns.length ?? 0;
  }

  add(key: string, pattern: Pattern): void {
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = new Bucket();
      this.#buckets.set(key, bucket);
      this.#countLength(key.length, 1);
    }
    bucket.patterns.push(pattern);
  }

  delete(key: string, pattern: Pattern): void {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return;
    removeFrom(bucket.patterns, pattern);
    if (bucket.patterns.length > 0) return;
    this.#buckets.delete(key);
    this.#countLength(key.length, -1);
  }

  #countLength(length: number, change: 1 | -1): void {
    const before = this.#keys_by_length.get(length) ?? 0;
    if (before + change === 0) this.#keys_by_length.delete(length);
    else this.#keys_by_length.set(length, before + change);
    if (before === 0 || before + change === 0) this.lengths = [...this.#keys_by_length.keys()].sort((a, b) => a - b);
  }
}

function removeFrom(patterns: Pattern[], pattern: Pattern): void {
  const at = patterns.indexOf(pattern);
  const last = patterns.pop();
  if (last !== undefined && last !== pattern) patterns[at] = last;
}

interface Place {
  readonly table: LiteralTable;
  readonly key: string;
}

interface Entry {
  readonly pattern: Pattern;
  /** Undefined for a pattern without literals. */
  readonly place: Place | undefined;
}

export class PatternIndex {
  readonly #entries = new Map<string, Entry>();
  readonly #topics = new LiteralTable();
  readonly #segments = new LiteralTable();
  readonly #prefixes = new LiteralTable();
  readonly #suffixes = new LiteralTable();
  readonly #pieces = new LiteralTable();
  readonly #without_literal: Pattern[] = [];
  #match_number = 0;
  readonly #memo = new TopicMemo();

  /** Distinct patterns. */
  get size(): number {
    return this.#entries.size;
  }

  /** Adds a pattern; one whose text is there already changes nothing. */
  add(pattern: Pattern): void {
    if (this.#entries.has(pattern.text)) return;
    const place = this.#placeFor(pattern);
    if (place === undefined) this.#without_literal.push(pattern);
    else place.table.add(place.key, pattern);
    this.#entries.set(pattern.text, { pattern, place });
    this.#memo.clear();
  }

  /** Takes the pattern with this text out; one that is not there changes nothing. */
  delete(text: string): void {
    const entry = this.#entries.get(text);
    if (entry === undefined) return;
    this.#entries.delete(text);
    const { pattern, place } = entry;
    if (place === undefined) removeFrom(this.#without_literal, pattern);
    else place.table.delete(place.key, pattern);
    this.#memo.clear();
  }

  /** The texts of the patterns that match, each once, in no particular order. The array is shared: do not change it. */
  match(topic: string): readonly string[] {
    return this.#memo.get(topic) ?? this.#memo.set(topic, this.#find(topic));
  }

  #find(topic: string): string[] {
    const found: string[] = [];
    const topic_segments = topic.split(".");
    const number = ++this.#match_number;

    const ask = (patterns: readonly Pattern[]): void => {
      for (const pattern of patterns) if (pattern.matchesSegments(topic_segments)) found.push(pattern.text);
    };
    const open = (bucket: Bucket | undefined): void => {
      if (bucket === undefined || bucket.opened_by === number) return;
      bucket.opened_by = number;
      ask(bucket.patterns);
    };

    ask(this.#without_literal);
    open(this.#topics.get(topic));
    for (const segment of topic_segments) {
      open(this.#segments.get(segment));
      for (const length of this.#prefixes.lengths) {
        if (length > segment.length) break;
        open(this.#prefixes.get(segment.slice(0, length)));
      }
      for (const length of this.#suffixes.lengths) {
        if (length > segment.length) break;
        open(this.#suffixes.get(segment.slice(segment.length - length)));
      }
      for (const length of this.#pieces.lengths) {
        for (let at = 0; at + length <= segment.length; at++) open(this.#pieces.get(segment.slice(at, at + length)));
      }
    }
    return found;
  }

  /** The place with the smallest bucket; of equals the first, and those that are cheap to look up come first. */
  #placeFor(pattern: Pattern): Place | undefined {
    let best: Place | undefined;
    let best_size = Number.POSITIVE_INFINITY;
    for (const place of this.#placesOf(pattern)) {
      const size = place.table.sizeOf(place.key);
      if (size < best_size) {
        best = place;
        best_size = size;
      }
    }
    return best;
  }

  #placesOf({ segments }: Pattern): Place[] {
    const literals = segments.map((segment) => segment?.literal);
    if (!literals.includes(undefined)) return [{ table: this.#topics, key: literals.join(".") }];

    const places: Place[] = [];
    for (const literal of literals) if (literal !== undefined) places.push({ table: this.#segments, key: literal });
    for (const segment of segments) {
      if (segment === null || segment.literal !== undefined) continue;
      const { prefix, suffix } = segment.runs;
      if (prefix !== "") places.push({ table: this.#prefixes, key: prefix });
      if (suffix !== "") places.push({ table: this.#suffixes, key: suffix });
    }
    for (const segment of segments) {
      for (const run of segment?.runs.inner ?? []) {
        const length = pieceLength(run.length);
        for (let at = 0; at + length <= run.length; at++) places.push({ table: this.#pieces, key: run.slice(at, at + length) });
      }
    }
    return places;
  }
}

/** The largest power of two that is at most `run_length`, up to PIECE_CHARS_MAX. */
function pieceLength(run_length: number): number {
  let length = 1;
  while (length * 2 <= run_length && length < PIECE_CHARS_MAX) length *= 2;
  return length;
}

/**
 * What was found for the topics seen last, in two generations: when the young one is full it becomes the
 * old one, and what is asked for again moves back. Bounded by topics and by matches kept.
 */
class TopicMemo {
  #young = new Map<string, readonly string[]>();
  #old = new Map<string, readonly string[]>();
  #young_matches = 0;

  get(topic: string): readonly string[] | undefined {
    const found = this.#young.get(topic);
    if (found !== undefined) return found;
    const older = this.#old.get(topic);
    return older === undefined ? undefined : this.set(topic, older);
  }

  set(topic: string, texts: readonly string[]): readonly string[] {
    if (texts.length > TOPIC_CACHE_MATCHES_MAX / 2) return texts;
    if (this.#young.size >= TOPIC_CACHE_TOPICS_MAX / 2 || this.#young_matches + texts.length > TOPIC_CACHE_MATCHES_MAX / 2) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#young_matches = 0;
    }
    this.#young.set(topic, texts);
    this.#young_matches += texts.length;
    return texts;
  }

  clear(): void {
    if (this.#young.size > 0) this.#young = new Map();
    if (this.#old.size > 0) this.#old = new Map();
    this.#young_matches = 0;
  }
}
