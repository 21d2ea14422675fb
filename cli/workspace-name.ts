/**
 * Finds the name of a folder's workspace. By default it identifies the repository, so all clones and working trees of a
 * repository have the same workspace. git is started only if neither the caller nor a file names the workspace. Runs in
 * the CLI process.
 */
import { basename } from "node:path";

import { CliFailure, wrongUsage } from "./failure.js";
import { findWorkingTree, repositoryName, type WorkingTree } from "./git-folder.js";
import { findRemoteUrl } from "./git-remote.js";
import { io } from "./io.js";
import { findProjectFile } from "./project-file.js";
import { reduceRemote } from "./remote-name.js";
import { findRoot } from "./workspace.js";
import { workspaceProblem } from "./workspace-rule.js";

const FLAG = "--workspace";
const VARIABLE = "KOOR_WORKSPACE";

export interface FoundWorkspace {
  /** The name; null if none can be found, as in the root folder of the file system. */
  readonly name: string | null;
  /** The source of the name. The words are those of docs/cli.md, section "The workspace". */
  readonly from: typeof FLAG | typeof VARIABLE | ".koor/project.json" | "git remote" | "working tree" | "folder";
}

function asGiven(name: string, from: typeof FLAG | typeof VARIABLE): FoundWorkspace | CliFailure {
  const problem = workspaceProblem(name);
  return problem === undefined ? { name, from } : wrongUsage(`${from} ${problem}`);
}

/**
 * Derives the name from a repository: from its remote, or else from its folder. Undefined if neither gives a valid
 * name.
 */
function ofRepository(tree: WorkingTree | undefined, environment: NodeJS.ProcessEnv): FoundWorkspace | undefined {
  if (tree === undefined) return undefined;
  const url = findRemoteUrl(tree, environment);
  const remote = url === undefined ? undefined : reduceRemote(url);
  if (remote !== undefined && workspaceProblem(remote) === undefined) return { name: remote, from: "git remote" };
  const name = repositoryName(tree);
  return workspaceProblem(name) === undefined ? { name, from: "working tree" } : undefined;
}

/**
 * Finds the workspace of a folder. If a name that a person has set is invalid, returns a failure. If a derived name is
 * invalid, tries the next source.
 * @param given the value of `--workspace`; empty or undefined if it is not given
 * @param tree the folder's working tree, if the caller knows it; required if the repository is not in the working tree
 */
export function findWorkspace(
  folder: string,
  environment: NodeJS.ProcessEnv,
  given?: string,
  tree?: WorkingTree,
): FoundWorkspace | CliFailure {
  if (given) return asGiven(given, FLAG);
  const named = environment[VARIABLE];
  if (named) return asGiven(named, VARIABLE);
  const project = findProjectFile(folder);
  if (project instanceof CliFailure) return project;
  if (project?.workspace !== undefined) return { name: project.workspace, from: ".koor/project.json" };
  const repository = ofRepository(tree ?? findWorkingTree(folder), environment);
  if (repository !== undefined) return repository;
  const name = basename(findRoot(folder));
  return { name: workspaceProblem(name) === undefined ? name : null, from: "folder" };
}

/**
 * Adds the header that names the folder's workspace to other headers. The server uses it if neither the request's body
 * nor the acting instance names a workspace.
 */
export function workspaceHeaders(
  folder: string,
  others: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | CliFailure {
  const workspace = findWorkspace(folder, io().environment);
  if (workspace instanceof CliFailure) return workspace;
  return workspace.name === null ? others : { ...others, "X-Koor-Workspace": encodeURIComponent(workspace.name) };
}
