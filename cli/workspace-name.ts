/**
 * Finds the name of a folder's workspace. The workspace is the repository, so all working trees and clones of a
 * repository have the same name. git is started only if neither the caller nor a file names the workspace. Runs in the
 * CLI process.
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
  /** The name; null if nothing gives a name, as in the root folder of the file system. */
  readonly name: string | null;
  /** The source of the name, in the words of docs/cli.md "The workspace". */
  readonly from: typeof FLAG | typeof VARIABLE | ".koor/project.json" | "git remote" | "working tree" | "folder";
}

function asGiven(name: string, from: typeof FLAG | typeof VARIABLE): FoundWorkspace | CliFailure {
  const problem = workspaceProblem(name);
  return problem === undefined ? { name, from } : wrongUsage(`${from} ${problem}`);
}

/** Returns the first valid name that can be derived from a repository; undefined if there is none. */
function ofRepository(tree: WorkingTree | undefined, environment: NodeJS.ProcessEnv): FoundWorkspace | undefined {
  if (tree === undefined) return undefined;
  const url = findRemoteUrl(tree, environment);
  const remote = url === undefined ? undefined : reduceRemote(url);
  if (remote !== undefined && workspaceProblem(remote) === undefined) return { name: remote, from: "git remote" };
  const name = repositoryName(tree);
  return workspaceProblem(name) === undefined ? { name, from: "working tree" } : undefined;
}

/**
 * Finds the workspace of a folder. If a name that a person wrote is invalid, this is a failure. If a derived name is
 * invalid, the next source is used.
 * @param given the value of `--workspace`; empty or undefined if it is not given
 * @param tree the working tree of the folder, if the caller knows it. It is needed if git keeps the repository
 * elsewhere
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
 * Returns the headers, and adds the one that names the workspace. The server uses it if neither the body nor the caller
 * names a workspace.
 */
export function workspaceHeaders(
  folder: string,
  others: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | CliFailure {
  const workspace = findWorkspace(folder, io().environment);
  if (workspace instanceof CliFailure) return workspace;
  return workspace.name === null ? others : { ...others, "X-Koor-Workspace": encodeURIComponent(workspace.name) };
}
