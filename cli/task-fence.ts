/**
 * Sends the actions of a task's holder. If no fence is given, it uses the fence of the environment or of the current
 * claim. A repeated call uses the fence of the claim that its first attempt ended. Runs in the CLI process.
 */
import { CLI_TASK_EVENTS } from "../schemas/limits.js";
import { ask, Refusal } from "./ask.js";
import { encodeQuery } from "./client.js";
import { refused, type CliFailure } from "./failure.js";
import { taskFenceOfEnvironment } from "./fence.js";
import { isJson } from "./json-text.js";
import { isFailure, type Outcome } from "./outcome.js";
import type { Settings } from "./settings.js";
import { getTask, sendTaskAction, type HolderAction } from "./task-calls.js";

/** The server's status for a fence that is not, or no longer, the claim's. */
const CLAIM_LOST = 409;

/** The source of events that the server publishes itself. */
const SERVER = "koor";

/** The data of a task event. Anyone may publish one, so none of it is certain. */
interface TaskEvent {
  readonly data?: {
    readonly task_id?: unknown;
    readonly fence?: unknown;
    readonly holder?: { readonly id?: unknown } | null;
  } | null;
}

/**
 * Finds the last fence under which this instance held the task, from the server's newest events; undefined if they do
 * not contain it. The fence grants no rights: under it the server only repeats an answer that it gave this instance
 * before.
 */
async function findLastFence(settings: Settings, id: string): Promise<number | undefined | CliFailure> {
  if (settings.instance === "") return undefined;
  const query = encodeQuery({ topic: "task.*", source: SERVER, last: String(CLI_TASK_EVENTS) });
  const answer = await ask(settings, { method: "GET", path: `/api/events/history${query}` });
  if (answer instanceof Refusal) return undefined;
  if (isFailure(answer)) return answer;
  const text = answer.body.toString("utf8");
  const events: unknown = isJson(text) ? JSON.parse(text) : [];
  if (!Array.isArray(events)) return undefined;
  const claims = (events as readonly (TaskEvent | null)[]).map((event) => event?.data);
  const fence = claims.find((claim) => claim?.task_id === id && claim.holder?.id === settings.instance)?.fence;
  return Number.isSafeInteger(fence) ? (fence as number) : undefined;
}

/**
 * Sends an action for a task. Returns the answer's body.
 * @param given the fence of the command line
 * @param members JSON texts
 */
export async function sendHolderAction(
  settings: Settings,
  { id, given }: { readonly id: string; readonly given: number | undefined },
  action: HolderAction,
  members: Readonly<Record<string, string | undefined>>,
): Promise<Outcome<Buffer>> {
  const send = async (fence: number) => await sendTaskAction(settings, { id, fence }, action, members);
  const known = given ?? taskFenceOfEnvironment(id);
  if (known !== undefined) return await send(known);
  const read = await getTask(settings, id);
  if (isFailure(read)) return read;
  const { fence, holder } = read.task;
  if (fence !== null && (settings.instance === "" || holder?.id === settings.instance)) return await send(fence);
  // All actions except a heartbeat end the claim. A client that lost the answer sends the action again.
  const last = action === "progress" ? undefined : await findLastFence(settings, id);
  if (last !== undefined) {
    const sent = isFailure(last) ? last : await send(last);
    if (!(sent instanceof Refusal && sent.status === CLAIM_LOST)) return sent;
  }
  // The server knows the holder, and refuses any other instance.
  return fence === null ? refused(`task is not held: ${id}`) : await send(fence);
}
