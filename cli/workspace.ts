/**
 * Finds the root of the workspace to which a folder belongs. workspace-name.ts finds the name of the workspace. Runs in
 * the CLI process.
 */
import { existsSync, realpathSync } from "node:fs";
import path from "node:path";

import { CliFailure, wrongUsage } from "./failure.js";
import { findGitRoot } from "./git-folder.js";
import { KOOR_FOLDER } from "./koor-folder.js";
import { type PathContext, WHOLE_WORKSPACE, workspacePath } from "./workspace-path.js";

/**
 * Returns the absolute path of the root of a folder's workspace. In git, it is the root of the working tree. Outside of
 * git, it is the nearest folder with a `.koor`, searched upwards, or else the folder itself.
 */
export function findRoot(folder: string): string {
  const ofGit = findGitRoot(folder);
  if (ofGit !== undefined) return ofGit;
  for (let at = folder; ; at = path.dirname(at)) {
    if (existsSync(path.join(at, KOOR_FOLDER))) return at;
    if (path.dirname(at) === at) return folder;
  }
}

/** Returns the values that are needed to interpret paths in a command's arguments. */
export function pathContextOf(folder: string): PathContext {
  return { flavour: path, root: findRoot(folder), folder, resolveLinks };
}

/** Resolves symbolic links in a path. The last parts of the path need not exist. */
function resolveLinks(absolute: string): string {
  for (let at = absolute; path.dirname(at) !== at; at = path.dirname(at))
    if (existsSync(at)) return path.join(realpathSync(at), path.relative(at, absolute));
  return absolute;
}

/**
 * Converts file paths, which may begin with `path:`, to paths relative to the workspace's root. Returns a failure for
 * the first path that cannot be converted.
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
