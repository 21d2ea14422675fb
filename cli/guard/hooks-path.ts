/**
 * Finds the folder in which git looks for hooks, and reads and writes its setting (core.hooksPath). git itself writes
 * the setting, because it keeps the comments in the file. Runs in the CLI process.
 */
import { CliFailure, failed } from "../failure.js";
import { lineOf, runGit } from "./git.js";
import type { Repository } from "./repository.js";

const KEY = "core.hooksPath";

/** The setting core.hooksPath of the repository's own configuration: its text (`raw`), and the path that it means. */
export interface OwnHooksPath {
  readonly raw: string;
  readonly folder: string;
}

/** Returns core.hooksPath of the repository's own configuration; undefined if it is not set there. */
export function ownHooksPath({ root }: Repository): OwnHooksPath | undefined | CliFailure {
  const raw = runGit(root, ["config", "--local", "--includes", "--get", KEY]);
  if (raw instanceof CliFailure) return raw;
  const path = runGit(root, ["config", "--local", "--includes", "--type=path", "--get", KEY]);
  if (path instanceof CliFailure) return path;
  const [text, folder] = [lineOf(raw), lineOf(path)];
  return text === undefined || folder === undefined ? undefined : { raw: text, folder };
}

/** Whether core.hooksPath is set anywhere: by the repository, the user or the system. */
export function isHooksPathSet({ root }: Repository): boolean | CliFailure {
  const result = runGit(root, ["config", "--get", KEY]);
  return result instanceof CliFailure ? result : lineOf(result) !== undefined;
}

/** Returns the absolute path of the folder in which git looks for hooks. */
export function effectiveHooksPath({ root }: Repository): string | undefined | CliFailure {
  const result = runGit(root, ["rev-parse", "--path-format=absolute", "--git-path", "hooks"]);
  return result instanceof CliFailure ? result : lineOf(result);
}

/** Sets core.hooksPath in the repository's own configuration. If `value` is undefined, removes the setting. */
export function setHooksPath({ root }: Repository, value: string | undefined): CliFailure | undefined {
  const change = value === undefined ? ["--unset-all", KEY] : ["--replace-all", KEY, value];
  const result = runGit(root, ["config", "--local", ...change]);
  if (result instanceof CliFailure) return result;
  return result.isSuccess ? undefined : failed(`git cannot set ${KEY}: ${result.complaint}`);
}
