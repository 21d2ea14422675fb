/** Lists which leases wait for which other leases. waits.ts finds the pairs in the worker pool. Runs on the front. */
import type { Static } from "typebox";
import type { LeaseRecord, LeaseWaitsQuery } from "../../../schemas/leases.js";
import { LIST_BYTES_MAX } from "../../../schemas/limits/answers.js";
import { LEASE_ROWS_DEFAULT } from "../../../schemas/limits/leases.js";
import { Failure } from "../../base/result.js";
import { jsonReply } from "../../platform/front/reply.js";
import type { Answer } from "../../platform/front/route.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Reads } from "../../platform/threads/reads.js";
import { leaseId } from "../claims/lease.js";
import type { LeasePresenter } from "../claims/lease-presenter.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import { findWaits } from "./jobs.js";

export interface WaitListOptions {
  readonly reads: Reads;
  readonly leases: LeaseProjection;
  readonly presenter: LeasePresenter;
}

/**
 * The estimated number of rows of a job that reads all live leases. It is infinite, so the job runs in the worker pool.
 */
const EVERY_ROW = Number.POSITIVE_INFINITY;

/**
 * Replies with pairs of a waiting lease and a lease for which it waits. Leaves out a pair if the waiting lease was
 * granted, or if one of the two has ended, since the pairs were found.
 */
export async function listWaits(
  { reads, leases, presenter }: WaitListOptions,
  { workspace, limit = LEASE_ROWS_DEFAULT }: Static<typeof LeaseWaitsQuery>,
  context: CallContext,
): Promise<Answer> {
  const found = await reads.run(findWaits, { workspace: workspace ?? null, limit }, context, EVERY_ROW);
  if (found instanceof Failure) return found;
  const named = new Map<number, string>();
  let bytes = 0;
  const name = (row: number, record: LeaseRecord): void => {
    if (named.has(row)) return;
    const text = JSON.stringify(presenter.show(record));
    bytes += Buffer.byteLength(text);
    named.set(row, text);
  };
  const waits: unknown[] = [];
  for (const wait of found.waits) {
    const waiting = leases.get(wait.lease);
    const blocker = leases.get(wait.for);
    if (waiting?.state !== "waiting" || blocker === undefined) continue;
    // Stop at the first pair that does not fit into the reply. The pairs are sorted by waiting time, so the shortest
    // waits are left out.
    if (bytes > LIST_BYTES_MAX) break;
    name(wait.for, blocker);
    name(wait.lease, waiting);
    waits.push({ ...wait, lease: leaseId(wait.lease), for: leaseId(wait.for) });
  }
  const texts = [...named].toSorted(([a], [b]) => b - a).map(([, text]) => text);
  return jsonReply(`{"waiting":${found.waiting},"waits":${JSON.stringify(waits)},"leases":[${texts.join(",")}]}`);
}
