/**
 * Compiles one segment of a topic pattern. The grammar is that of path.Match in Go, except that `/` is an ordinary
 * character. Rules that old versions have stored use the same grammar. Pure, any thread.
 *
 * `[^a]` negates a class; `[!a]` does not. In a class, `-` and `]` must be escaped where a character is expected, so
 * `[]`, `[]a]`, `[-a]` and `[a-]` are malformed. An inverted range such as `[z-a]` contains no character.
 */
import type { SegmentGlob } from "../../base/segment-glob.js";
import {
  compileSegment,
  type ReadCharacter,
  readCharacter,
  type ReadClass,
  type SegmentDialect,
  SegmentProblem,
} from "../../base/segment-syntax.js";

const MALFORMED = new SegmentProblem("is malformed");

/**
 * Reads one character of a class, which may be escaped with `\`. Returns undefined if no character is allowed at this
 * offset.
 */
function readMember(text: string, at: number): ReadCharacter | undefined {
  const first = text[at];
  return first === "-" || first === "]" ? undefined : readCharacter(text, at);
}

function readClass(text: string, at: number): ReadClass | SegmentProblem {
  const negated = text[at] === "^";
  let from = negated ? at + 1 : at;
  const bounds: number[] = [];
  for (;;) {
    if (text[from] === "]" && bounds.length > 0) return { negated, bounds, next: from + 1 };
    const low = readMember(text, from);
    const high = low !== undefined && text[low.next] === "-" ? readMember(text, low.next + 1) : low;
    if (low === undefined || high === undefined) return MALFORMED;
    bounds.push(low.codePoint, high.codePoint);
    from = high.next;
  }
}

const DIALECT: SegmentDialect = { readEscape: (text, at) => readCharacter(text, at) ?? MALFORMED, readClass };

/**
 * Compiles one segment of a topic pattern. The text must be well-formed Unicode. Returns undefined if the segment is
 * malformed.
 */
export function compileTopicSegment(text: string): SegmentGlob | undefined {
  const compiled = compileSegment(text, DIALECT);
  return compiled instanceof SegmentProblem ? undefined : compiled;
}
