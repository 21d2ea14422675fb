/** What ends claims without anybody asking. Runs in the writer. */
import * as Type from "typebox";
import { EndClaimsRequest, PruneLeasesReply, PruneLeasesRequest } from "../../schemas/leases.js";
import { LEASE_KEEP_MS, LEASE_PRUNE_ROWS } from "../../schemas/limits.js";
import { reportAny, changesAny, changesByModel } from "../threads/changes.js";
import { writerMethod } from "../threads/writer-method.js";
import { claimRegistry } from "./claim-registry.js";

/** A call that changes claims: leases and tasks tell of themselves, whichever they are. */
export const CHANGES_CLAIMS = [changesByModel("lease"), changesByModel("task"), changesByModel("event")];

export const endClaims = writerMethod({
  name: "claims.end",
  request: EndClaimsRequest,
  reply: Type.Null(),
  weight: ({ ends }) => ends.length * 3 * Float64Array.BYTES_PER_ELEMENT,
  // Each claim that is ended has a row of its own, by the book.
  audit: null,
  changes: [...CHANGES_CLAIMS, changesByModel("audit")],
  models: { registry: claimRegistry },
  family: "claims",
  in_cluster: "leader",
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
    changesAny("lease", (_request: PruneLeasesRequest, { removed }: PruneLeasesReply) =>
      removed === 0 ? [] : reportAny(),
    ),
  ],
  models: { registry: claimRegistry },
  run: ({ registry }, { after }, { now_ms }) => registry.prune(after, now_ms - LEASE_KEEP_MS, LEASE_PRUNE_ROWS),
});
