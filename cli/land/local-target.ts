/**
 * Lands on a branch of this repository. If a working tree has the branch checked out, its files are updated too; it
 * must have no uncommitted changes. Runs in the CLI process.
 */
import { refused, wrongUsage, CliFailure } from "../failure.js";
import { findCommit, gitText, gitWithoutHooks, isAncestor, lastLineOf } from "./git.js";
import { tailOf } from "./log-tail.js";
import type { Move, Pushed, Target } from "./target.js";

export class LocalTarget implements Target {
  readonly remote = null;
  readonly #root: string;
  readonly #branch: string;

  constructor(root: string, branch: string) {
    this.#root = root;
    this.#branch = branch;
  }

  async refuse(): Promise<CliFailure | undefined> {
    const tree = await this.#findTree();
    if (tree === undefined || typeof tree === "object") return tree;
    const words = ["status", "--porcelain", "--untracked-files=no", "--ignore-submodules=none"];
    const changes = await gitText(tree, words, "read the status");
    if (typeof changes === "object") return changes;
    if (changes === "") return undefined;
    return refused(
      `${this.#branch} is checked out in ${tree} with uncommitted changes`,
      "commit or stash them there, or check out another branch, and land again",
    );
  }

  async fetchHead(): Promise<string | CliFailure> {
    const head = await findCommit(this.#root, this.#reference);
    return head ?? wrongUsage(`there is no branch ${this.#branch} here, and no remote to land on`);
  }

  async push(folder: string, { commit, onto }: Move): Promise<Pushed | CliFailure> {
    const tree = await this.#findTree();
    if (typeof tree === "object") return tree;
    const problem = await this.refuse();
    if (problem !== undefined) return problem;
    const run =
      tree === undefined
        ? await gitWithoutHooks(folder, ["update-ref", "-m", "koor land", this.#reference, commit, onto])
        : await gitWithoutHooks(tree, ["merge", "--quiet", "--ff-only", "--no-autostash", commit]);
    if (run instanceof CliFailure) return run;
    if (run.isSuccess) return { kind: "pushed" };
    const now = await this.fetchHead();
    if (typeof now !== "string") return now;
    if (await isAncestor(folder, commit, now)) return { kind: "pushed" };
    return now === onto
      ? { kind: "rejected", log: tailOf(run.complaint === "" ? lastLineOf(run.text) : run.complaint) }
      : { kind: "raced" };
  }

  /** Returns the working tree in which the branch is checked out; undefined if there is none. */
  async #findTree(): Promise<string | undefined | CliFailure> {
    const listed = await gitText(this.#root, ["worktree", "list", "--porcelain"], "list worktrees");
    if (typeof listed === "object") return listed;
    for (const record of listed.split("\n\n")) {
      const lines = record.split("\n");
      if (!lines.includes(`branch ${this.#reference}`) || lines.includes("bare")) continue;
      return lines.find((line) => line.startsWith("worktree "))?.slice("worktree ".length);
    }
    return undefined;
  }

  get #reference(): string {
    return `refs/heads/${this.#branch}`;
  }
}
