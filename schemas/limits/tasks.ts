/** Limits of tasks: how many there are, their texts, the search for a task to claim, retries and retention. */
import { KIB, MIB } from "./units.js";

/** The most tasks in the answer to a claim that got none because the resources of these tasks are leased. */
export const CLAIM_BUSY_MAX = 10;
/** Tasks that have not ended. */
export const TASKS_MAX = 100_000;
/** The memory of tasks in the writer. The front has a second copy of the ready tasks. */
export const TASKS_BYTES_MAX = 192 * MIB;
/** A task without its texts and resources. */
export const TASK_BYTES = 1 * KIB;
/** Tasks that one call creates. */
export const TASKS_CREATED_MAX = 1_000;
export const TASK_ID_CHARACTERS_MAX = 128;
export const TASK_TITLE_BYTES_MAX = 512;
export const TASK_BODY_BYTES_MAX = 64 * KIB;
/** Data, result and checkpoint, as JSON. */
export const TASK_VALUE_BYTES_MAX = 64 * KIB;
export const TASK_LABELS_MAX = 32;
export const TASK_LABEL_BYTES_MAX = 128;
export const TASK_AFTER_MAX = 64;
/**
 * The most references in `after` of all tasks of one call. Each reference takes a look-up, and adds a row to the call's
 * transaction.
 */
export const TASKS_AFTER_TOGETHER_MAX = 10_000;
/**
 * The most tasks that may wait for the same task. All of them become ready in the transaction in which that task is
 * done.
 */
export const TASK_WAITERS_MAX = 2_000;
/**
 * The most events about blocked and unblocked tasks that one call publishes. If there are more, the oldest tasks come
 * first.
 */
export const TASKS_STUCK_REPORTED_MAX = 2_000;
/** After this many steps, a claim that has found no task continues its search in another transaction. */
export const CLAIM_STEPS_MAX = 1_024;
/**
 * The steps to examine the resources of a task, in addition to the steps to compare them. A task that is skipped takes
 * 1 step.
 */
export const CLAIM_LOOK_STEPS = 4;
/** The most steps of one search on the front: for the waiters to wake, or for the tasks whose resources are leased. */
export const TASK_OFFER_STEPS_MAX = 65_536;
export const TASK_PRIORITY_DEFAULT = 5;
export const TASK_PRIORITY_MAX = 9;
/** A waiting task gains one priority level each time that this much time has passed. */
export const TASK_AGING_MS = 600_000;
export const TASK_ATTEMPTS_DEFAULT = 3;
export const TASK_ATTEMPTS_MAX = 100;
/**
 * The delay before a task can be claimed again after its first failure or lost claim. Each further one multiplies the
 * delay by TASK_BACKOFF_FACTOR.
 */
export const TASK_BACKOFF_MS = 1_000;
export const TASK_BACKOFF_FACTOR = 4;
export const TASK_BACKOFF_MS_MAX = 3_600_000;
/** The time that a task whose question was answered is reserved for the instance that asked. */
export const TASK_RESERVED_MS = 60_000;
export const TASK_ROWS_DEFAULT = 100;
/** The most predecessors of a task that are examined to find the reason why the task cannot continue. */
export const TASK_CAUSES_LOOKED_AT_MAX = 256;
/** For the same search, the most edges among the predecessors that are examined. */
export const TASK_CAUSE_EDGES_MAX = 2_048;
/**
 * The most history entries of a task in one answer, the newest first. The next limit is that of the tasks that wait for
 * it, the oldest first.
 */
export const TASK_HISTORY_MAX = 1_000;
export const TASK_DEPENDENTS_MAX = 1_000;
export const TASK_RETENTION_MS_DEFAULT = 30 * 86_400_000;
export const TASK_PRUNE_INTERVAL_MS = 3_600_000;
export const TASK_PRUNE_ROWS = 500;
