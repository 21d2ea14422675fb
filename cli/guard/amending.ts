/**
 * Tells a hook whether the commit replaces HEAD (`git commit --amend`). git does not say it, but it tells its hooks the
 * author, and its own command line can be read. Runs in the CLI process.
 */
import { readFileSync } from "node:fs";

import { CliFailure } from "../failure.js";
import { lineOf, runGit } from "./git.js";

/** The variable in which the guard's hook names the process of git. */
const GIT_PROCESS = "KOOR_GUARD_GIT";
/** Matches the option. git takes any unambiguous beginning of its name. */
const AMEND = /^--am(?:e(?:nd?)?)?$/;

/** Returns the words of a process's command line; an empty list if they cannot be read. */
function commandLineOf(id: string): string[] {
  try {
    return readFileSync(`/proc/${id}/cmdline`, "utf8").split("\0");
  } catch {
    // Only Linux has this file.
  }
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { error, stdout } = spawnSync("ps", ["-o", "args=", "-p", id], { encoding: "utf8", windowsHide: true });
  return error === undefined ? stdout.split(/\s+/).filter((word) => word !== "") : [];
}

/**
 * Returns whether git amends. An amended commit keeps the author and the author's date of HEAD. A new commit within the
 * same second has the same ones, so a command line without the option decides, unless it is that of an alias.
 */
export function isAmending(root: string, environment: NodeJS.ProcessEnv): boolean {
  const id = environment[GIT_PROCESS];
  if (id === undefined || !/^\d+$/.test(id)) return false;
  const words = commandLineOf(id);
  if (words.length === 0 || (words.includes("commit") && !words.some((word) => AMEND.test(word)))) return false;
  const head = runGit(root, ["log", "--max-count=1", "--format=@%ad", "--date=raw", "HEAD", "--"]);
  return !(head instanceof CliFailure) && lineOf(head) === environment["GIT_AUTHOR_DATE"];
}
