/**
 * Compiles globs over file paths, as in a rule's `applies_to`. Braces are expanded first. Then the glob and the path
 * are split at each `/`, and their segments are matched by file-segment.ts, so `*` and `?` do not match a `/`. A
 * segment `**` matches any number of segments, including none. A `\` in a path counts as `/`, because Windows uses it.
 * Glob and path are compared in NFC. Pure.
 */
import { GLOB_ALTERNATIVES_MAX } from "../../schemas/limits/names.js";
import { BraceProblem, expandBraces } from "../base/brace-expansion.js";
import { pathGlobProblem } from "../base/path-problem.js";
import { compileSegment } from "../base/segment-glob.js";
import { compileFileSegment, FILE_ESCAPABLE, type FileSegment, SegmentProblem } from "./file-segment.js";

const MANY = "**";
const NOTHING: FileSegment = { matches: () => false };

export interface FileGlob {
  /** The number of globs without braces that the glob expands to. The one with literal braces is not counted. */
  readonly alternatives: number;
  /** @param path the segments of the path */
  matches(path: readonly string[]): boolean;
}

/** Why a glob is malformed. The text continues a sentence whose subject is the glob. */
export class GlobProblem {
  constructor(readonly problem: string) {}
}

/** Splits a path into the segments that globs match. A segment `.` is dropped, because it does not change the path. */
export function splitPath(path: string): string[] {
  const segments = path.normalize("NFC").replaceAll("\\", "/").split("/");
  return segments.filter((segment) => segment !== ".");
}

function matchSegments(tokens: readonly (FileSegment | null)[], path: readonly string[]): boolean {
  let token_at = 0;
  let at = 0;
  let many_token = -1;
  let many_at = 0;
  while (at < path.length) {
    const token = tokens[token_at];
    if (token === null) {
      many_token = token_at++;
      many_at = at;
    } else if (token !== undefined && token.matches(path[at] ?? "")) {
      token_at++;
      at++;
    } else if (many_token >= 0) {
      // The last `**` now matches one more segment. Earlier ones need not be tried again, because the last one can
      // match every segment that they would leave to it.
      at = ++many_at;
      token_at = many_token + 1;
    } else {
      return false;
    }
  }
  while (tokens[token_at] === null) token_at++;
  return token_at === tokens.length;
}

/** Compiles a glob. */
export function compileFileGlob(text: string): FileGlob | GlobProblem {
  const alternatives = expandBraces(text.normalize("NFC"));
  if (alternatives instanceof BraceProblem) return new GlobProblem(alternatives.problem);
  const compiled: (readonly (FileSegment | null)[])[] = [];
  for (const alternative of alternatives) {
    const problem = pathGlobProblem(alternative, FILE_ESCAPABLE);
    if (problem !== null) return new GlobProblem(problem);
    const tokens: (FileSegment | null)[] = [];
    for (const part of alternative.split("/")) {
      const token = part === MANY ? null : compileFileSegment(part);
      if (token instanceof SegmentProblem) return new GlobProblem(token.problem);
      tokens.push(token);
    }
    compiled.push(tokens);
  }
  return {
    alternatives: Math.min(compiled.length, GLOB_ALTERNATIVES_MAX),
    matches: (path) => compiled.some((tokens) => matchSegments(tokens, path)),
  };
}

/**
 * Compiles a stored glob. If an older version has stored it, the glob may be one that is not accepted any more. It then
 * matches the same paths as in that version.
 */
export function compileStoredGlob(text: string): FileGlob {
  const glob = compileFileGlob(text);
  if (!(glob instanceof GlobProblem)) return glob;
  const tokens = text.split("/").map((part) => (part === MANY ? null : (compileSegment(part) ?? NOTHING)));
  return { alternatives: 1, matches: (path) => matchSegments(tokens, path) };
}
