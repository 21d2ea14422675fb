/**
 * Loads tasks, and sends the actions on a task, for every view that shows tasks. Tasks are loaded by state or one by
 * one.
 */
import { getJson, send, sendOnce } from "./client.js";
import { apiPath, query } from "../base/path.js";
import type { Loader } from "./resource.js";
import { mayDecide, session } from "./session.js";
import type { ListedTask, Task, TaskDraft, TaskList, TaskState } from "./types.js";

export interface TaskFilter {
  readonly workspace?: string;
  readonly label?: string;
  /** The id of an instance. It selects the tasks that this instance holds. */
  readonly holder?: string;
}

export type TasksByState = Readonly<Partial<Record<TaskState, readonly ListedTask[]>>>;

const GAP_MS = 1_000;

/** Loads the newest tasks in each of the given states, at most `limit` tasks per state. */
export function tasksLoader(states: readonly TaskState[], filter: TaskFilter, limit: number): Loader<TasksByState> {
  return {
    key: `tasks ${states.join()} ${limit} ${JSON.stringify(filter)}`,
    kinds: ["task"],
    gapMsMin: GAP_MS,
    fetch: async (signal) => {
      const lists = states.map(async (state) => {
        const { tasks } = await getJson<TaskList>(apiPath("tasks") + query({ ...filter, state, limit }), signal);
        return [state, tasks] as const;
      });
      return Object.fromEntries(await Promise.all(lists));
    },
  };
}

/** Loads the tasks that wait for the answer to a question, newest first. */
export const openQuestions: Loader<TasksByState> = tasksLoader(["input_required"], {}, 100);

/** Loads one task with all of its fields and its history. */
export function taskLoader(id: string): Loader<Task> {
  return {
    key: `task ${id}`,
    kinds: ["task", "evidence"],
    concerns: ({ key }) => key === null || key === id,
    fetch: (signal) => getJson<Task>(apiPath("tasks", id), signal),
  };
}

/**
 * Returns whether the user may answer, cancel or retry a task. This needs the server's token, or the token of the
 * task's creator or holder.
 */
export function mayChange({ created_by, holder }: Pick<ListedTask, "created_by" | "holder">): boolean {
  const actor = session.value?.actor;
  return mayDecide.value || (actor !== undefined && (actor === created_by || actor === holder?.id));
}

/**
 * Adds a task.
 * @throws ApiError if the request fails
 */
export function addTask(task: TaskDraft): Promise<Task> {
  return send<Task>("POST", apiPath("tasks"), task);
}

/** For each action, a function that returns whether the task shows that the action was already done. */
const DONE: Readonly<Record<"answer" | "cancel" | "retry", (task: Task) => boolean>> = {
  answer: ({ answer }) => answer !== null,
  cancel: ({ state, cancel_requested }) => cancel_requested || state === "canceled",
  retry: ({ ended_at }) => ended_at === null,
};

/**
 * Sends an action on a task.
 * @throws ApiError if the request fails, unless the action was already done
 */
export function changeTask(id: string, action: "answer" | "cancel" | "retry", body: object = {}): Promise<unknown> {
  return sendOnce(
    () => send("POST", apiPath("tasks", id, action), body),
    async () => DONE[action](await getJson<Task>(apiPath("tasks", id))),
  );
}
