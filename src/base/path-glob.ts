/**
 * Globs over paths whose segments stand between `/`: `*` any characters of one segment, `?` one code point of them,
 * `**` as a whole segment any number of segments, `\` before one of these a literal. Pure.
 *
 * A glob without wildcards is a path. It covers everything below that path, too, because the path may be a
 * directory's. A glob with wildcards covers the paths that it matches. Two globs meet when both cover a path in common.
 * That is decided, not guessed: by a table over both, at most the product of their lengths.
 *
 * There is one exception: a path with an extension (`a.md`) is a file's, so a `**` of the other glob finds nothing
 * below it. Otherwise a glob of all sources could not be held beside `README.md`.
 */
import { compilePlainSegment, type SegmentGlob } from "./segment-glob.js";
import { sequencesMeet } from "./sequences-meet.js";

const MANY = "**";
const SPECIAL = /[*?\\]/;
const EXTENSION = /.\.[A-Za-z][A-Za-z0-9]*$/;

/** A literal one as it stands in paths; `null` stands for `**`. */
type Segment = string | SegmentGlob | null;

export interface PathGlob {
  /** As it was written. */
  readonly text: string;
  readonly segments: readonly Segment[];
  /** The segments that every path begins with, as they stand in the path. */
  readonly prefix: readonly string[];
  /** It stands for one path, its prefix. */
  readonly literal: boolean;
  /** Segments and characters that it may take to compare it with another glob: those behind its beginning. */
  readonly size: GlobSize;
}

export interface GlobSize {
  readonly segments: number;
  readonly characters: number;
}

/** Segments of globs that were compiled, by their text: alternatives of one glob have most of them in common. */
export type KnownSegments = Map<string, SegmentGlob>;

/** Every text is a glob. */
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

/** A path is compared as a whole: how much of it a pattern shares is not known before. */
function sizeOfPath(text: string, segments: readonly string[]): GlobSize {
  return { segments: segments.length, characters: text.length };
}

/** The glob of one path, whatever its characters. */
export function literalPathGlob(path: string): PathGlob {
  return globOfSegments(path, path.split("/"));
}

/** The glob of a name, which has no segments: it meets the same name and nothing else. */
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
    glob = compilePlainSegment(part);
    known.set(part, glob);
  }
  return glob.literal ?? glob;
}

/** Characters of two globs that are compared in the time of a step, since many are at once (token-set.ts). */
const CHARACTERS_A_STEP = 256;

/** How many steps it may take to compare two globs: a bound that depends on nothing but the two. */
export function stepsToMeet(a: PathGlob, b: PathGlob): number {
  if (a.literal && b.literal) return 1;
  const characters = Math.ceil((a.size.characters * b.size.characters) / CHARACTERS_A_STEP);
  return a.size.segments * b.size.segments + characters;
}

/** Whether two globs cover a path in common. */
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

/** Whether a pattern matches a path or something below it. The path has a segment at least. */
function pathMeets(path: readonly string[], pattern: readonly Segment[]): boolean {
  /** The places in the pattern that the segments so far lead to. */
  let places = new Set([0]);
  for (const [at, segment] of path.entries()) {
    const isLast = at === path.length - 1;
    const next = new Set<number>();
    for (const place of places) {
      const token = pattern[place];
      if (token === undefined) continue;
      if (token === null) {
        // `**` takes this segment, or none: a Set also visits what is added meanwhile.
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
