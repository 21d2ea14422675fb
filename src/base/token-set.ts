/**
 * Matches one segment's pattern with bit sets (a bit-parallel NFA). Each bit stands for a position in the pattern's
 * tokens, and a word has 32 bits. All positions that are possible after a part of the text advance together. So
 * matching never backtracks, and a character costs one word operation for each 32 tokens. `meets` works the same way
 * with another pattern in place of a text. Pure but for its cache.
 */
import { must } from "./assert.js";

/**
 * A token, which matches one character: a given code point, any character ("any"), or a character that a function
 * accepts. `null` is a gap, which matches any number of arbitrary characters.
 */
export type TokenTest = number | "any" | ((codePoint: number) => boolean) | null;

/**
 * The minimum number of function tokens with which the set uses its cache. With fewer, calling the functions is as fast
 * as the cache, and the cache would take memory.
 */
const CACHED_TESTS_MIN = 9;
/** The maximum number of characters in the cache. When it is full, it is cleared. */
const CHARACTERS_KEPT = 128;
const WORD = 32;
/**
 * The costs, in looks (segment-glob.ts), of reading a character, of advancing one word of positions, and of adding a
 * cache entry.
 */
const CHARACTER_LOOKS = 1;
const WORD_LOOKS = 0.5;
const CACHING_LOOKS = 20;
/** The costs, in looks, of building a set and of adding a token to it. */
const BUILDING_LOOKS = 100;
const TOKEN_LOOKS = 16;

export class TokenSet {
  readonly #length: number;
  readonly #words: number;
  /** The positions of the gaps, as a bit set. */
  readonly #gaps: Int32Array;
  /** The positions of all other tokens, as a bit set. */
  readonly #single: Int32Array;
  /** The positions whose token matches any character, as a bit set. */
  readonly #any: Int32Array;
  readonly #literal = new Map<number, Int32Array>();
  readonly #tests: { readonly at: number; readonly test: (codePoint: number) => boolean }[] = [];
  /** Caches the positions that match a character. It is used only if many tokens are functions (CACHED_TESTS_MIN). */
  readonly #fitting = new Map<number, Int32Array>();
  /** The positions that match the current character. It is used instead of the cache if few tokens are functions. */
  readonly #current: Int32Array;

