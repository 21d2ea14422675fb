/**
 * What who holds a task says of it, under a fence that may not be given: then it is that of the environment, of the
 * claim that is held, or, for a call that is made once more, of the claim that this very call has ended. Runs in the
 * command line's process.
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

/** What the server answers under a fence that is not, or not any more, the claim's. */
const CLAIM_LOST = 409;

/** Who says so where the server publishes an event by itself. */
const SERVER = "koor";

/** What an event of a task says; anybody may publish one, so none of it is certain. */
interface TaskEvent {
  readonly data?: {
    readonly task_id?: unknown;
    readonly fence?: unknown;
    readonly holder?: { readonly id?: unknown } | null;
  } | null;
}

/**
 * The fence under which this instance has held a task last, as the server's newest events send; undefined where they
 * do not. It gives no rights: the server answers under it only what it has answered this instance before.
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
 * Says something of a task; the answer's body.
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
  // All but a sign of life end the claim: who has lost the answer asks for it once more.
  const last = action === "progress" ? undefined : await findLastFence(settings, id);
  if (last !== undefined) {
    const sent = isFailure(last) ? last : await send(last);
    if (!(sent instanceof Refusal && sent.status === CLAIM_LOST)) return sent;
  }
  // Whose it is, the server knows: it refuses another's.
  return fence === null ? refused(`task is not held: ${id}`) : await send(fence);
}
