/**
 * Compiles one segment of a rule's glob. Character classes work as in gitignore. `[!a]` and `[^a]` negate a class. A
 * `]` at the beginning and a `-` at either end are literal. `[:digit:]` names a set. A segment also matches the file
 * name that is spelled exactly like it, because many projects have folders such as `app/[id]`. Pure.
 * https://git-scm.com/docs/gitignore
 */
import { CLASS_BASE, segmentGlob, type SegmentTokens } from "../../base/segment-glob.js";
import type { SegmentMatcher } from "../../base/segment-sequence.js";
import {
  readCharacter,
  type ReadClass,
  readSegment,
  type SegmentDialect,
  SegmentProblem,
} from "../../base/segment-syntax.js";
import { shorten } from "../../../shared/shorten.js";

/** The characters that a rule's glob can escape with a `\`. */
export const FILE_ESCAPABLE = "*?[]{}!^,;|-# ";

/**
 * The named sets of ASCII characters, as ranges. Each pair of characters is the first and the last character of a range
 * ("09AFaf" is 0-9, A-F and a-f).
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
const NOTHING_ESCAPED = new SegmentProblem("has a \\ that escapes nothing: write /");
const OPEN = new SegmentProblem("has a [ without its ]: write \\[ for one in a name");

/** Reads a class that begins at `start`, after its `[`. */
function readClass(text: string, start: number): ReadClass | SegmentProblem {
  const negated = text[start] === "!" || text[start] === "^";
  const first = negated ? start + 1 : start;
  const bounds: number[] = [];
  for (let at = first; ; ) {
    if (text[at] === "]" && at > first) return { negated, bounds, next: at + 1 };
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

const DIALECT: SegmentDialect = { readEscape: (text, at) => readCharacter(text, at) ?? NOTHING_ESCAPED, readClass };

/** Compiles a segment that has no braces. */
export function compileFileSegment(text: string): SegmentMatcher | SegmentProblem {
  const read = readSegment(text, DIALECT);
  if (read instanceof SegmentProblem) return read;
  const glob = segmentGlob(text, read);
  if (read.classes.length === 0) return glob;
  const spelled = segmentGlob(text, { tokens: spellClasses(read), classes: [] });
  return { matches: (segment) => glob.matches(segment) || spelled.matches(segment) };
}

/** Replaces each class by its literal spelling. For example, the class `[id]` becomes the four characters "[id]". */
function spellClasses({ tokens, classes }: SegmentTokens): number[] {
  const spelled: number[] = [];
  for (const token of tokens) {
    if (token > CLASS_BASE) spelled.push(token);
    else for (const one of classes[CLASS_BASE - token]?.text ?? "") spelled.push(one.codePointAt(0) as number);
  }
  return spelled;
}
