/**
 * Estimates the memory that leased resources take for their compiled globs and for their nodes in the resource index.
 * The estimate depends only on the lengths of texts and lists, so it is the same on every node. Pure.
 */
import type { PathGlob } from "../../base/path-glob.js";
import { INDEX_DEPTH_MAX } from "./resource-index.js";
import type { SegmentGlob } from "../../base/segment-glob.js";
import type { Resource } from "./resource.js";

// The constants below were measured on Node 20, with heaps of 100 leases each. The estimate is 1.1 to 2.4 times the
// memory that is used.
const RESOURCE_BYTES = 200;
const GLOB_BYTES = 160;
/** The bytes that a literal segment takes for its string and two array slots. */
const SEGMENT_BYTES = 24;
/** The bytes that a node of the index takes, with the map of its children. */
const NODE_BYTES = 300;
const WILD_SEGMENT_BYTES = 520;
const TOKEN_BYTES = 14;
const CHARACTER_BYTES = 2;

/** Returns the estimated memory of resources, in bytes. */
export function resourceBytes(resources: readonly Resource[]): number {
  let bytes = 0;
  for (const { text, globs } of resources) {
    bytes += RESOURCE_BYTES + CHARACTER_BYTES * text.length;
    const known = new Set<SegmentGlob>();
    for (const glob of globs) bytes += globBytes(glob, known);
  }
  return bytes;
}

/**
 * Returns the estimated memory of a glob, in bytes.
 * @param known the compiled segments that already count, because other globs of the same resource share them
 */
function globBytes({ text, segments, prefix }: PathGlob, known: Set<SegmentGlob>): number {
  let bytes = GLOB_BYTES + CHARACTER_BYTES * text.length + Math.min(prefix.length, INDEX_DEPTH_MAX) * NODE_BYTES;
  for (const segment of segments) {
    bytes += SEGMENT_BYTES;
    if (segment === null || typeof segment === "string" || known.has(segment)) continue;
    known.add(segment);
    bytes += WILD_SEGMENT_BYTES + TOKEN_BYTES * segment.tokens.length;
  }
  return bytes;
}
