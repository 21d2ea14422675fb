/**
 * Compiles one segment of the glob in a lease's resource. In this dialect, `\` escapes only the characters of
 * PATH_ESCAPABLE. Before any other character it is literal, so every text is valid.
 *
 * The dialect has no character classes. So path-glob.ts can compute exactly whether two globs meet. Pure, any thread.
 */
import { must } from "./assert.js";
import type { SegmentGlob } from "./segment-glob.js";
import { compileSegment, type SegmentDialect, SegmentProblem } from "./segment-syntax.js";

/**
 * The characters that `\` makes literal. They are the wildcards, and the characters that other code rejects (blanks at
 * an end, list separators) or expands (braces). All of them are ASCII.
 */
export const PATH_ESCAPABLE = "*?\\{},;|! ";

const DIALECT: SegmentDialect = {
  readEscape: (text, at) => {
    const escapes = at + 1 < text.length && PATH_ESCAPABLE.includes(text[at + 1] as string);
    const from = escapes ? at + 1 : at;
    return { codePoint: text.charCodeAt(from), next: from + 1 };
  },
  readClass: null,
};

/** Compiles one segment of a resource. */
export function compilePathSegment(text: string): SegmentGlob {
  const compiled = compileSegment(text, DIALECT);
  return must(compiled instanceof SegmentProblem ? undefined : compiled, "no segment of a resource is malformed");
}
