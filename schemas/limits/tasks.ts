/** Limits of tasks: their number, their texts, the search for a task to claim, retries and retention. */
import { KIB, MIB } from "./units.js";

/**
 * If a claim gets no task, its answer lists the tasks whose resources are leased. This is the maximum number of these
 * tasks.
 */
export const CLAIM_BUSY_MAX = 10;
/** The maximum number of tasks that have not ended. */
export const TASKS_MAX = 100_000;
/** The maximum memory of all tasks in the writer. The front has a second copy of the ready tasks. */
export const TASKS_BYTES_MAX = 192 * MIB;
/** The memory of a task without its texts and resources. */
export const TASK_BYTES = 1 * KIB;
/** The maximum number of tasks that one call creates. */
export const TASKS_CREATED_MAX = 1_000;
export const TASK_ID_CHARACTERS_MAX = 128;
export const TASK_TITLE_BYTES_MAX = 512;
export const TASK_BODY_BYTES_MAX = 64 * KIB;
/** The maximum size of a task's data, result or checkpoint, as JSON. */
export const TASK_VALUE_BYTES_MAX = 64 * KIB;
export const TASK_LABELS_MAX = 32;
export const TASK_LABEL_BYTES_MAX = 128;
export const TASK_AFTER_MAX = 64;
/**
 * The maximum number of entries in the lists `after` of one call's tasks together. For each entry, the writer looks up
 * a task and inserts a row.
 */
export const TASKS_AFTER_TOGETHER_MAX = 10_000;
/**
 * The maximum number of tasks that wait for the same task. When that task is done, all of them become ready in one
 * transaction.
 */
export const TASK_WAITERS_MAX = 2_000;
/**
 * The maximum number of events about blocked and unblocked tasks that one call publishes. If there are more, it
 * publishes the events about the oldest tasks.
 */
export const TASKS_STUCK_REPORTED_MAX = 2_000;
/** If a claim has found no task after this many steps, it continues its search in another transaction. */
export const CLAIM_STEPS_MAX = 1_024;
/**
 * When a claim examines the resources of a task, it counts this many steps, and the steps of the comparison. A task
 * that is skipped counts as 1 step.
 */
export const CLAIM_LOOK_STEPS = 4;
/**
 * The maximum number of steps of one search on the front. The front searches for waiters that a task can be offered to,
 * and for tasks whose resources are leased.
 */
export const TASK_OFFER_STEPS_MAX = 65_536;
export const TASK_PRIORITY_DEFAULT = 5;
export const TASK_PRIORITY_MAX = 9;
/** The priority of a waiting task rises by one level each time that this time has passed. */
export const TASK_AGING_MS = 600_000;
export const TASK_ATTEMPTS_DEFAULT = 3;
export const TASK_ATTEMPTS_MAX = 100;
/**
 * After its first failure or lost claim, a task can be claimed again only after this delay. Each further failure or
 * lost claim multiplies the delay by TASK_BACKOFF_FACTOR.
 */
export const TASK_BACKOFF_MS = 1_000;
export const TASK_BACKOFF_FACTOR = 4;
export const TASK_BACKOFF_MS_MAX = 3_600_000;
/** After a question about a task was answered, the task is reserved this long for the instance that asked. */
export const TASK_RESERVED_MS = 60_000;
export const TASK_ROWS_DEFAULT = 100;
/**
 * The maximum number of direct and indirect predecessors of a blocked task that are examined to find out why it is
 * blocked.
 */
export const TASK_CAUSES_LOOKED_AT_MAX = 256;
/** To find out why a task is blocked, at most this many edges between its predecessors are examined. */
export const TASK_CAUSE_EDGES_MAX = 2_048;
/**
 * The maximum number of history entries in the answer about a task. If there are more, the answer has the newest ones.
 */
export const TASK_HISTORY_MAX = 1_000;
/**
 * The maximum number of dependents in the answer about a task. Dependents are the tasks that wait for the task. If
 * there are more, the answer has the oldest ones.
 */
export const TASK_DEPENDENTS_MAX = 1_000;
export const TASK_RETENTION_MS_DEFAULT = 30 * 86_400_000;
export const TASK_PRUNE_INTERVAL_MS = 3_600_000;
export const TASK_PRUNE_ROWS = 500;
/** The length of a traceparent of W3C Trace Context, in characters. */
export const TRACEPARENT_CHARACTERS = 55;
