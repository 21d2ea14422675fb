/**
 * The interface of the branch into which a landing lands. It is a branch of a remote or of this repository. Types only.
 */
import type { CliFailure } from "../failure.js";

export type Pushed =
  | { readonly kind: "pushed" }
  /** Another client has moved the branch in the meantime. */
  | { readonly kind: "raced" }
  /** The push was refused although the branch has not moved. */
  | { readonly kind: "rejected"; readonly log: readonly string[] };

export interface Move {
  readonly commit: string;
  /** The head of the branch onto which the commit was rebased. */
  readonly onto: string;
}

export interface Target {
  /** The name of the remote; null if the branch is in this repository. */
  readonly remote: string | null;
  /** Returns a failure if the branch cannot be moved now, whatever the landing contains. */
  readonly refuse: () => Promise<CliFailure | undefined>;
  /** Fetches the current head of the branch, with its commits, into a worktree of the repository. */
  readonly fetchHead: (folder: string) => Promise<string | CliFailure>;
  /** Moves the branch forward from `onto`. Does not move it if its head is no longer `onto`. */
  readonly push: (folder: string, move: Move) => Promise<Pushed | CliFailure>;
}
