/** Makes real git repositories for tests. They do not depend on the configuration of the user or the machine. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Returns the environment for git, and for commands that run git. */
export function gitEnvironment(home: string): Readonly<Record<string, string>> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "ana",
    GIT_AUTHOR_EMAIL: "ana@example.org",
    GIT_COMMITTER_NAME: "ana",
    GIT_COMMITTER_EMAIL: "ana@example.org",
  };
}

/** Runs git in a folder. Returns its output without the last line end. */
export function git(home: string, folder: string, ...words: string[]): string {
  // Without this setting, git refuses a submodule that comes from a folder.
  const options = ["-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main"];
  const env = gitEnvironment(home);
  return execFileSync("git", [...options, ...words], { cwd: folder, env, encoding: "utf8", stdio: "pipe" }).trimEnd();
}

/** Makes a repository with one commit on the branch `main`. */
export function makeRepository(home: string, folder: string, remote?: string): string {
  mkdirSync(folder, { recursive: true });
  git(home, folder, "init", "--quiet");
  git(home, folder, "commit", "--quiet", "--allow-empty", "--message", "begin");
  if (remote !== undefined) git(home, folder, "remote", "add", "origin", remote);
  return folder;
}

/** A program named `git` that records each call. */
export interface CountedGit {
  /** The value of PATH with which commands find this program. */
  readonly path: string;
  /** Returns the arguments of each call. */
  readonly calls: () => string[];
}

/**
 * Makes a program named `git`. The returned PATH contains no other program of this name.
 * @param script the shell commands that the program runs, with absolute paths
 */
export function countedGit(folder: string, script = "exit 128"): CountedGit {
  const log = join(folder, "calls");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "git"), `#!/bin/sh\necho "$@" >>'${log}'\n${script}\n`);
  chmodSync(join(folder, "git"), 0o755);
  return {
    path: folder,
    calls: () => (existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n") : []),
  };
}
