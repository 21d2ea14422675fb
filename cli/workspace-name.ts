/**
 * Finds the name of the workspace of a folder. The workspace is the repository, so all working trees and all clones of
 * a repository have the same name. git is started only if neither the caller nor a file names the workspace. Runs in
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
  /** Null if nothing names the workspace, as in the root folder of the file system. */
  readonly name: string | null;
  /** Where the name was found, in the words of docs/cli.md "The workspace". */
  readonly from: typeof FLAG | typeof VARIABLE | ".koor/project.json" | "git remote" | "working tree" | "folder";
}

function asGiven(name: string, from: typeof FLAG | typeof VARIABLE): FoundWorkspace | CliFailure {
  const problem = workspaceProblem(name);
  return problem === undefined ? { name, from } : wrongUsage(`${from} ${problem}`);
}

/** Returns the first valid name that a repository gives; undefined if there is none. */
function ofRepository(tree: WorkingTree | undefined, environment: NodeJS.ProcessEnv): FoundWorkspace | undefined {
  if (tree === undefined) return undefined;
  const url = findRemoteUrl(tree, environment);
  const remote = url === undefined ? undefined : reduceRemote(url);
  if (remote !== undefined && workspaceProblem(remote) === undefined) return { name: remote, from: "git remote" };
  const name = repositoryName(tree);
  return workspaceProblem(name) === undefined ? { name, from: "working tree" } : undefined;
}

/**
 * Finds the workspace of a folder. A name that a person wrote and that is invalid is a failure. A derived name that is
 * invalid is skipped.
 * @param given the value of `--workspace`; empty or undefined if it is not given
 * @param tree the working tree of the folder, if it is known. git may keep its repository in another place
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
 * Returns headers with the one that names the workspace. The server uses it if neither the body nor the caller has a
 * workspace.
 */
export function workspaceHeaders(
  folder: string,
  others: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | CliFailure {
  const workspace = findWorkspace(folder, io().environment);
  if (workspace instanceof CliFailure) return workspace;
  return workspace.name === null ? others : { ...others, "X-Koor-Workspace": encodeURIComponent(workspace.name) };
}
