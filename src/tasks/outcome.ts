/** What becomes of a task when it is not held any more, by how that came. Pure. */
import type { Loss } from "../claims/claim-registry.js";
import { backoffMs, type LiveTask, stillNotBefore, type TaskLife } from "./task.js";

/** What who holds a task may do with it, by which it is not held any more. */
export type EndingVerb = "complete" | "fail" | "release" | "ask";

/** How a claim ended: by a call of who held it, or by a loss. */
export type Ending =
  | { readonly kind: "complete" }
  | { readonly kind: "release" }
  | { readonly kind: "ask" }
  | { readonly kind: "fail"; readonly retry: boolean }
  | { readonly kind: "loss"; readonly loss: Loss };

export interface Outcome extends Pick<TaskLife, "state" | "attempts" | "not_before"> {
  /** It was lost for good, and nobody may have said why. */
  readonly lost: boolean;
}

/** Losses that a task is not blamed for: somebody took it back, or the server is another. */
const BLAMELESS: ReadonlySet<Loss> = new Set(["broken", "restored"]);

export function outcomeOf({ life, max_attempts }: LiveTask, ending: Ending, now_ms: number): Outcome {
  const { attempts } = life;
  // Somebody may have put it off while it was held.
  const kept = stillNotBefore(life, now_ms);
  const as = (state: TaskLife["state"], not_before: number | null = null): Outcome => ({
    state,
    attempts,
    not_before,
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
  const not_before = Math.max(now_ms + backoffMs(tried), kept ?? 0);
  return { state: "ready", attempts: tried, not_before, lost: false };
}
