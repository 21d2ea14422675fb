/**
 * Creates a task when a landing fails. The task tells the owner of the branch what to repair. Each branch has at most
 * one unfinished task of this kind. Runs in the CLI process.
 */
import { parseJson } from "../../shared/json-text.js";
import { ask, failureOf } from "../ask.js";
import { encodeQuery } from "../client.js";
import { hashOf } from "../content-hash.js";
import type { CliFailure } from "../failure.js";
import { JSON_TYPE } from "../input.js";
import { itemOf, itemsOf, textOf, type Item } from "../json-items.js";
import { isFailure, type Outcome } from "../outcome.js";
import { warn } from "../output.js";
import type { Settings } from "../settings.js";
import type { Lane } from "./lane.js";

const LABEL = "land";
const KEY_DIGITS = 16;
const ENDED: ReadonlySet<string> = new Set(["done", "failed", "dead", "canceled"]);
const CLAIMED = "claimed";
/** The limit of the list of tasks. It is larger than the number of tasks that a branch can have. */
const TASKS = "100";

export interface TaskText {
  readonly title: string;
  readonly body: string;
}

/** The branch that the task is about. */
export interface LandedBranch {
  readonly lane: Lane;
  readonly branch: string;
}

/**
 * Returns the label that the tasks of a branch have. It depends on the branch and on the branch into which it lands.
 */
export function labelOf({ lane, branch }: LandedBranch): string {
  return `land-${hashOf(`${lane.name}\n${branch}`).slice(0, KEY_DIGITS)}`;
}

async function send(settings: Settings, method: "POST" | "PATCH", path: string, json: object): Promise<Outcome<Item>> {
  const body = Buffer.from(JSON.stringify(json));
  const answer = await ask(settings, { method, path: `/api/tasks${path}`, headers: JSON_TYPE, body, repeatable: true });
  return isFailure(answer) ? answer : itemOf(parseJson(answer.body.toString("utf8")));
}

/** Lists the unfinished tasks of a branch, newest first. */
async function listOpen(settings: Settings, about: LandedBranch): Promise<Outcome<Item[]>> {
  const { workspace } = about.lane;
  const query = encodeQuery({ label: labelOf(about), limit: TASKS, ...(workspace === null ? {} : { workspace }) });
  const answer = await ask(settings, { method: "GET", path: `/api/tasks${query}` });
  if (isFailure(answer)) return answer;
  const tasks = itemsOf(parseJson(answer.body.toString("utf8")), "tasks");
  return tasks.filter(({ state }) => !ENDED.has(textOf(state)));
}

/**
 * Creates the task of a failed landing and returns its id. If the branch already has an unfinished task, updates this
 * task instead.
 */
export async function makeTask(
  settings: Settings,
  about: LandedBranch,
  text: TaskText,
  { owner, fence }: { readonly owner: string; readonly fence: number },
): Promise<string | CliFailure> {
  const open = await listOpen(settings, about);
  if (isFailure(open)) return failureOf(open);
  const id = textOf(open[0]?.["id"]);
  const { workspace, into } = about.lane;
  const made =
    id === ""
      ? await send(settings, "POST", "", {
          ...text,
          labels: [LABEL, labelOf(about)],
          assignee: owner,
          data: { branch: about.branch, into },
          // If the answer is lost, the request is repeated with the same id. So it cannot create a second task.
          request_id: `land-${fence}`,
          ...(workspace === null ? {} : { workspace }),
        })
      : await send(settings, "PATCH", `/${encodeURIComponent(id)}`, text);
  return isFailure(made) ? failureOf(made) : textOf(made["id"]);
}

/**
 * Cancels the tasks of a branch that has landed. A claimed task stays, because the agent that works on it completes it.
 */
export async function cancelTasks(settings: Settings, about: LandedBranch, reason: string): Promise<void> {
  const open = await listOpen(settings, about);
  if (isFailure(open)) {
    warn(`the tasks of ${about.branch} could not be read: ${failureOf(open).message}`);
    return;
  }
  for (const { id, state } of open) {
    if (state === CLAIMED) continue;
    const canceled = await send(settings, "POST", `/${encodeURIComponent(textOf(id))}/cancel`, { reason });
    if (isFailure(canceled)) warn(`the task ${textOf(id)} could not be canceled: ${failureOf(canceled).message}`);
  }
}
