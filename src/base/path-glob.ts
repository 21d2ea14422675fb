/**
 * Globs over paths whose segments stand between `/`: `*` any characters of one segment, `?` one code point of them,
 * `**` as a whole segment any number of segments, `\` before one of these a literal. Whether two of them have a path
 * in common is decided, not guessed: by a table over both, at most the product of their lengths. Pure.
 */
import { compilePlainSegment, type SegmentGlob, segmentsMeet } from "./segment-glob.js";
import { sequencesMeet } from "./sequences-meet.js";

const MANY = "**";

export interface PathGlob {
  /** As it was written. */
  readonly text: string;
  /** `null` stands for `**`. */
  readonly segments: readonly (SegmentGlob | null)[];
  /** The segments that every path begins with, as they stand in the path. */
  readonly prefix: readonly string[];
  /** It stands for one path, its prefix. */
  readonly literal: boolean;
}

/** Every text is a glob. */
export function compilePathGlob(text: string): PathGlob {
  const segments: (SegmentGlob | null)[] = [];
  for (const part of text.split("/")) {
    if (part !== MANY) segments.push(compilePlainSegment(part));
    else if (segments.at(-1) !== null) segments.push(null);
  }
  return pathGlob(text, segments);
}

/** The glob of one path, whatever its characters. */
export function literalPathGlob(path: string): PathGlob {
  const segments = path.split("/").map((part) => compilePlainSegment(part.replaceAll(/[*?\\]/g, "\\$&")));
  return pathGlob(path, segments);
}

function pathGlob(text: string, segments: readonly (SegmentGlob | null)[]): PathGlob {
  const prefix: string[] = [];
  for (const segment of segments) {
    if (segment?.literal === undefined) break;
    prefix.push(segment.literal);
  }
  return { text, segments, prefix, literal: prefix.length === segments.length };
}

/** Whether there is a path that both stand for. */
export function globsMeet(a: PathGlob, b: PathGlob): boolean {
  const shared = Math.min(a.prefix.length, b.prefix.length);
  for (let at = 0; at < shared; at++) if (a.prefix[at] !== b.prefix[at]) return false;
  if (a.literal && b.literal) return a.prefix.length === b.prefix.length;
  return sequencesMeet(a.segments.slice(shared), b.segments.slice(shared), null, segmentsAgree);
}

function segmentsAgree(a: SegmentGlob | null, b: SegmentGlob | null): boolean {
  return a !== null && b !== null && segmentsMeet(a, b);
}
