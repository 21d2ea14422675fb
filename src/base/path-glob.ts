/**
 * Compiles globs over paths, and decides whether two globs overlap. The segments of a path are separated by `/`. Pure.
 *
 * In a glob, `*` matches any characters within one segment. `?` matches one code point within a segment. A segment `**`
 * matches any number of segments. `\` makes the next of these characters literal.
 *
 * A glob with wildcards covers the paths that it matches. A glob without wildcards covers its path and everything below
 * the path, because the path may name a directory. Two globs meet if there is a path that both cover. The answer is
 * exact. It is computed with a table over both globs, whose size is at most the product of their lengths.
 *
 * There is one exception. A path with an extension (`a.md`) counts as a file, so a `**` of the other glob matches
 * nothing below it. Without the exception, a lease of `README.md` would conflict with a glob of all `.ts` files,
 * because both would cover `README.md/a.ts`.
 */
import { compilePathSegment } from "./path-segment.js";
import type { SegmentGlob } from "./segment-glob.js";
import { sequencesMeet } from "./sequences-meet.js";

const MANY = "**";
const SPECIAL = /[*?\\]/;
const EXTENSION = /.\.[A-Za-z][A-Za-z0-9]*$/;

/** A segment of a glob. A literal segment is a string, without escapes. `**` is null. */
type Segment = string | SegmentGlob | null;

export interface PathGlob {
  /** The glob as it was written. */
  readonly text: string;
  readonly segments: readonly Segment[];
  /** The literal segments at the start of the glob. Every covered path begins with them. */
  readonly prefix: readonly string[];
  /** True if the glob has no wildcards, so that it names the single path `prefix`. */
  readonly literal: boolean;
  /**
   * The number of segments and characters after the prefix. They limit the cost of comparing the glob with another one.
   */
  readonly size: GlobSize;
}

export interface GlobSize {
  readonly segments: number;
  readonly characters: number;
}

/**
 * Caches compiled segments by their text. It saves work, because the globs from one brace expansion share most
 * segments.
 */
export type KnownSegments = Map<string, SegmentGlob>;

/** Compiles a glob. Every text is a valid glob. */
export function compilePathGlob(text: string, known: KnownSegments = new Map()): PathGlob {
  if (!SPECIAL.test(text)) return literalPathGlob(text);
  const segments: Segment[] = [];
  for (const part of text.split("/")) {
    if (part !== MANY) segments.push(compileSegment(part, known));
    else if (segments.at(-1) !== null) segments.push(null);
  }
  const prefix: string[] = [];
  for (const segment of segments) {
    if (typeof segment !== "string") break;
    prefix.push(segment);
  }
  const literal = prefix.length === segments.length;
  const before = prefix.reduce((sum, { length }) => sum + length + 1, 0);
  const size = literal
    ? sizeOfPath(text, prefix)
    : { segments: segments.length - prefix.length, characters: Math.max(1, text.length - before) };
  return { text, segments, prefix, literal, size };
}

/**
 * Returns the size of a path as a glob. It counts all segments and characters, because only a comparison shows which
 * prefix the path shares with the other glob.
 */
function sizeOfPath(text: string, segments: readonly string[]): GlobSize {
  return { segments: segments.length, characters: text.length };
}

/** Returns the glob that covers one path. All characters of the path are literal. */
export function literalPathGlob(path: string): PathGlob {
  return globOfSegments(path, path.split("/"));
}

/** Returns the glob of a name. The name is not split into segments, so the glob meets only the same name. */
export function nameGlob(name: string): PathGlob {
  return globOfSegments(name, [name]);
}

function globOfSegments(text: string, segments: readonly string[]): PathGlob {
  return { text, segments, prefix: segments, literal: true, size: sizeOfPath(text, segments) };
}

function compileSegment(part: string, known: KnownSegments): Segment {
  if (!SPECIAL.test(part)) return part;
  let glob = known.get(part);
  if (glob === undefined) {
    glob = compilePathSegment(part);
    known.set(part, glob);
  }
  return glob.literal ?? glob;
}

/**
 * The number of character pairs that count as one step. Comparing two segments compares each character of one with each
 * of the other. Bit sets compare many pairs at once (token-set.ts), so the number is large.
 */
const CHARACTERS_A_STEP = 256;

/** Returns the maximum number of steps that a comparison of these two globs takes. */
export function stepsToMeet(a: PathGlob, b: PathGlob): number {
  if (a.literal && b.literal) return 1;
  const characters = Math.ceil((a.size.characters * b.size.characters) / CHARACTERS_A_STEP);
  return a.size.segments * b.size.segments + characters;
}

/** Returns whether two globs meet: whether there is a path that both cover. */
export function globsMeet(a: PathGlob, b: PathGlob): boolean {
  const shared = Math.min(a.prefix.length, b.prefix.length);
  for (let at = 0; at < shared; at++) if (a.prefix[at] !== b.prefix[at]) return false;
  if (a.segments.length === shared || b.segments.length === shared) return true;
  const aRest = a.segments.slice(shared);
  const bRest = b.segments.slice(shared);
  if (a.literal) return pathMeets(a.prefix.slice(shared), bRest);
  if (b.literal) return pathMeets(b.prefix.slice(shared), aRest);
  return sequencesMeet(aRest, bRest, null, segmentsAgree);
}

/** Returns whether a pattern matches a path, or any path below that path. The path must have at least one segment. */
function pathMeets(path: readonly string[], pattern: readonly Segment[]): boolean {
  /** The indexes in the pattern at which a match may continue, after the segments of the path that were read so far. */
  let places = new Set([0]);
  for (const [at, segment] of path.entries()) {
    const isLast = at === path.length - 1;
    const next = new Set<number>();
    for (const place of places) {
      const token = pattern[place];
      if (token === undefined) continue;
      if (token === null) {
        // `**` matches this segment or no segment. The outer loop also visits an index that is added here, because
        // iteration over a Set includes elements that are added meanwhile.
        if (isLast && (place === pattern.length - 1 || !EXTENSION.test(segment))) return true;
        next.add(place);
        places.add(place + 1);
      } else if (segmentsAgree(segment, token)) {
        if (isLast) return true;
        next.add(place + 1);
      }
    }
    places = next;
  }
  return false;
}

function segmentsAgree(a: Segment, b: Segment): boolean {
  if (a === null || b === null) return false;
  if (typeof a === "string") return typeof b === "string" ? a === b : b.matches(a);
  return typeof b === "string" ? a.matches(b) : a.meets(b);
}
