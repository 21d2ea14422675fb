/** Declares the jobs that may read many leases. They run in the worker pool. */
import { FindWaitsReply, FindWaitsRequest } from "../../../schemas/leases.js";
import { isLease, liveLease } from "../claims/lease.js";
import { leaseReader } from "../claims/table.js";
import { unaryJob } from "../../platform/threads/pool-method.js";
import { waitsOf } from "./waits.js";

/** Finds the pairs of a waiting lease and a lease for which it waits. */
export const findWaits = unaryJob({
  name: "lease.waits",
  request: FindWaitsRequest,
  reply: FindWaitsReply,
  cost: "bounded",
  models: { leases: leaseReader },
  run: ({ leases }, request) => waitsOf(leases.live().filter(isLease).map(liveLease), request),
});
