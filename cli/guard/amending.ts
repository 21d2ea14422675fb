/**
 * Finds out in a hook whether the commit replaces HEAD (`git commit --amend`). git does not pass this to its hooks. But
 * it passes the author's date, and the command line of git's process can be read. Runs in the CLI process.
 */
import { readFileSync } from "node:fs";

import { CliFailure } from "../failure.js";
import { lineOf, runGit } from "./git.js";

/** The variable in which the guard's hook script passes the process id of git. */
const GIT_PROCESS = "KOOR_GUARD_GIT";
/** Matches the option `--amend` and the abbreviations of it that git accepts. */
const AMEND = /^--am(?:e(?:nd?)?)?$/;

/** Returns the words of a process's command line. The list is empty if they cannot be read. */
function commandLineOf(id: string): string[] {
  try {
    return readFileSync(`/proc/${id}/cmdline`, "utf8").split("\0");
  } catch {
    // This file exists only on Linux. On other systems, run `ps`.
  }
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { error, stdout } = spawnSync("ps", ["-o", "args=", "-p", id], { encoding: "utf8", windowsHide: true });
  return error === undefined ? stdout.split(/\s+/).filter((word) => word !== "") : [];
}

/**
 * Returns whether git amends HEAD. It does if the new commit has the same author date as HEAD, unless the command line
 * shows `commit` without `--amend`: a new commit can be made within the same second. The command line of an alias shows
 * neither word, so then the date decides.
 */
export function isAmending(root: string, environment: NodeJS.ProcessEnv): boolean {
  const id = environment[GIT_PROCESS];
  if (id === undefined || !/^\d+$/.test(id)) return false;
  const words = commandLineOf(id);
  if (words.length === 0 || (words.includes("commit") && !words.some((word) => AMEND.test(word)))) return false;
  const head = runGit(root, ["log", "--max-count=1", "--format=@%ad", "--date=raw", "HEAD", "--"]);
  return !(head instanceof CliFailure) && lineOf(head) === environment["GIT_AUTHOR_DATE"];
}
