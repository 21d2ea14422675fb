/**
 * Declares the writer methods that end expired claims and prune old ones. Only the server itself calls them. The
 * methods that clients call are in src/features/leases/ and src/features/tasks/. Runs in the writer thread.
 */
import * as Type from "typebox";
import { EndClaimsRequest, PruneLeasesReply, PruneLeasesRequest } from "../../../schemas/leases.js";
import { LEASE_KEEP_MS, LEASE_PRUNE_ROWS } from "../../../schemas/limits/leases.js";
import { changes, changesByModel, reportAny } from "../../platform/threads/changes.js";
import { writerMethod } from "../../platform/threads/writer-method.js";
import { claimRegistry } from "./claim-registry.js";

/** The change rules of a writer method that changes claims. Such a method may change leases, tasks and events. */
export const CHANGES_CLAIMS = [changesByModel("lease"), changesByModel("task"), changesByModel("event")];

export const endClaims = writerMethod({
  name: "claims.end",
  request: EndClaimsRequest,
  reply: Type.Null(),
  weight: ({ ends }) => ends.length * 3 * Float64Array.BYTES_PER_ELEMENT,
  // The call itself writes no audit row, because the registry writes one for each claim that it ends.
  audit: null,
  changes: [...CHANGES_CLAIMS, changesByModel("audit")],
  models: { registry: claimRegistry },
  family: "claims",
  inCluster: "leader",
  run: ({ registry }, request, call) => {
    registry.expireClaims(request, call);
    return null;
  },
});

export const pruneLeases = writerMethod({
  name: "claims.prune",
  request: PruneLeasesRequest,
  reply: PruneLeasesReply,
  weight: () => 0,
  audit: null,
  changes: [
    changes("lease", (_request: PruneLeasesRequest, { removed }: PruneLeasesReply) =>
      removed === 0 ? [] : reportAny(),
    ),
  ],
  models: { registry: claimRegistry },
  run: ({ registry }, { after }, { nowMs }) => registry.prune(after, nowMs - LEASE_KEEP_MS, LEASE_PRUNE_ROWS),
});
