/** Defines the tool call about which a hook decides, and the outcome of the decision. Pure. */
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Entry } from "../instances/entry.js";
import type { HookHeaders } from "./headers.js";
import type { WorkspaceRoots } from "./roots.js";
import type { ToolEffects } from "./tool-effects.js";

export interface DecidedCall {
  /** The instance that makes the call: the session's instance, or the instance of its subagent. */
  readonly actor: Entry;
  /** The instance of the session. */
  readonly session: Entry;
  readonly headers: HookHeaders;
  readonly roots: WorkspaceRoots;
  readonly effects: ToolEffects;
  readonly context: CallContext;
}

/** The path for which a call is denied. */
export interface DeniedPath {
  readonly path: string;
  readonly resource: string;
  /**
   * The row of the other agent's lease, or of its earlier lease request. Null if no other agent is involved: the
   * calling agent itself lacks a lease.
   */
  readonly lease: number | null;
}

export interface Denial {
  readonly reason: string;
  /** The path that caused the denial; null if the denial is not about one path. */
  readonly path: DeniedPath | null;
}

export interface CallOutcome {
  /** Says why the call must not run; null if it may run. */
  readonly denial: Denial | null;
  /** The lines for the agent if the call may run. */
  readonly lines: readonly string[];
}

export const MAY_RUN: CallOutcome = { denial: null, lines: [] };

export function denied(reason: string, path: DeniedPath | null): CallOutcome {
  return { denial: { reason, path }, lines: [] };
}
