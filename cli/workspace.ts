/**
 * Finds the workspace of a command. Its root is the nearest folder with a `.koor` or `.git`, upwards from the command's
 * folder. If there is none, the root is the command's folder. Runs in the CLI process.
 *
 * The name of the root is the name of the workspace, unless the call or its caller already has a workspace.
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

/** Returns the context for paths that a command in this folder gets. */
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
 * Converts file paths to paths relative to the workspace's root. A path may have the prefix `path:`. Returns the first
 * failure if there is one.
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

/** Returns the header that names a workspace. The server uses it if the caller has no workspace. */
export function workspaceHeaders(folder: string): Readonly<Record<string, string>> {
  const name = path.basename(findRoot(folder));
  return name === "" ? {} : { "X-Koor-Workspace": encodeURIComponent(name) };
}
