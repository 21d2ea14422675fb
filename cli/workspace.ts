/**
 * Finds the workspace of a command. Its root is the nearest folder with a `.koor` or `.git`, upwards from the command's
 * folder. Without one, the root is the command's folder itself. The root's name is the workspace's name, unless the
 * call or its caller already has a workspace. Runs in the CLI process.
 */
import { existsSync, realpathSync } from "node:fs";
import path from "node:path";

import { CliFailure, wrongUsage } from "./failure.js";
import { type PathContext, WHOLE_WORKSPACE, workspacePath } from "./workspace-path.js";

const ROOT_MARKS = [".koor", ".git"] as const;

/** Returns the root of the workspace to which a folder belongs, as an absolute path. */
export function findRoot(folder: string): string {
  for (let at = folder; ; at = path.dirname(at)) {
    if (ROOT_MARKS.some((mark) => existsSync(path.join(at, mark)))) return at;
    if (path.dirname(at) === at) return folder;
  }
}

/** Returns the context that is needed to interpret paths which are given in a folder. */
export function pathContextOf(folder: string): PathContext {
  return { flavour: path, root: findRoot(folder), folder, resolveLinks };
}

/** Resolves the symbolic links in the part of a path that exists. */
function resolveLinks(absolute: string): string {
  for (let at = absolute; path.dirname(at) !== at; at = path.dirname(at))
    if (existsSync(at)) return path.join(realpathSync(at), path.relative(at, absolute));
  return absolute;
}

/**
 * Converts file paths to paths relative to the workspace's root. The prefix `path:` is optional. Returns the first
 * failure.
 */
export function literalPaths(paths: readonly string[], folder: string): string[] | CliFailure {
  const context = pathContextOf(folder);
  const converted: string[] = [];
  for (const given of paths) {
    const one = workspacePath(given.replace(/^path:/, ""), context);
    if (one instanceof CliFailure) return one;
    if (one === WHOLE_WORKSPACE && given !== one)
      return wrongUsage(`${given} is the whole workspace: name what is in it`);
    converted.push(one);
  }
  return converted;
}

/** Returns the header that states a workspace, which the server uses for a caller without one. */
export function workspaceHeaders(folder: string): Readonly<Record<string, string>> {
  const name = path.basename(findRoot(folder));
  return name === "" ? {} : { "X-Koor-Workspace": encodeURIComponent(name) };
}
