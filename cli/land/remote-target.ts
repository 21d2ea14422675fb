/**
 * Lands on a branch of a remote. The fetch does not update the remote-tracking branches, because other commands may
 * hold git's locks on them. Runs in the CLI process.
 */
import { failed, CliFailure } from "../failure.js";
import { findCommit, git, gitWithoutHooks, isAncestor, lastLineOf } from "./git.js";
import { tailOf } from "./log-tail.js";
import type { Move, Pushed, Target } from "./target.js";

/** Options that turn off git's housekeeping (garbage collection). It would delay the landing. */
const NO_HOUSEKEEPING = ["-c", "gc.auto=0", "-c", "maintenance.auto=false"];

export class RemoteTarget implements Target {
  readonly remote: string;
  readonly #branch: string;

  constructor(remote: string, branch: string) {
    this.remote = remote;
    this.#branch = branch;
  }

  refuse(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async fetchHead(folder: string): Promise<string | CliFailure> {
    const options = ["--quiet", "--no-tags", "--no-recurse-submodules", "--refmap="];
    const words = ["fetch", ...options, "--end-of-options", this.remote, this.#reference];
    const run = await gitWithoutHooks(folder, [...NO_HOUSEKEEPING, ...words]);
    if (run instanceof CliFailure) return run;
    const about = `cannot fetch ${this.#branch} from ${this.remote}`;
    if (!run.isSuccess) return failed(`${about}: ${lastLineOf(run.complaint)}`, run.complaint);
    return (await findCommit(folder, "FETCH_HEAD")) ?? failed(about);
  }

  async push(folder: string, { commit, onto }: Move): Promise<Pushed | CliFailure> {
    // `--force-with-lease` allows pushes that are not a fast-forward. This check refuses them.
    if (!(await isAncestor(folder, onto, commit)))
      return failed(`${commit} does not follow ${onto}: nothing was pushed`);
    const expected = `--force-with-lease=${this.#reference}:${onto}`;
    const words = ["push", "--porcelain", expected, "--end-of-options", this.remote, `${commit}:${this.#reference}`];
    // The repository's `pre-push` hook runs, because it may upload files that belong to the commits, such as those of
    // git LFS.
    const run = await git(folder, [...NO_HOUSEKEEPING, ...words]);
    if (run instanceof CliFailure) return run;
    if (run.isSuccess) return { kind: "pushed" };
    // A failed push may have worked, because its answer can be lost. So the branch is fetched to see whether it has the
    // commit.
    const now = await this.fetchHead(folder);
    if (typeof now !== "string") return now;
    if (await isAncestor(folder, commit, now)) return { kind: "pushed" };
    return now === onto
      ? { kind: "rejected", log: tailOf([run.complaint, run.text].filter((text) => text !== "").join("\n")) }
      : { kind: "raced" };
  }

  get #reference(): string {
    return `refs/heads/${this.#branch}`;
  }
}
