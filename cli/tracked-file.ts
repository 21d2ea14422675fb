/**
 * Tells whether git tracks a file. Another person may have committed such a file, so it must not decide as which
 * instance, or with which token, the user acts. Runs in the CLI process.
 */
import { basename, dirname, join, relative, sep } from "node:path";

import { findWorkingTree, realPath } from "./git-folder.js";
import { findTracked } from "./git-remote.js";
import { io } from "./io.js";

/** Returns whether git tracks the file. Without git, or outside of a working tree, it does not. */
export function isTrackedFile(path: string): boolean {
  const folder = dirname(path);
  const tree = findWorkingTree(folder);
  if (tree === undefined) return false;
  // git has a file by one of two paths if its folder, or the file itself, is a link.
  const places = [join(realPath(dirname(folder)), basename(folder), basename(path)), realPath(path)];
  const paths = places
    .map((place) => relative(tree.root, place).split(sep).join("/"))
    .filter((place) => place !== "" && !place.startsWith("../"));
  return findTracked(tree, [...new Set(paths)], io().environment).size > 0;
}
