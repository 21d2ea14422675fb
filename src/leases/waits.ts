/**
 * Who waits for whom, of what is stored: the line is put up once more, so that what is in the way of a request is what
 * the writer says of it. Pure.
 */
import type { FindWaitsReply, FindWaitsRequest } from "../../schemas/leases.js";
import { LEASE_CONFLICTS_MAX } from "../../schemas/limits.js";
import type { LiveLease } from "../claims/lease.js";
import { LockTable } from "../claims/lock-table.js";

/**
 * What holds up those who wait, the longest waiting first: what others hold, and only where there is no such thing who
 * stands before them. Each pair once, LEASE_CONFLICTS_MAX of a request at most.
 * @param leases all that are held or wait, in the order of their requests
 */
export function waitsOf(leases: readonly LiveLease[], { workspace, limit }: FindWaitsRequest): FindWaitsReply {
  const lockTable = new LockTable<LiveLease>();
  for (const lease of leases) if (lease.record.state === "held") lockTable.hold(lease);
  const queue = leases.filter(({ record }) => record.state === "waiting");
  for (const lease of queue) lockTable.enqueue(lease);
  const asked = queue.filter(({ record }) => workspace === null || record.workspace === workspace);
  const waits: FindWaitsReply["waits"] = [];
  for (const lease of asked.slice(0, limit)) {
    const reported = new Set<LiveLease>();
    for (const { wanted, resource, claim } of lockTable.conflictsOf(lease, Number.POSITIVE_INFINITY).conflicts) {
      if (reported.has(claim) || reported.size === LEASE_CONFLICTS_MAX) continue;
      reported.add(claim);
      waits.push({ lease: lease.order, for: claim.order, wanted: wanted.text, resource: resource.text });
    }
  }
  return { waiting: asked.length, waits };
}
