/**
 * Sends the requests of the task commands, one function for each kind of request. task-wait.ts waits for a task. Runs
 * in the CLI process.
 */
import type { Static } from "typebox";

import type { Task as TaskSchema } from "../schemas/tasks.js";
import { isJson, memberTexts, parseJson } from "../shared/json-text.js";
import { ask, Refusal } from "./ask.js";
import { failed } from "./failure.js";
import { JSON_TYPE } from "./input.js";
import { objectOf } from "./json-text.js";
import type { CallLimits } from "./lease-calls.js";
import { isFailure, type Outcome } from "./outcome.js";
import type { Settings } from "./settings.js";

export type Task = Static<typeof TaskSchema>;

/** The server's answer about a task, parsed and as bytes. The bytes are printed unchanged. */
export interface TaskAnswer {
  readonly task: Task;
  readonly answer: Buffer;
}

/** The answer to a claim. */
export interface ClaimAnswer {
  /** The claimed task; null if no task was ready. */
  readonly task: Task | null;
  /** The task's JSON text as the server sent it, in which numbers keep their digits. */
  readonly text: string;
  readonly answer: Buffer;
}

/** The members of a request for a claim. If a member is undefined, the server uses its default. */
export interface ClaimRequest {
  readonly id: string | undefined;
  readonly workspace: string | undefined;
  readonly labels: readonly string[];
  readonly ttl_s: number | undefined;
}

/** The actions that only the holder of a task may take. */
export type HolderAction = "progress" | "complete" | "fail" | "release" | "ask";

const NO_TASK = failed("the answer is not a task: is this a Koor server?");

function pathOf(id: string, action = ""): string {
  return `/api/tasks/${encodeURIComponent(id)}${action === "" ? "" : `/${action}`}`;
}

function isTask(parsed: unknown): parsed is Task {
  return typeof parsed === "object" && parsed !== null && "id" in parsed && "state" in parsed;
}

export async function getTask(settings: Settings, id: string, limits: CallLimits = {}): Promise<Outcome<TaskAnswer>> {
  const answer = await ask(settings, { method: "GET", path: pathOf(id), ...limits });
  if (isFailure(answer)) return answer;
  const text = answer.body.toString("utf8");
  const task = parseJson(text);
  return isTask(task) ? { task, answer: answer.body } : new Refusal(answer.status, NO_TASK);
}

/**
 * Claims the task that the request names. If it names none, claims the best ready task. Repeated calls with the same
 * `request_id` get the same task.
 */
export async function claimTask(
  settings: Settings,
  request: ClaimRequest,
  { wait_s, request_id }: { readonly wait_s: number; readonly request_id: string },
  limits: CallLimits = {},
): Promise<Outcome<ClaimAnswer>> {
  const body = Buffer.from(JSON.stringify({ ...request, wait_s, request_id }));
  const plan = { method: "POST", path: "/api/tasks/claim", headers: JSON_TYPE, body, repeatable: true, ...limits };
  const answer = await ask(settings, plan);
  if (isFailure(answer)) return answer;
  const json = answer.body.toString("utf8");
  const text = isJson(json) ? memberTexts(json)?.get("task") : undefined;
  const task: unknown = text === undefined ? undefined : JSON.parse(text);
  if (text === undefined || !(task === null || isTask(task))) return new Refusal(answer.status, NO_TASK);
  return { task, text, answer: answer.body };
}

/**
 * Sends an action for a task, with the fence of its claim. Returns the body of the answer.
 * @param members the other members of the body, as JSON texts
 */
export async function sendTaskAction(
  settings: Settings,
  { id, fence }: { readonly id: string; readonly fence: number },
  action: HolderAction,
  members: Readonly<Record<string, string | undefined>>,
  limits: CallLimits = {},
): Promise<Outcome<Buffer>> {
  const body = Buffer.from(objectOf({ fence: String(fence), ...members }));
  // The call may be repeated. The server answers a repeated action with the same fence as it answered the first one.
  const plan = { method: "POST", path: pathOf(id, action), headers: JSON_TYPE, body, repeatable: true, ...limits };
  const answer = await ask(settings, plan);
  return isFailure(answer) ? answer : answer.body;
}
