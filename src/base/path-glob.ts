/**
 * Globs over paths whose segments stand between `/`: `*` any characters of one segment, `?` one code point of them,
 * `**` as a whole segment any number of segments, `\` before one of these a literal. Pure.
 *
 * A glob covers each path that it matches and everything below that path, because the path may be a directory's. Two
 * globs meet when one of them matches a path that the other one covers. That is decided, not guessed: by a table over
 * both, at most the product of their lengths.
 *
 * There is one exception: a last segment with an extension (`a.md`, `*.md`) is a file's name, so a `**` of the other
 * glob finds nothing below it. Otherwise no two globs that begin with `**` could be held at once.
 */
import { compilePlainSegment, type SegmentGlob, segmentsMeet } from "./segment-glob.js";
import { sequencesCover } from "./sequences-meet.js";

const MANY = "**";
const SPECIAL = /[*?\\]/;
const EXTENSION = /.\.[A-Za-z][A-Za-z0-9]*$/;
/** The same after a wildcard, which stands for the rest of the name. */
const EXTENSION_AFTER_WILDCARD = /\.[A-Za-z][A-Za-z0-9]*$/;

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
}

/** Every text is a glob. */
export function compilePathGlob(text: string): PathGlob {
  if (!SPECIAL.test(text)) return literalPathGlob(text);
  const segments: Segment[] = [];
  for (const part of text.split("/")) {
    if (part !== MANY) segments.push(compileSegment(part));
    else if (segments.at(-1) !== null) segments.push(null);
  }
  const prefix: string[] = [];
  for (const segment of segments) {
    if (typeof segment !== "string") break;
    prefix.push(segment);
  }
  return { text, segments, prefix, literal: prefix.length === segments.length };
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
  return { text, segments, prefix: segments, literal: true };
}

function compileSegment(part: string): Segment {
  if (!SPECIAL.test(part)) return part;
  const glob = compilePlainSegment(part);
  return glob.literal ?? glob;
}

/** Whether one of two globs matches a path that the other one covers. */
export function globsMeet(a: PathGlob, b: PathGlob): boolean {
  const shared = Math.min(a.prefix.length, b.prefix.length);
  for (let at = 0; at < shared; at++) if (a.prefix[at] !== b.prefix[at]) return false;
  if (a.segments.length === shared || b.segments.length === shared) return true;
  return sequencesCover(a.segments.slice(shared), b.segments.slice(shared), {
    gap: null,
    agree: segmentsAgree,
    endsInGap: mayBeDirectory,
  });
}

/** Whether a segment may be the name of a directory of which nothing but this glob tells. */
function mayBeDirectory(segment: Segment): boolean {
  if (segment === null) return true;
  return typeof segment === "string" ? !EXTENSION.test(segment) : !EXTENSION_AFTER_WILDCARD.test(segment.runs.suffix);
}

function segmentsAgree(a: Segment, b: Segment): boolean {
  if (a === null || b === null) return false;
  if (typeof a === "string") return typeof b === "string" ? a === b : b.matches(a);
  return typeof b === "string" ? a.matches(b) : segmentsMeet(a, b);
}
