/**
 * Declares the routes of docs/http-api.md "Leases". front.ts and its neighbours handle the requests. Runs on the front.
 */
import { WorkspaceHeader } from "../../../schemas/common.js";
import {
  AcquiredLease,
  Lease,
  LeaseBody,
  LeaseBreakAnswer,
  LeaseBreakBody,
  LeaseCheckAnswer,
  LeaseCheckBody,
  LeaseConflictBody,
  LeaseGetQuery,
  LeaseList,
  LeaseQuery,
  LeaseReleaseAnswer,
  LeaseReleaseQuery,
  LeaseRenewBody,
  LeaseWaits,
  LeaseWaitsQuery,
} from "../../../schemas/leases.js";
import { leaseRow } from "../claims/lease.js";
import { route, type Route } from "../../platform/front/route.js";
import { acquireLease, breakLease, releaseLease, renewLease } from "./commands.js";
import { ConflictCheck, type ConflictCheckOptions } from "./front-check.js";
import { LeaseFront, type LeaseFrontOptions } from "./front.js";
import { LeaseSearch, type LeaseSearchOptions } from "./front-search.js";
import { listWaits, type WaitListOptions } from "./front-waits.js";
import { longLeaseLists } from "./long-lists.js";

/** Returns the row of the lease that a URL path names, in the form that audit rules expect. */
function subject([id]: readonly [string]): { readonly row?: number } {
  const row = leaseRow(id);
  return row === undefined ? {} : { row };
}

export interface LeaseRoutesOptions
  extends ConflictCheckOptions,
    LeaseSearchOptions,
    WaitListOptions,
    Omit<LeaseFrontOptions, "conflicts"> {}

export function leaseRoutes(options: LeaseRoutesOptions): Route[] {
  const longLists = longLeaseLists();
  const conflicts = new ConflictCheck(options, longLists);
  const search = new LeaseSearch(options, longLists);
  const leases = new LeaseFront({ ...options, conflicts });
  const tag = "leases";
  const path = "/api/leases/{id}";
  return [
    route({
      method: "POST",
      path: "/api/leases",
      name: "lease.acquire",
      tag,
      summary: "Leases resources, all or nothing; may wait in the queue for them.",
      body: { kind: "json", schema: LeaseBody },
      waits: true,
      answer: AcquiredLease,
      statuses: [202, 409, 429],
      refusals: { 409: LeaseConflictBody },
      audited: { by: acquireLease },
      handle: (request) => leases.acquire(request.json, request.context, request),
    }),
    route({
      method: "GET",
      path: "/api/leases",
      name: "lease.list",
      tag,
      summary: "Lists leases, newest first.",
      query: LeaseQuery,
      answer: LeaseList,
      forCi: true,
      handle: ({ query, context }) => search.list(query, context),
    }),
    route({
      method: "GET",
      path: "/api/leases/waits",
      name: "lease.waits",
      tag,
      summary: "Lists which leases wait for which.",
      query: LeaseWaitsQuery,
      answer: LeaseWaits,
      handle: ({ query, context }) => listWaits(options, query, context),
    }),
    route({
      method: "POST",
      path: "/api/leases/check",
      name: "lease.check",
      tag,
      summary: "Checks which of some paths another holder has leased.",
      headers: { "x-koor-workspace": WorkspaceHeader },
      body: { kind: "json", schema: LeaseCheckBody },
      asksOnly: true,
      answer: LeaseCheckAnswer,
      handle: ({ json, headers, context }) => conflicts.check(json, headers["x-koor-workspace"], context),
    }),
    route({
      method: "GET",
      path,
      name: "lease.get",
      tag,
      summary: "Reads a lease, and may wait until it is no longer waiting.",
      query: LeaseGetQuery,
      waits: true,
      answer: Lease,
      statuses: [404],
      handle: (request) => leases.get(request.params[0], request.query.wait ?? 0, request),
    }),
    route({
      method: "POST",
      path: `${path}/renew`,
      name: "lease.renew",
      tag,
      summary: "Renews a lease, and may change its time to live or start its max_s again.",
      body: { kind: "json", schema: LeaseRenewBody },
      answer: Lease,
      statuses: [403, 404, 409],
      audited: { by: renewLease, subject },
      handle: ({ params: [id], json, context }) => leases.renew(id, json, context),
    }),
    route({
      method: "DELETE",
      path,
      name: "lease.release",
      tag,
      summary: "Releases a lease, or leaves the queue.",
      query: LeaseReleaseQuery,
      answer: LeaseReleaseAnswer,
      statuses: [403, 404, 409],
      audited: { by: releaseLease, subject },
      handle: ({ params: [id], query: { fence = null }, context }) => leases.release(id, fence, context),
    }),
    route({
      method: "POST",
      path: `${path}/break`,
      name: "lease.break",
      tag,
      needs: "server",
      summary: "Takes a lease from its holder.",
      body: { kind: "json", schema: LeaseBreakBody },
      answer: LeaseBreakAnswer,
      statuses: [404, 409],
      audited: { by: breakLease, subject },
      handle: ({ params: [id], json: { reason }, context }) => leases.break(id, reason, context),
    }),
  ];
}
