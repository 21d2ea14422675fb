/**
 * Matches a text against one segment of a glob. All three dialects of globs use this matcher. Pure, any thread.
 *
 * A dialect translates its syntax into tokens. The dialects are topic patterns (topics/topic-segment.ts), resources of
 * leases (path-segment.ts) and files of rules (rules/file-segment.ts). They share the syntax in segment-syntax.ts.
 * segment-sequence.ts handles `**`.
 *
 * picomatch is not used. It has a different grammar, and its regular expressions backtrack: matching `*a*a*a*a*ab`
 * against 120 characters takes 4.8 s. This matcher backtracks only to the last `*`. If that takes long, it switches to
 * a method without backtracking (token-set.ts). For each character of the text, that method takes one word operation
 * for each 32 tokens.
 */
import { TokenSet, type TokenTest } from "./token-set.js";

/**
 * A token is a number. STAR stands for `*`, and ANY for `?`. CLASS_BASE and the numbers below it stand for classes. A
 * number of at least 0 is a literal code point.
 */
export const STAR = -1;
export const ANY = -2;
export const CLASS_BASE = -3;

export interface CharacterClass {
  /** The class as it was written, with its brackets. */
  readonly text: string;
  readonly negated: boolean;
  /** Inclusive bounds, in pairs. */
  readonly bounds: readonly number[];
}

/**
 * The literal texts that every matching segment contains. An index can use them to find the patterns that may match.
 */
export interface LiteralRuns {
  /**
   * The literal texts at the start and at the end of the segment, or "". `inner` has the literal texts between them.
   */
  readonly prefix: string;
  readonly suffix: string;
  readonly inner: readonly string[];
}

export interface SegmentGlob {
  /** The segment as it was written. */
  readonly text: string;
  /**
   * The only text that the segment matches; undefined if it has wildcards. If there is such a text, `runs` is empty.
   */
  readonly literal: string | undefined;
  readonly runs: LiteralRuns;
  /** The tokens of the segment: code points, and negative numbers for wildcards and classes. */
  readonly tokens: readonly number[];
  matches(segment: string): boolean;
  /**
   * Returns the maximum cost, in looks (see `looks`), of matching several texts with the segment.
   * @param texts the number of texts, which are separated by one character each
   * @param characters the UTF-16 units of all texts and separators together
   */
  looksMax(texts: number, characters: number): number;
  /** Returns whether there is a text that both globs match. It supports only globs without classes. */
  meets(other: SegmentGlob): boolean;
}

/**
 * Counts the total cost of all matches in this thread, in looks. A look is the cost of comparing one token with one
 * character, about 0.01 µs. Tests compare the count with `looksMax`.
 */
export const looks = { taken: 0 };

/**
 * The costs, in looks: LOOKS_SHORT for rejecting a text that is too short, and LOOKS_ENDS for checking a text's prefix
 * and suffix.
 */
const LOOKS_SHORT = 4;
const LOOKS_ENDS = 40;
/** How many characters of a prefix or suffix are compared in the time of one look. */
const END_CHARACTERS_A_LOOK = 4;
/**
 * The fixed cost, in looks, of searching a text for a literal. In addition, the search costs at most one look for each
 * character.
 */
const LOOKS_SEARCH = 20;
/** How many bounds of a class are compared in the time of one look. Each range has two bounds. */
const BOUNDS_A_LOOK = 16;

/** Returns the number of UTF-16 units of a code point. */
export function unitsOf(codePoint: number): number {
  return codePoint > 0xffff ? 2 : 1;
}

function classHolds({ negated, bounds }: CharacterClass, codePoint: number): boolean {
  for (let at = 0; at < bounds.length; at += 2) {
    if (codePoint >= (bounds[at] as number) && codePoint <= (bounds[at + 1] as number)) return !negated;
  }
  return negated;
}

/**
 * How many tokens backtracking may check for each character of text and pattern. After that, the matcher switches to
 * the method without backtracking.
 */
const LOOKS_A_CHARACTER = 2;

/**
 * Matches a text by backtracking. Returns null if that takes too many steps.
 * @param looksAToken the cost of one comparison, in looks
 */
function matchTokens(
  tokens: readonly number[],
  classes: readonly CharacterClass[],
  segment: string,
  looksAToken: number,
): boolean | null {
  const looksMax = (tokens.length + segment.length) * LOOKS_A_CHARACTER;
  let looksLeft = looksMax;
  let tokenAt = 0;
  let at = 0;
  let starToken = -1;
  let starAt = 0;
  let matches: boolean | null | undefined;
  while (at < segment.length) {
    if (looksLeft === 0) {
      matches = null;
      break;
    }
    looksLeft--;
    const codePoint = segment.codePointAt(at) as number;
    if (tokenAt < tokens.length) {
      const token = tokens[tokenAt] as number;
      if (token === STAR) {
        starToken = tokenAt++;
        starAt = at;
        if (tokenAt < tokens.length) continue;
        // The last star of the pattern matches the rest of the text.
        matches = true;
        break;
      }
      if (
        token === codePoint ||
        token === ANY ||
        (token <= CLASS_BASE && classHolds(classes[CLASS_BASE - token] as CharacterClass, codePoint))
      ) {
        tokenAt++;
        at += unitsOf(codePoint);
        continue;
      }
    }
    if (starToken < 0) {
      matches = false;
      break;
    }
    // Let the last star match one more character. An earlier star need not match more, because the last star can match
    // every character that the earlier one would leave to it.
    starAt += unitsOf(segment.codePointAt(starAt) as number);
    at = starAt;
    tokenAt = starToken + 1;
  }
  looks.taken += (looksMax - looksLeft) * looksAToken;
  if (matches !== undefined) return matches;
  while (tokens[tokenAt] === STAR) tokenAt++;
  return tokenAt === tokens.length;
}

