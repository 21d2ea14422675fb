/** Reads of leases that may look at many of them: in the pool. */
import { FindWaitsReply, FindWaitsRequest } from "../../schemas/leases.js";
import { isLease, liveLease } from "../claims/lease.js";
import { leaseReader } from "../claims/table.js";
import { unaryJob } from "../threads/pool-method.js";
import { waitsOf } from "./waits.js";

/** Who waits for whom. */
export const findWaits = unaryJob({
  name: "lease.waits",
  request: FindWaitsRequest,
  reply: FindWaitsReply,
  cost: "bounded",
  models: { leases: leaseReader },
  run: ({ leases }, request) => waitsOf(leases.live().filter(isLease).map(liveLease), request),
});
