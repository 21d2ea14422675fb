/** Limits of budgets for the usage of language models. */
import { KIB } from "./units.js";

export const BUDGETS_MAX = 1_000;
export const BUDGET_ID_CHARACTERS_MAX = 64;
/** The memory that each budget takes in the writer. A budget that is not `ok` takes the same on the front, too. */
export const BUDGET_BYTES = 2 * KIB;
/**
 * A usage report for a task also charges the budgets of the task's ancestors, at most this many. If there are more,
 * only the oldest ancestors are charged.
 */
export const BUDGET_TASKS_ABOVE_MAX = 256;
/** A claim counts the examination of this many ancestors of a task as one step (CLAIM_STEPS_MAX). */
export const BUDGET_TASKS_A_STEP = 4;
/** The interval at which the leader looks for budgets whose period has ended. */
export const BUDGET_RESET_INTERVAL_MS = 1_000;
export const BUDGET_WARN_AT_DEFAULT = 0.8;
/** The maximum number of exhausted budgets that the answer to a claim names. */
export const CLAIM_HELD_MAX = 8;
