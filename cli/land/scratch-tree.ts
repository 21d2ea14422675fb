/**
 * Creates and removes the scratch worktree of a landing. It is a linked worktree with a detached HEAD, in the folder
 * for temporary files. So a landing does not change the caller's own worktree. The folder's name contains the id of the
 * landing's process, by which later landings recognize worktrees of killed landings. Runs in the CLI process.
 */
import { existsSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { basename, isAbsolute, join } from "node:path";

import { failed, type CliFailure } from "../failure.js";
import { io } from "../io.js";
import { warn } from "../output.js";
import { describeSystemError } from "../system-error.js";
import { gitText, gitWithoutHooks } from "./git.js";
import { isRunning } from "./running.js";

/** Matches the name of a scratch worktree's folder. The first group is the id of the process that made it. */
const NAME = /^koor-land-([1-9]\d*)-\w+$/;
const WORKTREE = "worktree ";
/**
 * The number of retries if the folder cannot be removed. A process that the check has started may still write to it.
 */
const REMOVE_RETRIES = 5;

export class ScratchTree {
  readonly folder: string;
  readonly #root: string;

  private constructor(root: string, folder: string) {
    this.#root = root;
    this.folder = folder;
  }

  /** Creates a scratch worktree of a repository and checks out a commit in it. */
  static async make(root: string, commit: string, signal: AbortSignal): Promise<ScratchTree | CliFailure> {
    let folder: string;
    try {
      folder = mkdtempSync(join(temporaryFolder(), `koor-land-${process.pid}-`));
    } catch (error) {
      return failed(`cannot make a folder for temporary files: ${describeSystemError(error)}`);
    }
    const words = ["worktree", "add", "--quiet", "--detach", folder, commit];
    const added = await gitText(root, words, "add a worktree", { signal });
    const tree = new ScratchTree(root, folder);
    if (typeof added === "string") return tree;
    await tree.remove();
    return added;
  }

  /** Resets the worktree to a commit. Ignored files stay, because the check may take long to build them again. */
  async reset(commit: string): Promise<CliFailure | undefined> {
    for (const words of [
      ["checkout", "--quiet", "--force", "--detach", commit],
      ["clean", "--quiet", "-d", "--force"],
    ]) {
      const done = await gitText(this.folder, words, "reset the scratch worktree");
      if (typeof done !== "string") return done;
    }
    return undefined;
  }

  /** Removes the folder, and git's record of the worktree. */
  async remove(): Promise<void> {
    await removeTree(this.#root, this.folder);
  }
}

async function removeTree(root: string, folder: string): Promise<void> {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: REMOVE_RETRIES });
  } catch (error) {
    warn(`cannot remove ${folder}: ${describeSystemError(error)}`);
  }
  // Removes git's record of the worktree, whose folder no longer exists. If git has no such record, the command fails,
  // and the failure is ignored.
  await gitWithoutHooks(root, ["worktree", "remove", "--force", "--force", folder]);
}

/** Whether a folder's name is that of a scratch worktree whose process has ended. */
function isDead(name: string): boolean {
  const pid = Number(NAME.exec(name)?.[1] ?? 0);
  return pid !== 0 && !isRunning(pid);
}

/**
 * Removes the scratch worktrees of landings whose process has ended. If the folder does not exist on this machine,
 * git's record of it stays, because the landing may run on another machine that shares the repository.
 */
export async function removeDeadTrees(root: string): Promise<void> {
  const listed = await gitText(root, ["worktree", "list", "--porcelain"], "list worktrees");
  if (typeof listed !== "string") return;
  for (const line of listed.split("\n")) {
    const folder = line.startsWith(WORKTREE) ? line.slice(WORKTREE.length) : "";
    if (isDead(basename(folder)) && existsSync(folder)) await removeTree(root, folder);
  }
  removeEmptyFolders();
}

/** Returns the folder for temporary files. `TMPDIR` names it; the default is the system's folder. */
function temporaryFolder(): string {
  const named = io().environment["TMPDIR"];
  // The module is loaded only if it is needed. With a static import, every command would load it.
  return named && isAbsolute(named) ? named : process.getBuiltinModule("node:os").tmpdir();
}

function listNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Removes the empty folders of landings that were killed before git had added the worktree. */
function removeEmptyFolders(): void {
  const folder = temporaryFolder();
  for (const name of listNames(folder).filter(isDead)) {
    try {
      rmdirSync(join(folder, name));
    } catch {
      // The folder belongs to another user or is not empty. In the latter case, it is a worktree of another repository.
    }
  }
}
