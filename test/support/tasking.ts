/** Tasks as tests see them, and the calls of agents (leasing.ts) about tasks. */
import { must } from "../../src/base/assert.js";
import { sendJson, type Answer } from "./http-client.js";
import type { Agent, Lease, StoredEvent } from "./leasing.js";

export interface Task {
  readonly id: string;
  readonly workspace: string;
  readonly title: string;
  readonly labels: readonly string[];
  readonly resources: readonly string[];
  readonly state: string;
  readonly attempts: number;
  readonly not_before: string | null;
  readonly holder: { readonly id: string; readonly name: string } | null;
  readonly fence: number | null;
  readonly lease: string | null;
  readonly progress: number | null;
  readonly note: string | null;
  readonly checkpoint: unknown;
  readonly cancel_requested: boolean;
  readonly asked_by?: string;
  readonly error: string | null;
  readonly result: unknown;
  readonly after: readonly string[];
  readonly history: readonly {
    readonly actor: string;
    readonly state: string;
    readonly note: string | null;
  }[];
  readonly dependents: readonly string[];
}

export interface Claimed {
  readonly task: Task | null;
  readonly lease: Lease | null;
}

/** The caller: an agent, or the port of the server, perhaps with a workspace, for a call without an instance. */
type Asker = Agent | number | { readonly port: number; readonly workspace: string };

export function askAs(asker: Asker, method: string, path: string, body: object = {}): Promise<Answer> {
  if (typeof asker === "number") return sendJson(asker, method, path, body);
  return "ask" in asker ? asker.ask(method, path, body) : sendJson(asker.port, method, path, body);
}

/** Makes one task, or several in one call, in the workspace of the caller. Without a workspace, it is `w`. */
export async function addTasks(asker: Asker, ...tasks: readonly object[]): Promise<Task[]> {
  const workspace = typeof asker === "number" ? "w" : asker.workspace;
  const named = tasks.map((task) => ({ workspace, title: "t", ...task }));
  const answer = await askAs(asker, "POST", "/api/tasks", named);
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.json<Task[]>();
}

export async function addTask(asker: Asker, task: object = {}): Promise<Task> {
  return must((await addTasks(asker, task))[0], "one for one");
}

export async function getTask(asker: Asker, id: string): Promise<Task> {
  return (await askAs(asker, "GET", `/api/tasks/${id}`)).json<Task>();
}

export function tryClaim(agent: Agent, body: object = {}): Promise<Answer> {
  return agent.ask("POST", "/api/tasks/claim", body);
}

export async function claim(agent: Agent, body: object = {}): Promise<Claimed> {
  const answer = await tryClaim(agent, body);
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.json<Claimed>();
}

/** Claims a task. Throws if there is none. */
export async function claimOne(agent: Agent, body: object = {}): Promise<Task & { readonly fence: number }> {
  const { task } = await claim(agent, body);
  if (task === null || task.fence === null) throw new Error("there is no task");
  return { ...task, fence: task.fence };
}

/** Makes a call about a task. If it is an action of the holder, sends the fence. */
export function callTask(
  asker: Asker,
  { id, fence }: Pick<Task, "id" | "fence">,
  verb: string,
  body: object = {},
): Promise<Answer> {
  return askAs(asker, "POST", `/api/tasks/${id}/${verb}`, fence === null ? body : { fence, ...body });
}

/** Formats a task's event as a short line. */
export function shortOf({ topic, data }: StoredEvent): string {
  const { holder, fence, reason } = data as {
    readonly holder: { readonly name: string } | null;
    readonly fence: number | null;
    readonly reason: string | null;
  };
  const parts = [topic, String(data["task_id"]), holder?.name ?? "-", fence ?? "-", reason ?? "-"];
  return parts.join(" ");
}