  /** @param tokens the tokens; no two gaps may follow each other */
  constructor(tokens: readonly TokenTest[]) {
    this.#length = tokens.length;
    this.#words = wordsOf(tokens.length);
    this.#current = this.#none();
    this.#gaps = this.#none();
    this.#single = this.#none();
    this.#any = this.#none();
    for (const [at, token] of tokens.entries()) {
      setBit(token === null ? this.#gaps : this.#single, at);
      if (token === "any") setBit(this.#any, at);
      else if (typeof token === "function") this.#tests.push({ at, test: token });
      else if (token !== null) {
        let places = this.#literal.get(token);
        if (places === undefined) {
          places = this.#none();
          this.#literal.set(token, places);
        }
        setBit(places, at);
      }
    }
    for (const places of this.#literal.values()) join(places, this.#any);
  }

  /** Returns the maximum cost of building a set, in looks. */
  static looksOfBuilding(tokens: number): number {
    return BUILDING_LOOKS + tokens * (TOKEN_LOOKS + wordsOf(tokens));
  }

  /**
   * Returns the maximum cost, in looks, of matching one character. The work of the function tokens is not included. The
   * maximum is the cost of a character that is not in the cache.
   * @param functions the number of tokens that are functions
   */
  static looksACharacter(tokens: number, functions: number): number {
    return (
      CHARACTER_LOOKS + wordsOf(tokens) * WORD_LOOKS + functions + (functions < CACHED_TESTS_MIN ? 0 : CACHING_LOOKS)
    );
  }

  /** Returns whether the tokens match a text. */
  matches(text: string): boolean {
    const run = new Run(this.#words, this.#gaps);
    for (let at = 0; at < text.length; ) {
      const codePoint = text.codePointAt(at) as number;
      at += codePoint > 0xffff ? 2 : 1;
      if (!run.take(this.#fitted(codePoint))) return false;
    }
    return run.has(this.#length);
  }

  /** Returns whether some text matches both patterns. No token may be a function. */
  meets(others: readonly TokenTest[]): boolean {
    const run = new Run(this.#words, this.#gaps);
    for (const token of others) {
      if (token === null) run.fill(this.#length);
      else if (!run.take(token === "any" ? this.#single : this.#fitted(token as number))) return false;
    }
    return run.has(this.#length);
  }

  /** Returns the positions that a character matches. */
  #fitted(codePoint: number): Int32Array {
    const literal = this.#literal.get(codePoint) ?? this.#any;
    if (this.#tests.length === 0) return literal;
    if (this.#tests.length < CACHED_TESTS_MIN) {
      this.#current.set(literal);
      for (const { at, test } of this.#tests) if (test(codePoint)) setBit(this.#current, at);
      return this.#current;
    }
    const known = this.#fitting.get(codePoint);
    if (known !== undefined) return known;
    const places = Int32Array.from(literal);
    for (const { at, test } of this.#tests) if (test(codePoint)) setBit(places, at);
    if (this.#fitting.size >= CHARACTERS_KEPT) this.#fitting.clear();
    this.#fitting.set(codePoint, places);
    return places;
  }

  #none(): Int32Array {
    return new Int32Array(this.#words);
  }
}

/** Tracks the positions in the tokens that are possible after the characters that were read so far. */
class Run {
  readonly #places: Int32Array;
  readonly #gaps: Int32Array;

  constructor(words: number, gaps: Int32Array) {
    this.#places = new Int32Array(words);
    this.#gaps = gaps;
    this.#places[0] = 1;
    this.#passGaps();
  }

  /**
   * Advances by one character.
   * @param fitting the positions of the tokens that match the character
   * @returns false if no position is possible any more
   */
  take(fitting: Int32Array): boolean {
    const places = this.#places;
    const gaps = this.#gaps;
    let carry = 0;
    let left = 0;
    for (let word = 0; word < places.length; word++) {
      const now = places[word] as number;
      const moved = now & (fitting[word] as number);
      // A gap takes the character, and its own position remains possible.
      const next = (moved << 1) | carry | (now & (gaps[word] as number));
      carry = moved >>> (WORD - 1);
      places[word] = next;
      left |= next;
    }
    if (left === 0) return false;
    this.#passGaps();
    return true;
  }

  /**
   * Advances by any number of arbitrary characters, as for a gap in the other pattern. Every position from the first
   * possible one up to `through` becomes possible.
   */
  fill(through: number): void {
    const places = this.#places;
    const first = places.findIndex((word) => word !== 0);
    const word = must(places[first], "a run that leads nowhere has ended");
    // Set all bits above the lowest set bit.
    places[first] = word | -word;
    places.fill(-1, first + 1);
    const last = Math.floor(through / WORD);
    const bits = through % WORD;
    if (bits < WORD - 1) places[last] = (places[last] as number) & ((1 << (bits + 1)) - 1);
  }

  has(place: number): boolean {
    return ((this.#places[Math.floor(place / WORD)] as number) & (1 << (place % WORD))) !== 0;
  }

  /** Adds the position after each gap that was reached, because a gap may match no character. */
  #passGaps(): void {
    const places = this.#places;
    let carry = 0;
    for (let word = 0; word < places.length; word++) {
      const now = places[word] as number;
      const atGap = now & (this.#gaps[word] as number);
      // `carry` is never the position of a gap, because no two gaps follow each other.
      places[word] = now | (atGap << 1) | carry;
      carry = atGap >>> (WORD - 1);
    }
  }
}

/** Returns the number of words for a bit set with one bit for each token and one for the end. */
function wordsOf(tokens: number): number {
  return Math.floor(tokens / WORD) + 1;
}

function setBit(places: Int32Array, at: number): void {
  const word = Math.floor(at / WORD);
  places[word] = (places[word] as number) | (1 << (at % WORD));
}

function join(places: Int32Array, others: Int32Array): void {
  for (let word = 0; word < places.length; word++) places[word] = (places[word] as number) | (others[word] as number);
}
