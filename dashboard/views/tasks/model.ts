/** Defines the columns of the board: their states and the order of their tasks. Pure. */
import type { ListedTask, Task, TaskState } from "../../api/types.js";
import type { TasksByState } from "../../api/tasks.js";
import type { BadgeTone } from "../../parts/badge.js";

interface ColumnRow {
  readonly title: string;
  readonly states: readonly TaskState[];
  readonly order: (a: ListedTask, b: ListedTask) => number;
}

const byPriority = (a: ListedTask, b: ListedTask): number =>
  b.priority - a.priority || Date.parse(a.created_at) - Date.parse(b.created_at);
const latestFirst = (a: ListedTask, b: ListedTask): number => Date.parse(b.updated_at) - Date.parse(a.updated_at);

/** The columns from left to right. In Ready, the task that will be claimed next comes first. */
export const COLUMNS: readonly ColumnRow[] = [
  { title: "Blocked", states: ["blocked"], order: byPriority },
  { title: "Ready", states: ["ready"], order: byPriority },
  { title: "Claimed", states: ["claimed"], order: latestFirst },
  { title: "Asks", states: ["input_required"], order: latestFirst },
  { title: "Ended", states: ["done", "failed", "dead", "canceled"], order: latestFirst },
];
export const STATES = COLUMNS.flatMap(({ states }) => states);

export interface Column {
  readonly title: string;
  readonly tasks: readonly ListedTask[];
  /** Whether the server may have more tasks for this column. */
  readonly cut: boolean;
}

/**
 * Returns the columns of the board with their tasks.
 * @param limit the number of tasks that were requested per state
 */
export function columnsOf(byState: TasksByState, limit: number): Column[] {
  return COLUMNS.map(({ title, states, order }) => {
    const lists = states.map((state) => byState[state] ?? []);
    return { title, tasks: lists.flat().sort(order), cut: lists.some(({ length }) => length >= limit) };
  });
}

export const TONES: Readonly<Record<TaskState, BadgeTone>> = {
  blocked: "plain",
  ready: "note",
  claimed: "note",
  input_required: "warn",
  done: "good",
  failed: "bad",
  dead: "bad",
  canceled: "plain",
};

/** Returns whether a task can be canceled in its state. */
export function canCancel({ ended_at }: Pick<ListedTask, "ended_at">): boolean {
  return ended_at === null;
}

/** Returns whether a task can be retried in its state. */
export function canRetry({ state }: Pick<ListedTask, "state">): boolean {
  return state === "failed" || state === "dead" || state === "canceled";
}

/** Formats a state: `input_required` as `input required`. */
export const formatState = (state: TaskState): string => state.replaceAll("_", " ");

export interface Exchange {
  /**
   * The actors and times of the last question and of its answer. A member is undefined if the task's history no longer
   * contains the step.
   */
  readonly asked: Task["history"][number] | undefined;
  readonly answered: Task["history"][number] | undefined;
}

/** Returns the steps of the task's last question and of its answer. */
export function exchangeOf({ history, answer }: Pick<Task, "history" | "answer">): Exchange {
  const at = history.findLastIndex(({ state }) => state === "input_required");
  return { asked: history[at], answered: at < 0 || answer === null ? undefined : history[at + 1] };
}
