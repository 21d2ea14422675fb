/** The branch into which a landing lands: that of a remote, or one of this repository. Types only. */
import type { CliFailure } from "../failure.js";

export type Pushed =
  | { readonly kind: "pushed" }
  /** Another client moved the branch meanwhile. */
  | { readonly kind: "raced" }
  /** The branch has not moved, and the push was refused. */
  | { readonly kind: "rejected"; readonly log: readonly string[] };

export interface Move {
  readonly commit: string;
  /** The head of the branch on which the commit was rebased. */
  readonly onto: string;
}

export interface Target {
  /** The remote's name; null if the branch is in this repository. */
  readonly remote: string | null;
  /** Returns a failure if the branch cannot be moved now, whatever lands. */
  readonly refuse: () => Promise<CliFailure | undefined>;
  /** Gets the newest head of the branch, with its commits, into a worktree of the repository. */
  readonly fetchHead: (folder: string) => Promise<string | CliFailure>;
  /** Moves the branch forward from `onto`, unless it is not there any more. */
  readonly push: (folder: string, move: Move) => Promise<Pushed | CliFailure>;
}
