/**
 * Declares the interface of a target. A target is the branch into which `koor land` merges: a branch of a remote, or of
 * this repository. Types only.
 */
import type { CliFailure } from "../failure.js";

export type Pushed =
  | { readonly kind: "pushed" }
  /** Another client has moved the branch since `fetchHead`. */
  | { readonly kind: "raced" }
  /** The push was refused, although no other client has moved the branch. */
  | { readonly kind: "rejected"; readonly log: readonly string[] };

export interface Move {
  readonly commit: string;
  /** The head of the target onto which the commits were rebased. */
  readonly onto: string;
}

export interface Target {
  /** The name of the remote; null if the branch is in this repository. */
  readonly remote: string | null;
  /** Returns a failure if the branch cannot be moved now, whichever commits land. Undefined if it can. */
  readonly refuse: () => Promise<CliFailure | undefined>;
  /** Fetches the current head of the branch, with its commits, into a worktree of the repository. */
  readonly fetchHead: (folder: string) => Promise<string | CliFailure>;
  /** Moves the branch from `onto` to `commit`. Does nothing if the head of the branch is not `onto` any more. */
  readonly push: (folder: string, move: Move) => Promise<Pushed | CliFailure>;
}
