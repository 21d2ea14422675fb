/**
 * Finds which leases wait for which other leases. It builds a lock table from the stored leases, so it finds the same
 * blockers as the writer. Pure.
 */
import type { FindWaitsReply, FindWaitsRequest } from "../../../schemas/leases.js";
import { LEASE_CONFLICTS_MAX } from "../../../schemas/limits/leases.js";
import type { LiveLease } from "../claims/lease.js";
import { LockTable } from "../claims/lock-table.js";

/**
 * Returns pairs of a waiting lease and one of its blockers, the longest waits first. The blockers are held leases of
 * other holders. If there are none, they are earlier waiting leases. Each pair is listed once. A waiting lease has at
 * most LEASE_CONFLICTS_MAX pairs.
 * @param leases all live leases, in the order of their requests
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
