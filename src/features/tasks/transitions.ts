/**
 * Defines the state machine of a task as a table of transitions. A call is rejected if the table does not allow it in
 * the task's current state. The registry makes only transitions that are in the table. docs/tasks.md "States" shows the
 * same table. Pure data.
 */
import type { TaskState } from "../../../schemas/tasks.js";
import { assert } from "../../base/assert.js";

/** The transitions of one trigger. A trigger is a call of a client, or an event inside the server. */
export interface TransitionRow {
  /** The states in which the trigger is allowed. */
  readonly from: readonly TaskState[];
  /** The states in which the task can be after the trigger. */
  readonly to: readonly TaskState[];
}

export const TRANSITIONS = {
  claim: { from: ["ready"], to: ["claimed"] },
  complete: { from: ["claimed"], to: ["done"] },
  /**
   * If a client asked to cancel the task while it was held, the new state is `canceled`. The same applies to `release`,
   * `ask` and `loss`.
   */
  fail: { from: ["claimed"], to: ["failed", "ready", "dead", "canceled"] },
  release: { from: ["claimed"], to: ["ready", "canceled"] },
  ask: { from: ["claimed"], to: ["input_required", "canceled"] },
  /** The claim was lost: it expired, it was broken, or its holder was deleted. */
  loss: { from: ["claimed"], to: ["ready", "dead", "canceled"] },
  answer: { from: ["input_required"], to: ["ready"] },
  /** `claimed` is not in the list. A held task stays held after a `cancel`, and its holder is asked to stop. */
  cancel: { from: ["blocked", "ready", "input_required"], to: ["canceled"] },
  retry: { from: ["failed", "dead", "canceled"], to: ["ready", "blocked"] },
  /** All tasks in `after` are done, so the task is ready. */
  unblock: { from: ["blocked"], to: ["ready"] },
  /** A client has changed `after`, so the task may become blocked or ready. */
  update: { from: ["blocked", "ready"], to: ["blocked", "ready"] },
} as const satisfies Readonly<Record<string, TransitionRow>>;

export type Trigger = keyof typeof TRANSITIONS;

/** Returns whether a trigger is allowed in a state. */
export function isPossible(trigger: Trigger, state: TaskState): boolean {
  return includes(TRANSITIONS[trigger].from, state);
}

/** Checks that the table has a transition. Throws if it does not, because that is a bug of the caller. */
export function assertTransition(trigger: Trigger, from: TaskState, to: TaskState): void {
  assert(
    isPossible(trigger, from) && includes(TRANSITIONS[trigger].to, to),
    `a task goes from ${from} to ${to} by ${trigger}`,
  );
}

function includes(states: readonly TaskState[], state: TaskState): boolean {
  return states.includes(state);
}
