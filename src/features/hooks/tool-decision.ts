/**
 * Decides about a tool call that is about to run. A tool that edits files and a shell have different rules. All other
 * tools may run. Runs on the front.
 */
import type { ToolKind } from "./client.js";
import { type CallOutcome, type DecidedCall, MAY_RUN } from "./decided-call.js";
import { type EditDecision, locateAll } from "./edit-decision.js";
import type { GitDecision } from "./git-decision.js";
import type { HeldByOthers } from "./held-by-others.js";
import type { HeldLines } from "./held-lines.js";
import { decideShellWrites } from "./shell-decision.js";

export interface ToolDecisionOptions {
  readonly edits: EditDecision;
  readonly git: GitDecision;
  readonly held: HeldByOthers;
  readonly heldLines: HeldLines;
}

export class ToolDecision {
  readonly #options: ToolDecisionOptions;

  constructor(options: ToolDecisionOptions) {
    this.#options = options;
  }

  decide(kind: ToolKind, call: DecidedCall): CallOutcome | Promise<CallOutcome> {
    if (kind === "other") return MAY_RUN;
    if (kind !== "shell") return this.#options.edits.decide(call);
    const writes = decideShellWrites(this.#options, call);
    if (writes.denial !== null) return writes;
    const git = this.#options.git.decide(call);
    return git.denial === null ? { denial: null, lines: [...writes.lines, ...git.lines] } : git;
  }

  /**
   * Returns the lines about a tool call that has run. Each line names a file that the call wrote and that another agent
   * has leased.
   */
  afterwards(kind: ToolKind, { effects, roots, actor }: DecidedCall): readonly string[] {
    if (kind === "other") return [];
    const { held, heldLines } = this.#options;
    const located = locateAll(effects.written.paths, effects.directory, roots);
    if (located.length === 0) return [];
    return heldLines.of(held.obstacles(held.want(located, actor).paths), actor.id);
  }
}

/** Returns whether a tool edits the files that its arguments name. */
export function isEdit(kind: ToolKind | undefined): boolean {
  return kind !== undefined && kind !== "other" && kind !== "shell";
}
