/**
 * Sends the actions of a task's holder, each with a fence. The fence comes from the command line, or else from the
 * environment, or else from the task's current claim. Runs in the CLI process.
 *
 * A user may repeat an action because its answer was lost. The first call may have ended the claim, so the task has no
 * current fence. The fence of the ended claim is then found in the events.
 */
import { CLI_TASK_EVENTS } from "../schemas/limits/cli.js";
import { parseJson } from "../shared/json-text.js";
import { ask, Refusal } from "./ask.js";
import { encodeQuery } from "./client.js";
import { refused, type CliFailure } from "./failure.js";
import { taskFenceOfEnvironment } from "./fence.js";
import { isFailure, type Outcome } from "./outcome.js";
import type { Settings } from "./settings.js";
import { getTask, sendTaskAction, type HolderAction } from "./task-calls.js";

/** The server's HTTP status for an action with a fence that is not that of the current claim. */
const CLAIM_LOST = 409;

/** The `source` of events that the server itself publishes. */
const SERVER = "koor";

/** The data of a task event. Any client may publish an event with this topic, so members may be missing or invalid. */
interface TaskEvent {
  readonly data?: {
    readonly task_id?: unknown;
    readonly fence?: unknown;
    readonly holder?: { readonly id?: unknown } | null;
  } | null;
}

/**
 * Finds the fence of this instance's last claim of the task, in the server's latest events; undefined if it is not
 * there. An old fence is harmless: the server then only repeats the answer that this instance has already received.
 */
async function findLastFence(settings: Settings, id: string): Promise<number | undefined | CliFailure> {
  if (settings.instance === "") return undefined;
  const query = encodeQuery({ topic: "task.*", source: SERVER, last: String(CLI_TASK_EVENTS) });
  const answer = await ask(settings, { method: "GET", path: `/api/events/history${query}` });
  if (answer instanceof Refusal) return undefined;
  if (isFailure(answer)) return answer;
  const text = answer.body.toString("utf8");
  const events = parseJson(text);
  if (!Array.isArray(events)) return undefined;
  const claims = (events as readonly (TaskEvent | null)[]).map((event) => event?.data);
  const fence = claims.find((claim) => claim?.task_id === id && claim.holder?.id === settings.instance)?.fence;
  return Number.isSafeInteger(fence) ? (fence as number) : undefined;
}

/**
 * Sends an action for a task, and chooses the fence. Returns the body of the answer.
 * @param given the fence on the command line
 * @param members the other members of the body, as JSON texts
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
  // The claim has ended. An earlier call of the same action may have ended it. This is impossible for a heartbeat
  // (`progress`), which never ends a claim.
  const last = action === "progress" ? undefined : await findLastFence(settings, id);
  if (last !== undefined) {
    const sent = isFailure(last) ? last : await send(last);
    if (!(sent instanceof Refusal && sent.status === CLAIM_LOST)) return sent;
  }
  // If another instance holds the task, its fence is sent. The server refuses this, because it also checks the holder.
  return fence === null ? refused(`task is not held: ${id}`) : await send(fence);
}
