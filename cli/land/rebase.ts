/** Rebases a branch in the scratch worktree of a landing, without the repository's hooks. Runs in the CLI process. */
import { failed, CliFailure } from "../failure.js";
import { findCommit, gitText, gitWithoutHooks, lastLineOf } from "./git.js";

/**
 * Options that override the user's git settings. Without them, a setting could change the result of a rebase, or run a
 * program.
 */
const PLAIN = [
  "rebase.autoStash=false",
  "rebase.autoSquash=false",
  "rebase.rebaseMerges=false",
  "rebase.updateRefs=false",
  "commit.gpgSign=false",
  "rerere.enabled=false",
].flatMap((setting) => ["-c", setting]);

export type Rebased =
  | { readonly kind: "rebased"; readonly head: string; readonly commits: number }
  | { readonly kind: "conflict"; readonly commit: string | null; readonly files: readonly string[] };

/** Lists the files with conflicts after a rebase has stopped. */
async function conflictsIn(folder: string): Promise<string[]> {
  const words = ["diff", "--name-only", "--diff-filter=U", "--no-relative", "-z"];
  const run = await gitWithoutHooks(folder, words);
  return !(run instanceof CliFailure) && run.isSuccess ? run.text.split("\0").filter((path) => path !== "") : [];
}

/**
 * Rebases HEAD of the scratch worktree onto another commit. Leaves out commits whose changes are already there. If a
 * commit conflicts, aborts the rebase.
 */
export async function rebase(folder: string, onto: string, signal: AbortSignal): Promise<Rebased | CliFailure> {
  const run = await gitWithoutHooks(folder, [...PLAIN, "rebase", "--quiet", "--no-fork-point", onto], {
    signal,
    variables: { GIT_EDITOR: "true", GIT_SEQUENCE_EDITOR: "true" },
  });
  if (run instanceof CliFailure) return run;
  if (!run.isSuccess) {
    const files = await conflictsIn(folder);
    const commit = await findCommit(folder, "REBASE_HEAD");
    await gitWithoutHooks(folder, ["rebase", "--abort"]);
    if (files.length > 0) return { kind: "conflict", commit: typeof commit === "string" ? commit : null, files };
    return failed(`git cannot rebase: ${lastLineOf(run.complaint)}`, run.complaint);
  }
  const head = await gitText(folder, ["rev-parse", "HEAD"], "read HEAD");
  if (typeof head !== "string") return head;
  const count = await gitText(folder, ["rev-list", "--count", `${onto}..${head}`, "--"], "count commits");
  return typeof count === "string" ? { kind: "rebased", head, commits: Number(count) } : count;
}
