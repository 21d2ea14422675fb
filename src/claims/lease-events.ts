/**
 * Publishes lease events (granted, waiting, released, lost). The caller is inside the transaction that makes the
 * change, so the event commits with it. Runs in the writer thread.
 */
import type { ServerSource, ServerTopic } from "../../schemas/events.js";
import type { LeaseRecord } from "../../schemas/leases.js";
import type { Publisher } from "../events/publisher.js";
import type { WriteCall } from "../threads/writer-method.js";
import { leaseId } from "./lease.js";

/**
 * The source of events that the server itself publishes, and the actor when a claim ends without a client's request.
 */
export const SERVER = "koor" satisfies ServerSource;

export type LeaseTopic = Extract<ServerTopic, `lease.${string}`>;

export function publishLeaseEvent(events: Publisher, topic: LeaseTopic, record: LeaseRecord, call: WriteCall): void {
  const { row, holder, holder_name, workspace, resources, shared, fence, task, reason } = record;
  const data = {
    lease_id: leaseId(row),
    holder: { id: holder, name: holder_name },
    workspace,
    resources,
    mode: shared ? "shared" : "exclusive",
    fence: fence === 0 ? null : fence,
    task,
    reason,
  };
  events.publish({ topic, data: JSON.stringify(data), source: SERVER }, call);
}
