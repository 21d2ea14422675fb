/**
 * Globs over paths whose segments stand between `/`: `*` any characters of one segment, `?` one code point of them,
 * `**` as a whole segment any number of segments, `\` before one of these a literal. Whether two of them have a path
 * in common is decided, not guessed: by a table over both, at most the product of their lengths. Pure.
 */
import { compilePlainSegment, type SegmentGlob, segmentsMeet } from "./segment-glob.js";
import { sequencesMeet } from "./sequences-meet.js";

const MANY = "**";
const SPECIAL = /[*?\\]/;

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
  const segments = path.split("/");
  return { text: path, segments, prefix: segments, literal: true };
}

function compileSegment(part: string): Segment {
  if (!SPECIAL.test(part)) return part;
  const glob = compilePlainSegment(part);
  return glob.literal ?? glob;
}

/** Whether there is a path that both stand for. */
export function globsMeet(a: PathGlob, b: PathGlob): boolean {
  const shared = Math.min(a.prefix.length, b.prefix.length);
  for (let at = 0; at < shared; at++) if (a.prefix[at] !== b.prefix[at]) return false;
  if (a.literal && b.literal) return a.prefix.length === b.prefix.length;
  return sequencesMeet(a.segments.slice(shared), b.segments.slice(shared), null, segmentsAgree);
}

function segmentsAgree(a: Segment, b: Segment): boolean {
  if (a === null || b === null) return false;
  if (typeof a === "string") return typeof b === "string" ? a === b : b.matches(a);
  return typeof b === "string" ? a.matches(b) : segmentsMeet(a, b);
}
