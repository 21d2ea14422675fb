/**
 * Globs over the paths of files, as a rule's `applies_to` has them. Pure. Both sides are split on `/` (and
 * a `\` in a path counts as one: Windows), segments are matched by base/segment-glob.ts, so `*` and `?` do
 * not cross a `/`. A segment `**` stands for any number of segments, none included.
 */
import { compileSegment, type SegmentGlob } from "../base/segment-glob.js";

const MANY = "**";

export interface FileGlob {
  /** @param path its segments */
  matches(path: readonly string[]): boolean;
}

/** The segments of a path, as globs take them. */
export function splitPath(path: string): string[] {
  return path.replaceAll("\\", "/").split("/");
}

function matchSegments(tokens: readonly (SegmentGlob | null)[], path: readonly string[]): boolean {
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
      // Only the last `**` needs to take more: what an earlier one would free, the last one can take as well.
      at = ++many_at;
      token_at = many_token + 1;
    } else {
      return false;
    }
  }
  while (tokens[token_at] === null) token_at++;
  return token_at === tokens.length;
}

/** Compiles a glob; undefined where it is malformed or empty. */
export function compileFileGlob(text: string): FileGlob | undefined {
  if (text === "") return undefined;
  const tokens: (SegmentGlob | null)[] = [];
  for (const part of text.split("/")) {
    const token = part === MANY ? null : compileSegment(part);
    if (token === undefined) return undefined;
    tokens.push(token);
  }
  return { matches: (path) => matchSegments(tokens, path) };
}
