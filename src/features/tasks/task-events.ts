/**
 * Publishes the events of tasks. The caller runs inside the transaction that makes the change, so the event is
 * committed together with the change. Runs in the writer thread.
 */
import type { ServerTopic } from "../../../schemas/events.js";
import type { LeaseRecord } from "../../../schemas/leases.js";
import { SERVER } from "../claims/lease-events.js";
import type { Publisher } from "../events/publisher.js";
import type { WriteCall } from "../../platform/threads/writer-method.js";
import type { LiveTask } from "./task.js";

export type TaskTopic = Extract<ServerTopic, `task.${string}`>;

/**
 * Publishes an event about a change of a task.
 * @param claim the claim that the change begins or ends; null if there is none
 */
export function publishTaskEvent(
  events: Publisher,
  topic: TaskTopic,
  { id, workspace, title, labels, life }: LiveTask,
  claim: LeaseRecord | null,
  reason: string | null,
  call: WriteCall,
): void {
  const data = {
    task_id: id,
    workspace,
    title,
    labels,
    state: life.state,
    holder: claim === null ? null : { id: claim.holder, name: claim.holder_name },
    fence: claim?.fence ?? null,
    reason,
  };
  events.publish({ topic, data: JSON.stringify(data), source: SERVER }, call);
}
