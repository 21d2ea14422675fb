/**
 * Publishes lease events (granted, waiting, released, lost). Called inside the transaction that makes the change, so
 * the event commits with it. Runs in the writer thread.
 */
import type { ServerSource, ServerTopic } from "../../schemas/events.js";
import type { LeaseRecord } from "../../schemas/leases.js";
import type { Publisher } from "../events/publisher.js";
import type { WriteCall } from "../threads/writer-method.js";
import { leaseId } from "./lease.js";

/** The source of the server's own events. It is also the actor of an end that no client asked for. */
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
