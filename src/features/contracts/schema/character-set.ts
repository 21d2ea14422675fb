/** Represents sets of characters as ranges of code points, and writes them in RE2's syntax. Pure, any thread. */

export type Range = readonly [least: number, most: number];

const LAST = 0x10ffff;
const HIGH: Range = [0xd800, 0xdbff];
const LOW: Range = [0xdc00, 0xdfff];

/** Returns a character in RE2's syntax, which is the same inside and outside a character class. */
function literal(codePoint: number): string {
  const text = String.fromCodePoint(codePoint);
  return /[0-9A-Za-z]/.test(text) ? text : `\\x{${codePoint.toString(16)}}`;
}

function combine(high: number, low: number): number {
  return 0x10000 + ((high - HIGH[0]) << 10) + (low - LOW[0]);
}

export class CharacterSet {
  /** @param ranges in ascending order, without overlaps and without adjacent ranges */
  private constructor(readonly ranges: readonly Range[]) {}

  static of(ranges: readonly Range[]): CharacterSet {
    const joined: [number, number][] = [];
    for (const [least, most] of ranges.toSorted((a, b) => a[0] - b[0])) {
      const last = joined.at(-1);
      if (last !== undefined && least <= last[1] + 1) last[1] = Math.max(last[1], most);
      else joined.push([least, most]);
    }
    return new CharacterSet(joined);
  }

  complement(): CharacterSet {
    const ranges: Range[] = [];
    let next = 0;
    for (const [least, most] of this.ranges) {
      if (least > next) ranges.push([next, least - 1]);
      next = most + 1;
    }
    if (next <= LAST) ranges.push([next, LAST]);
    return new CharacterSet(ranges);
  }

  /** The ranges as text, for use inside a character class. */
  get text(): string {
    return this.ranges
      .map(([least, most]) => (least === most ? literal(least) : `${literal(least)}-${literal(most)}`))
      .join("");
  }

  get isHighSurrogates(): boolean {
    return this.#isWithin(HIGH);
  }

  get isLowSurrogates(): boolean {
    return this.#isWithin(LOW);
  }

  /**
   * Returns each character whose UTF-16 form is a high surrogate from this set, followed by a low surrogate from `low`.
   */
  pairsWith(low: CharacterSet): CharacterSet {
    const pairs: Range[] = [];
    for (const [first, last] of this.ranges) {
      for (const [least, most] of low.ranges) {
        if (least === LOW[0] && most === LOW[1]) pairs.push([combine(first, least), combine(last, most)]);
        else for (let high = first; high <= last; high++) pairs.push([combine(high, least), combine(high, most)]);
      }
    }
    return CharacterSet.of(pairs);
  }

  #isWithin([least, most]: Range): boolean {
    return this.ranges.length > 0 && this.ranges.every((range) => range[0] >= least && range[1] <= most);
  }
}

/** The characters that `\s` matches in ECMAScript. RE2's `\s` matches fewer: for example, it does not match U+00A0. */
export const SPACE = CharacterSet.of([
  [9, 13],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]);

/** The characters that `.` does not match in ECMAScript. */
export const LINE_ENDS = CharacterSet.of([
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
]);

let everyCharacter: string | undefined;
const properties = new Map<string, CharacterSet>();

/**
 * Returns the characters that have a Unicode property; undefined if there is no such property.
 * @param property the property in ECMAScript's syntax, such as `Script=Greek`
 */
export function propertySet(property: string): CharacterSet | undefined {
  let set = properties.get(property);
  if (set === undefined) {
    let runs: RegExp;
    try {
      runs = new RegExp(`\\p{${property}}+`, "gu");
    } catch {
      // The engine does not know the property.
      return undefined;
    }
    // Leave the surrogates out of this string, because two adjacent surrogates would form a pair. The surrogates are
    // tested below.
    everyCharacter ??= charactersOf([0, HIGH[0] - 1]) + charactersOf([LOW[1] + 1, LAST]);
    const ranges = [...everyCharacter.matchAll(runs)].map(([run]): Range => [run.codePointAt(0) ?? 0, lastOf(run)]);
    if (new RegExp(runs.source, "u").test("\ud800")) ranges.push([HIGH[0], LOW[1]]);
    // `everyCharacter` has no surrogates, so a range may extend across them (U+D7FF is followed by U+E000). Remove the
    // surrogates from such a range unless they have the property.
    set = CharacterSet.of(ranges.flatMap(withoutSurrogates(ranges.some(([least]) => least === HIGH[0]))));
    properties.set(property, set);
  }
  return set;
}

function charactersOf([least, most]: Range): string {
  const pieces: string[] = [];
  for (let at = least; at <= most; at += 4096)
    pieces.push(
      String.fromCodePoint(...Array.from({ length: Math.min(4096, most - at + 1) }, (_, offset) => at + offset)),
    );
  return pieces.join("");
}

function lastOf(run: string): number {
  return run.codePointAt(run.length - ((run.charCodeAt(run.length - 1) & 0xfc00) === 0xdc00 ? 2 : 1)) ?? 0;
}

function withoutSurrogates(wanted: boolean): (range: Range) => Range[] {
  return ([least, most]) =>
    wanted || most < HIGH[0] || least > LOW[1]
      ? [[least, most]]
      : [
          [least, HIGH[0] - 1],
          [LOW[1] + 1, most],
        ];
}
