/**
 * Finds the folder in which git looks for hooks, and the place where it is configured. Changes to the repository's
 * configuration are made by git, which keeps the comments of the file. Runs in the CLI process.
 */
import { CliFailure, failed } from "../failure.js";
import { lineOf, runGit } from "./git.js";
import type { Repository } from "./repository.js";

const KEY = "core.hooksPath";

/** The value of core.hooksPath in the repository's own configuration, as it is written and as a path. */
export interface OwnHooksPath {
  readonly raw: string;
  readonly folder: string;
}

/** Returns the hook folder that the repository's own configuration names; undefined if it names none. */
export function ownHooksPath({ root }: Repository): OwnHooksPath | undefined | CliFailure {
  const raw = runGit(root, ["config", "--local", "--includes", "--get", KEY]);
  if (raw instanceof CliFailure) return raw;
  const path = runGit(root, ["config", "--local", "--includes", "--type=path", "--get", KEY]);
  if (path instanceof CliFailure) return path;
  const [text, folder] = [lineOf(raw), lineOf(path)];
  return text === undefined || folder === undefined ? undefined : { raw: text, folder };
}

/** Whether a configuration sets the hook folder: that of the repository, of the user or of the system. */
export function isHooksPathSet({ root }: Repository): boolean | CliFailure {
  const result = runGit(root, ["config", "--get", KEY]);
  return result instanceof CliFailure ? result : lineOf(result) !== undefined;
}

/** Returns the absolute path of the folder in which git looks for hooks. */
export function effectiveHooksPath({ root }: Repository): string | undefined | CliFailure {
  const result = runGit(root, ["rev-parse", "--path-format=absolute", "--git-path", "hooks"]);
  return result instanceof CliFailure ? result : lineOf(result);
}

/** Sets the hook folder in the repository's own configuration, or removes the setting. */
export function setHooksPath({ root }: Repository, value: string | undefined): CliFailure | undefined {
  const change = value === undefined ? ["--unset-all", KEY] : ["--replace-all", KEY, value];
  const result = runGit(root, ["config", "--local", ...change]);
  if (result instanceof CliFailure) return result;
  return result.isSuccess ? undefined : failed(`git cannot set ${KEY}: ${result.complaint}`);
}
