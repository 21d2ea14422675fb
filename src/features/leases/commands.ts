/**
 * Declares the writer methods of leases. This folder is the API of leases. The lock engine in src/features/claims/
 * decides which leases are granted. Runs in the writer thread.
 */
import {
  AcquireReply,
  AcquireRequest,
  BreakRequest,
  LeaseChanged,
  LeaveReply,
  LeaveRequest,
  ReleaseRequest,
  RenewRequest,
} from "../../../schemas/leases.js";
import { claimRegistry } from "../claims/claim-registry.js";
import { CHANGES_CLAIMS } from "../claims/commands.js";
import { leaseId } from "../claims/lease.js";
import { weightOf } from "../../platform/rpc/method.js";
import { noDetail, writerMethod } from "../../platform/threads/writer-method.js";

const models = { registry: claimRegistry };

/**
 * Returns the id of the lease that a request names. A request has no row if the client's text was not a lease id; the
 * result is then "".
 */
function named({ row = 0 }: { readonly row?: number }): string {
  return row === 0 ? "" : leaseId(row);
}

function hasChanged({ changed }: { readonly changed: boolean }): boolean {
  return changed;
}

export const acquireLease = writerMethod({
  name: "lease.acquire",
  request: AcquireRequest,
  reply: AcquireReply,
  weight: weightOf,
  audit: {
    action: "lease.acquire",
    resource: (_request, reply) => (reply === null ? "" : leaseId(reply.row)),
    writesRow: ({ made }) => made,
    detail: ({ resources, shared, workspace, scope, automatic, any, max_holders }) =>
      JSON.stringify({
        resources,
        mode: shared ? "shared" : "exclusive",
        workspace,
        scope,
        automatic,
        any,
        max_holders,
      }),
  },
  changes: CHANGES_CLAIMS,
  models,
  family: "claims",
  run: ({ registry }, request, call) => registry.acquire(request, call),
});

export const renewLease = writerMethod({
  name: "lease.renew",
  request: RenewRequest,
  reply: LeaseChanged,
  weight: weightOf,
  audit: {
    action: "lease.renew",
    resource: named,
    writesRow: hasChanged,
    detail: ({ ttl_s, touch }) => JSON.stringify({ ttl_s, touch }),
  },
  changes: CHANGES_CLAIMS,
  models,
  family: "claims",
  run: ({ registry }, request, call) => registry.renew(request, call),
});

export const releaseLease = writerMethod({
  name: "lease.release",
  request: ReleaseRequest,
  reply: LeaseChanged,
  weight: weightOf,
  audit: { action: "lease.release", resource: named, writesRow: hasChanged, detail: noDetail },
  changes: CHANGES_CLAIMS,
  models,
  family: "claims",
  run: ({ registry }, request, call) => registry.release(request, call),
});

export const leaveQueue = writerMethod({
  name: "lease.leave",
  request: LeaveRequest,
  reply: LeaveReply,
  weight: weightOf,
  // No audit row: the waiting call that leaves the queue already has one row for its request, and one for its
  // rejection.
  audit: null,
  changes: CHANGES_CLAIMS,
  models,
  family: "claims",
  run: ({ registry }, request, call) => registry.leave(request, call),
});

export const breakLease = writerMethod({
  name: "lease.break",
  request: BreakRequest,
  reply: LeaseChanged,
  weight: weightOf,
  audit: { action: "lease.break", resource: named, detail: ({ reason }) => JSON.stringify({ reason }) },
  changes: CHANGES_CLAIMS,
  models,
  family: "claims",
  run: ({ registry }, { row, reason }, call) => registry.breakLease(row, reason, call),
});
