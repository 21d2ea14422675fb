/**
 * Compiles globs over file paths, as in a rule's `applies_to`. Braces are expanded first. Then the glob and the path
 * are split at each `/`, and file-segment.ts matches their segments. So `*` and `?` do not match a `/`. A segment `**`
 * matches any number of segments, including none. A `\` in a path counts as `/`, because Windows uses it. Glob and path
 * are compared in NFC. Pure.
 */
import { GLOB_ALTERNATIVES_MAX } from "../../../schemas/limits/names.js";
import { BraceProblem, expandBraces } from "../../base/brace-expansion.js";
import { pathGlobProblem } from "../../base/path-problem.js";
import { matchSegments, type SegmentMatcher } from "../../base/segment-sequence.js";
import { SegmentProblem } from "../../base/segment-syntax.js";
import { compileTopicSegment } from "../../platform/topics/topic-segment.js";
import { compileFileSegment, FILE_ESCAPABLE } from "./file-segment.js";

const MANY = "**";
/** The minimum number of path segments that a segment `**` matches. */
const MANY_MIN = 0;
const NOTHING: SegmentMatcher = { matches: () => false };

export interface FileGlob {
  /**
   * The number of globs to which the braces expand (2 for `*.{ts,js}`). The glob also matches a name that contains the
   * braces literally; that does not count as an alternative.
   */
  readonly alternatives: number;
  /** @param path the segments of the path */
  matches(path: readonly string[]): boolean;
}

/**
 * The reason why a glob is malformed. The text continues a sentence whose subject is the glob ("it has a [ without …").
 */
export class GlobProblem {
  constructor(readonly problem: string) {}
}

/** Splits a path into its segments. Drops each segment `.`, because it does not change the path. */
export function splitPath(path: string): string[] {
  const segments = path.normalize("NFC").replaceAll("\\", "/").split("/");
  return segments.filter((segment) => segment !== ".");
}

/** Compiles a glob. */
export function compileFileGlob(text: string): FileGlob | GlobProblem {
  const alternatives = expandBraces(text.normalize("NFC"));
  if (alternatives instanceof BraceProblem) return new GlobProblem(alternatives.problem);
  const compiled: (readonly (SegmentMatcher | null)[])[] = [];
  for (const alternative of alternatives) {
    const problem = pathGlobProblem(alternative, FILE_ESCAPABLE);
    if (problem !== null) return new GlobProblem(problem);
    const tokens: (SegmentMatcher | null)[] = [];
    for (const part of alternative.split("/")) {
      const token = part === MANY ? null : compileFileSegment(part);
      if (token instanceof SegmentProblem) return new GlobProblem(token.problem);
      tokens.push(token);
    }
    compiled.push(tokens);
  }
  return {
    alternatives: Math.min(compiled.length, GLOB_ALTERNATIVES_MAX),
    matches: (path) => compiled.some((tokens) => matchSegments(tokens, path, MANY_MIN)),
  };
}

/**
 * Compiles a stored glob. An older version may have stored a glob that is no longer valid. Such a glob matches the same
 * paths as in the older version.
 */
export function compileStoredGlob(text: string): FileGlob {
  const glob = compileFileGlob(text);
  if (!(glob instanceof GlobProblem)) return glob;
  const tokens = text.split("/").map((part) => (part === MANY ? null : (compileTopicSegment(part) ?? NOTHING)));
  return { alternatives: 1, matches: (path) => matchSegments(tokens, path, MANY_MIN) };
}
