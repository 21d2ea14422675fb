/**
 * The dialect of leased resources: it reads one segment without classes. `\` makes only the characters of
 * PATH_ESCAPABLE literal. Everything else is literal, so no text is malformed. Without classes, it can be computed
 * exactly whether two globs meet (path-glob.ts). Pure, any thread.
 */
import { must } from "./assert.js";
import type { SegmentGlob } from "./segment-glob.js";
import { compileSegment, type SegmentDialect, SegmentProblem } from "./segment-syntax.js";

/**
 * The characters that `\` makes literal. They are the wildcards, and characters that other code rejects or expands. All
 * of them are ASCII.
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
