/** Computes the new state of a task after its claim has ended. Pure. */
import type { Loss } from "../claims/lease.js";
import { backoffMs, type LiveTask, stillNotBefore, type TaskLife } from "./task.js";

/** The calls by which the holder of a task ends its claim. */
export type EndingVerb = "complete" | "fail" | "release" | "ask";

/** The way in which the claim of a task ended. The holder ended it by a call, or the claim was lost. */
export type Ending =
  | { readonly kind: "complete" }
  | { readonly kind: "release" }
  | { readonly kind: "ask" }
  | { readonly kind: "fail"; readonly retry: boolean }
  | { readonly kind: "loss"; readonly loss: Loss };

export interface Outcome extends Pick<TaskLife, "state" | "attempts" | "not_before"> {
  /** True if the task is dead because its claim was lost. If the task has no error text, it then gets one. */
  readonly lost: boolean;
}

/**
 * The losses of a claim that do not count as a failed attempt. The holder did not cause them: the claim was broken, or
 * the database was restored.
 */
const BLAMELESS: ReadonlySet<Loss> = new Set(["broken", "restored"]);

export function outcomeOf({ life, max_attempts }: LiveTask, ending: Ending, nowMs: number): Outcome {
  const { attempts } = life;
  // Keep `not_before` if it is in the future. It may have been set while the task was held.
  const kept = stillNotBefore(life, nowMs);
  const as = (state: TaskLife["state"], notBefore: number | null = null): Outcome => ({
    state,
    attempts,
    not_before: notBefore,
    lost: false,
  });
  if (ending.kind === "complete") return as("done");
  const counts = (ending.kind === "fail" && ending.retry) || (ending.kind === "loss" && !BLAMELESS.has(ending.loss));
  if (life.cancel_requested) return { ...as("canceled"), attempts: attempts + Number(counts) };
  if (ending.kind === "ask") return as("input_required", kept);
  if (ending.kind === "fail" && !ending.retry) return as("failed");
  if (!counts) return as("ready", kept);
  const tried = attempts + 1;
  if (tried >= max_attempts) return { state: "dead", attempts: tried, not_before: null, lost: ending.kind === "loss" };
  const notBefore = Math.max(nowMs + backoffMs(tried), kept ?? 0);
  return { state: "ready", attempts: tried, not_before: notBefore, lost: false };
}
