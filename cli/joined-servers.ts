/**
 * Finds the servers that the user has named with `init --join` for a working tree. Commands use these servers instead
 * of those in `.koor/project.json`, because the committed file may name an address that is valid on another machine
 * only. They come from the user's own record, so no other person can have named them. Runs in the CLI process.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";

import { findWorkingTree, mainRootOf } from "./git-folder.js";
import { readOwnRecord, RECORD_FILE } from "./own-record.js";
import { realPath } from "./regular-file.js";
import { findRoot } from "./workspace.js";

/**
 * Returns the servers as `init` has stored them; undefined if the user has not joined here. If the user's `init` has not
 * run in this working tree, the record of the main working tree counts.
 */
export function findJoinedServers(folder: string, environment: NodeJS.ProcessEnv): string | undefined {
  const root = realPath(findRoot(folder));
  const record = readOwnRecord(root, environment) ?? recordOfMain(root, environment);
  const joined = record?.["joined"];
  return typeof joined === "string" && joined !== "" ? joined : undefined;
}

function recordOfMain(root: string, environment: NodeJS.ProcessEnv): Readonly<Record<string, unknown>> | undefined {
  if (existsSync(join(root, RECORD_FILE))) return undefined;
  const tree = findWorkingTree(root);
  const main = tree === undefined ? undefined : mainRootOf(tree);
  return main === undefined || main === root ? undefined : readOwnRecord(main, environment);
}
