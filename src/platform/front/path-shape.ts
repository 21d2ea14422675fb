/** Splits a route's path into segments, matches request paths against it, and reads path parameters. Pure. */
import { decodePathSegment } from "../../base/path.js";

/** The path of a route, split into segments. */
export interface PathShape {
  readonly segments: readonly (string | null)[];
  /** Whether the last parameter matches the rest of the path, slashes included. */
  readonly rest: boolean;
  readonly names: readonly string[];
  /**
   * The offset in the path at which the last parameter begins. It is 0 unless this parameter is the only one and
   * matches the rest of the path.
   */
  readonly restAt: number;
}

/** Parses a route's path, such as `/api/state/{key...}`. In the result a parameter's segment is null. */
export function parsePath(path: string): PathShape {
  const names: string[] = [];
  let rest = false;
  const segments = path
    .slice(1)
    .split("/")
    .map((segment) => {
      const match = /^\{([a-z_]+)(\.\.\.)?\}$/.exec(segment);
      if (match === null) return segment;
      names.push(match[1] ?? "");
      rest = match[2] !== undefined;
      return null;
    });
  return { segments, rest, names, restAt: rest && names.length === 1 ? path.indexOf("{") : 0 };
}

/** Returns the decoded parameters of a raw path that matches the shape; undefined if a percent escape is malformed. */
export function pathParameters(shape: PathShape, rawPath: string): readonly string[] | undefined {
  if (shape.restAt > 0) {
    // The rest of the path is decoded as one text. Decoding each segment by itself would give the same result.
    const decoded = decodePathSegment(rawPath.slice(shape.restAt));
    return decoded === undefined ? undefined : [decoded];
  }
  const parts = rawPath.slice(1).split("/");
  const params: string[] = [];
  for (let at = 0; at < shape.segments.length; at++) {
    if (shape.segments[at] !== null) continue;
    const last = shape.rest && at === shape.segments.length - 1;
    const raw = last ? parts.slice(at) : [parts[at] ?? ""];
    for (let part = 0; part < raw.length; part++) {
      const decoded = decodePathSegment(raw[part] ?? "");
      if (decoded === undefined) return undefined;
      raw[part] = decoded;
    }
    params.push(raw.join("/"));
  }
  return params;
}

/**
 * Whether a raw path matches a shape. A parameter must not be empty, unless it matches the rest of the path. The router
 * of uWebSockets.js has the same rule. Reads at most as many segments as the shape has: a client may send a path of
 * thousands of slashes, and a path without a route is compared with every shape.
 */
export function pathMatches({ segments, rest }: PathShape, rawPath: string): boolean {
  const last = segments.length - 1;
  let start = 1;
  for (let at = 0; at < last; at++) {
    const end = rawPath.indexOf("/", start);
    if (end < 0 || !segmentMatches(segments[at] ?? null, rawPath, start, end)) return false;
    start = end + 1;
  }
  if (rest) return true;
  return !rawPath.includes("/", start) && segmentMatches(segments[last] ?? null, rawPath, start, rawPath.length);
}

/**
 * Whether a segment of a shape matches a part of a path: the characters from `start` up to, but not including, `end`.
 */
function segmentMatches(segment: string | null, rawPath: string, start: number, end: number): boolean {
  if (segment === null) return end > start;
  return segment.length === end - start && rawPath.startsWith(segment, start);
}