function literalRuns(tokens: readonly number[]): { all: string | undefined; runs: LiteralRuns } {
  const runs: string[] = [""];
  for (const token of tokens) {
    if (token >= 0) runs[runs.length - 1] += String.fromCodePoint(token);
    else runs.push("");
  }
  if (runs.length === 1) return { all: runs[0] ?? "", runs: { prefix: "", suffix: "", inner: [] } };
  return {
    all: undefined,
    runs: { prefix: runs[0] ?? "", suffix: runs.at(-1) ?? "", inner: runs.slice(1, -1).filter((run) => run !== "") },
  };
}

/** Returns whether the literals occur in the part of a text between two offsets, in order and without overlap. */
function containsInOrder(text: string, from: number, to: number, literals: readonly string[]): boolean {
  let at = from;
  for (const literal of literals) {
    const found = text.indexOf(literal, at);
    if (found < 0 || found + literal.length > to) return false;
    at = found + literal.length;
  }
  return true;
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}

/** Converts tokens into the tests of a TokenSet. */
function testsOf(tokens: readonly number[], classes: readonly CharacterClass[]): TokenTest[] {
  return tokens.map((token): TokenTest => {
    if (token === STAR) return null;
    if (token === ANY) return "any";
    if (token > CLASS_BASE) return token;
    const one = classes[CLASS_BASE - token] as CharacterClass;
    return (codePoint) => classHolds(one, codePoint);
  });
}

function startsMeet(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a);
}

function endsMeet(a: string, b: string): boolean {
  return a.endsWith(b) || b.endsWith(a);
}

/** The tokens into which a dialect has translated a segment. */
export interface SegmentTokens {
  /** Code points, and negative numbers for wildcards and classes. A star never follows another star. */
  readonly tokens: readonly number[];
  /** The classes to which the tokens refer, in the order of their numbers. */
  readonly classes: readonly CharacterClass[];
}

/** Builds the glob of a segment from its tokens. `text` is the segment as it was written. */
export function segmentGlob(text: string, { tokens, classes }: SegmentTokens): SegmentGlob {
  const { all: literal, runs } = literalRuns(tokens);
  if (literal !== undefined) {
    return {
      text,
      literal,
      runs,
      tokens,
      matches: (segment) => segment === literal,
      looksMax: (texts) => texts,
      meets: (other) => other.matches(literal),
    };
  }
  const { prefix, suffix, inner } = runs;
  if (tokens.length === 1 && tokens[0] === STAR)
    return { text, literal, runs, tokens, matches: () => true, looksMax: (texts) => texts, meets: () => true };

  const wildcards = tokens.filter((token) => token < 0);
  const unitsMin =
    prefix.length + suffix.length + inner.join("").length + wildcards.filter((token) => token !== STAR).length;
  const onlyStars = wildcards.every((token) => token === STAR);
  const firstStar = tokens.indexOf(STAR);
  /**
   * True if no star needs a second try with more characters. This is so if there is no star, or if the first one is the
   * last token.
   */
  const isAnchored = firstStar < 0 || firstStar === tokens.length - 1;
  const bounds = classes.map((one) => one.bounds.length);
  const looksAToken = 1 + Math.max(0, ...bounds) / BOUNDS_A_LOOK;
  const endLooks = LOOKS_ENDS + (prefix.length + suffix.length) / END_CHARACTERS_A_LOOK;
  let set: TokenSet | null = null;
  const tokenSet = (): TokenSet => (set ??= new TokenSet(testsOf(tokens, classes)));
  /**
   * The cost, in looks, of matching one character with the token set. `setBuilt` is the cost of building the set, which
   * happens once.
   */
  const setLooks = TokenSet.looksACharacter(tokens.length, classes.length) + sumOf(bounds) / BOUNDS_A_LOOK;
  const setBuilt = TokenSet.looksOfBuilding(tokens.length);
  return {
    text,
    literal,
    runs,
    tokens,
    matches(segment) {
      looks.taken += LOOKS_SHORT;
      if (segment.length < unitsMin) return false;
      looks.taken += endLooks;
      if (!segment.startsWith(prefix) || !segment.endsWith(suffix)) return false;
      if (onlyStars) {
        looks.taken += inner.length === 0 ? 0 : segment.length + inner.length * LOOKS_SEARCH;
        return containsInOrder(segment, prefix.length, segment.length - suffix.length, inner);
      }
      const matched = matchTokens(tokens, classes, segment, looksAToken);
      if (matched !== null) return matched;
      looks.taken += segment.length * setLooks + (set === null ? setBuilt : 0);
      return tokenSet().matches(segment);
    },
    looksMax(texts, characters) {
      const longEnough = Math.min(texts, Math.floor((characters + 1) / (unitsMin + 1)));
      const ends = texts * LOOKS_SHORT + longEnough * endLooks;
      if (longEnough === 0) return ends;
      if (onlyStars) return inner.length === 0 ? ends : ends + characters + longEnough * inner.length * LOOKS_SEARCH;
      if (isAnchored) return ends + longEnough * (tokens.length + 1) * looksAToken;
      const backtracking = (longEnough * tokens.length + characters) * LOOKS_A_CHARACTER;
      return ends + backtracking * looksAToken + characters * setLooks + setBuilt;
    },
    meets(other) {
      if (other.literal !== undefined) return this.matches(other.literal);
      if (!startsMeet(prefix, other.runs.prefix) || !endsMeet(suffix, other.runs.suffix)) return false;
      return tokenSet().meets(testsOf(other.tokens, []));
    },
  };
}
