/** Defines a tool call that is to be decided, and the outcome of a decision. Pure. */
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Entry } from "../instances/directory.js";
import type { HookHeaders } from "./headers.js";
import type { WorkspaceRoots } from "./roots.js";
import type { ToolEffects } from "./tool-effects.js";

export interface DecidedCall {
  /** The instance that makes the call: the session's, or that of its subagent. */
  readonly actor: Entry;
  /** The instance of the session. */
  readonly session: Entry;
  readonly headers: HookHeaders;
  readonly roots: WorkspaceRoots;
  readonly effects: ToolEffects;
  readonly context: CallContext;
}

export interface CallOutcome {
  /** The reason for which the call must not run; null if it may run. */
  readonly denial: string | null;
  /** The lines that the agent is told if the call may run. */
  readonly lines: readonly string[];
}

export const MAY_RUN: CallOutcome = { denial: null, lines: [] };

export function denied(denial: string): CallOutcome {
  return { denial, lines: [] };
}
