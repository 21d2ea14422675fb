/**
 * Publishes the events of leases: granted, waiting, released and lost. It is called in the transaction that changes the
 * lease, so the event is committed together with the change. Runs in the writer thread.
 */
import type { ServerSource, ServerTopic } from "../../../schemas/events.js";
import type { LeaseRecord } from "../../../schemas/leases.js";
import type { Publisher } from "../events/publisher.js";
import type { WriteCall } from "../../platform/threads/writer-method.js";
import { leaseId } from "./lease.js";

/**
 * The name of the server as the source of its own events. If a claim ends without a client's request, the server is
 * also the actor.
 */
export const SERVER = "koor" satisfies ServerSource;

export type LeaseTopic = Extract<ServerTopic, `lease.${string}`>;

export function publishLeaseEvent(events: Publisher, topic: LeaseTopic, record: LeaseRecord, call: WriteCall): void {
  const { row, holder, holder_name, workspace, resources, shared, fence, task, reason, max_holders, any } = record;
  const data = {
    lease_id: leaseId(row),
    holder: { id: holder, name: holder_name },
    workspace,
    resources,
    mode: shared ? "shared" : "exclusive",
    fence: fence === 0 ? null : fence,
    task,
    reason,
    ...(max_holders === null ? {} : { max_holders }),
    ...(any === null ? {} : { any }),
  };
  events.publish({ topic, data: JSON.stringify(data), source: SERVER }, call);
}
