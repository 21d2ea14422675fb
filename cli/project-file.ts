/**
 * Reads `.koor/project.json`, which describes a project: `{"workspace"?,"server"?}`, and members for other commands.
 * The file may be committed, so another person may have written it. A token in it is ignored. Runs in the CLI process.
 */
import { join, relative } from "node:path";

import { parseJson } from "../shared/json-text.js";
import { isJsonObject } from "../shared/json-object.js";
import { CliFailure, failed } from "./failure.js";
import { findGitRoot, findWorkingTree, hasGitFile, mainRootOf, realPath } from "./git-folder.js";
import { findKoorFile, type FoundFile } from "./koor-folder.js";
import { parseServers } from "./server-list.js";
import { workspaceProblem } from "./workspace-rule.js";

const PROJECT_FILE = "project.json";

export interface ProjectFile {
  /** The path of the file, as messages to the user show it. */
  readonly name: string;
  readonly workspace?: string;
  readonly server?: string;
}

/**
 * Maps a folder of a linked working tree to the same folder of the main working tree. Returns undefined if the folder
 * is not in a linked working tree.
 */
function sameFolderOfMain(folder: string): string | undefined {
  const root = findGitRoot(folder);
  if (root === undefined || !hasGitFile(root)) return undefined;
  const tree = findWorkingTree(folder);
  const main = tree === undefined ? undefined : mainRootOf(tree);
  return tree === undefined || main === undefined || main === tree.root
    ? undefined
    : join(main, relative(tree.root, realPath(folder)));
}

/**
 * Finds the project file in the working tree of a folder. Otherwise looks in the main working tree, because the file is
 * often not committed and then missing in linked working trees.
 */
function find(folder: string): FoundFile | undefined | CliFailure {
  const found = findKoorFile(folder, PROJECT_FILE);
  if (found !== undefined) return found;
  const main = sameFolderOfMain(folder);
  return main === undefined ? undefined : findKoorFile(main, PROJECT_FILE);
}

/** Reads the project file of a folder; undefined if neither the folder nor one of its parents has one. */
export function findProjectFile(folder: string): ProjectFile | undefined | CliFailure {
  const found = find(folder);
  if (found === undefined || found instanceof CliFailure) return found;
  const name = relative(folder, found.path);
  const parsed = parseJson(found.text);
  if (parsed === undefined) return failed(`${name} is not valid JSON`);
  if (!isJsonObject(parsed)) return failed(`${name} must hold a JSON object`);
  const { workspace = "", server = "" } = parsed;
  if (typeof workspace !== "string") return failed(`${name}: workspace must be a string`);
  if (typeof server !== "string") return failed(`${name}: server must be a string`);
  const problem = workspace === "" ? undefined : workspaceProblem(workspace);
  if (problem !== undefined) return failed(`${name}: workspace ${problem}`);
  if (server !== "" && parseServers(server) === undefined)
    return failed(`${name}: server must be an http:// or https:// URL, or several with commas between`);
  return { name, ...(workspace === "" ? {} : { workspace }), ...(server === "" ? {} : { server }) };
}
