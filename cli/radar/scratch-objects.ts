/** Makes git store new objects in a temporary folder instead of the repository. Runs in the CLI process. */
import { delimiter } from "node:path";

import { CliFailure, failed } from "../failure.js";
import { lineOf, runGit } from "../guard/git.js";
import { io } from "../io.js";
import type { Variables } from "./git-programs.js";

/** Quotes a path for the variable in which git lists additional object folders. */
function quoteFolder(folder: string): string {
  return `"${folder.replace(/["\\]/g, "\\$&")}"`;
}

/**
 * Returns environment variables for git. New objects go to the given folder, and objects are also read from the
 * repository.
 */
export function objectsIn(folder: string, root: string): Variables | CliFailure {
  const result = runGit(root, ["rev-parse", "--path-format=absolute", "--git-path", "objects"]);
  if (result instanceof CliFailure) return result;
  const own = lineOf(result);
  if (own === undefined) return failed(`git does not say where its objects are: ${result.complaint}`);
  const others = io().environment["GIT_ALTERNATE_OBJECT_DIRECTORIES"];
  return {
    GIT_OBJECT_DIRECTORY: folder,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: [quoteFolder(own), ...(others ? [others] : [])].join(delimiter),
  };
}
