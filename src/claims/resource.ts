/**
 * What can be leased: `path:` files of a workspace and `state:` and `spec:` Koor's own values, by globs; any other
 * name is what it is. Pure.
 */
import { compilePathGlob, literalPathGlob, type PathGlob } from "../base/path-glob.js";
import { type Failure, invalid } from "../base/result.js";

export interface Resource {
  /** As it was written. */
  readonly text: string;
  /** Within what globs are compared: resources of two scopes are never the same. */
  readonly scope: string;
  readonly glob: PathGlob;
}

const PATH = "path:";
/** A segment that names nothing: the first one is told of. */
const NO_SEGMENT = /(?:^|\/)(\.{0,2})(?:\/|$)/;
/** Of the whole server, whichever workspace leases them. */
const SERVER_WIDE = ["state:", "spec:"] as const;

/** A resource; INVALID_ARGUMENT with `name` before what is wrong with it. */
export function parseResource(text: string, workspace: string, name: string): Resource | Failure {
  for (const kind of SERVER_WIDE) {
    if (!text.startsWith(kind)) continue;
    const glob = text.slice(kind.length);
    return glob === "" ? invalid(`${name} names nothing`) : { text, scope: kind, glob: compilePathGlob(glob) };
  }
  if (!text.startsWith(PATH)) return { text, scope: `name ${workspace}`, glob: literalPathGlob(text) };
  const path = text.slice(PATH.length);
  const problem = pathProblem(path);
  if (problem !== null) return invalid(`${name} ${problem}`);
  return { text, scope: pathScope(workspace), glob: compilePathGlob(path) };
}

/** The scope of a workspace's files. */
export function pathScope(workspace: string): string {
  return `${PATH}${workspace}`;
}

/** One of Koor's own values, as it is written. */
export function valueResource(kind: "state" | "spec", key: string): Resource {
  return { text: `${kind}:${key}`, scope: `${kind}:`, glob: literalPathGlob(key) };
}

/** What is wrong with a path from a workspace's root, to be read behind its name; null where nothing is. */
export function pathProblem(path: string): string | null {
  if (path.startsWith("/")) return "must be relative to the workspace";
  const wrong = NO_SEGMENT.exec(path);
  if (wrong === null) return null;
  return wrong[1] === "" ? "must not have an empty segment" : 'must not have a segment "." or ".."';
}
