/**
 * Compiles one segment of a rule's glob: `*`, `?`, `\`, and character classes as in gitignore. `[!a]` and `[^a]` negate
 * a class. In a class, a `]` at the beginning and a `-` at either end are literal, and `[:digit:]` names a set. A
 * segment also matches the file name that it spells literally, because many projects have folders such as `app/[id]`.
 * Pure. https://git-scm.com/docs/gitignore
 */
import {
  ANY,
  type CharacterClass,
  CLASS_BASE,
  readCharacter,
  type SegmentGlob,
  segmentGlob,
  STAR,
} from "../base/segment-glob.js";
import { shorten } from "../base/shorten.js";

/** The characters that a preceding `\` makes literal in a rule's glob. */
export const FILE_ESCAPABLE = "*?[]{}!^,;|-# ";

export interface FileSegment {
  matches(segment: string): boolean;
}

/** Why a segment is malformed. The text continues a sentence whose subject is the glob. */
export class SegmentProblem {
  constructor(readonly problem: string) {}
}

/**
 * The named sets of ASCII characters, as ranges. Every two characters are the first and the last character of a range.
 */
const SETS: Readonly<Record<string, string>> = {
  alnum: "09AZaz",
  alpha: "AZaz",
  blank: "  \t\t",
  cntrl: "\0\x1f\x7f\x7f",
  digit: "09",
  graph: "!~",
  lower: "az",
  print: " ~",
  punct: "!/:@[`{~",
  space: "\t\r  ",
  upper: "AZ",
  xdigit: "09AFaf",
};
const OPEN = new SegmentProblem("has a [ without its ]: write \\[ for one in a name");

/** Compiles a segment without braces. */
export function compileFileSegment(text: string): FileSegment | SegmentProblem {
  const tokens: number[] = [];
  /** The same as `tokens`, but each class is spelled out as its characters. */
  const spelled: number[] = [];
  const classes: CharacterClass[] = [];
  for (let at = 0; at < text.length; ) {
    const character = text[at];
    if (character === "*" || character === "?") {
      const token = character === "*" ? STAR : ANY;
      tokens.push(token);
      spelled.push(token);
      at++;
    } else if (character === "[") {
      const read = readClass(text, at + 1);
      if (read instanceof SegmentProblem) return read;
      tokens.push(CLASS_BASE - classes.length);
      for (const one of text.slice(at, read.next)) spelled.push(one.codePointAt(0) as number);
      classes.push(read.parsed);
      at = read.next;
    } else {
      const read = readCharacter(text, at);
      if (read === undefined) return new SegmentProblem("has a \\ that escapes nothing: write /");
      tokens.push(read.codePoint);
      spelled.push(read.codePoint);
      at = read.next;
    }
  }
  const glob = segmentGlob(text, withoutDoubleStars(tokens), classes);
  return classes.length === 0 ? glob : eitherOf(glob, segmentGlob(text, withoutDoubleStars(spelled), []));
}

function eitherOf(one: SegmentGlob, other: SegmentGlob): FileSegment {
  return { matches: (segment) => one.matches(segment) || other.matches(segment) };
}

function withoutDoubleStars(tokens: readonly number[]): number[] {
  return tokens.filter((token, at) => token !== STAR || tokens[at - 1] !== STAR);
}

/** Reads a character class. Its `[` is the character before `start`. */
function readClass(text: string, start: number): { parsed: CharacterClass; next: number } | SegmentProblem {
  const negated = text[start] === "!" || text[start] === "^";
  const first = negated ? start + 1 : start;
  const bounds: number[] = [];
  for (let at = first; ; ) {
    if (text[at] === "]" && at > first) return { parsed: { negated, bounds }, next: at + 1 };
    const set = /^\[:([a-z]*):\]/.exec(text.slice(at))?.[1];
    if (set !== undefined) {
      if (SETS[set] === undefined) return new SegmentProblem(`has the unknown class [:${shorten(set)}:]`);
      for (const bound of SETS[set]) bounds.push(bound.codePointAt(0) as number);
      at += set.length + "[::]".length;
      continue;
    }
    const low = readCharacter(text, at);
    if (low === undefined) return OPEN;
    const isRange = text[low.next] === "-" && text[low.next + 1] !== "]" && text[low.next + 1] !== undefined;
    const high = isRange ? readCharacter(text, low.next + 1) : low;
    if (high === undefined) return OPEN;
    if (high.codePoint < low.codePoint) return invertedRange(text.slice(at, high.next));
    bounds.push(low.codePoint, high.codePoint);
    at = high.next;
  }
}

function invertedRange(range: string): SegmentProblem {
  return new SegmentProblem(`has the range ${range}, which ends before it begins: write \\[ where [ is part of a name`);
}
