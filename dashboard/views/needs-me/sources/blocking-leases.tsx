/**
 * Finds leases that block other requests. A lease is shown if a request has waited for it too long, or if the lease
 * will end soon.
 */
import { waitsLoader } from "../../../api/leases.js";
import type { LeaseWaits } from "../../../api/types.js";
import { addressOf } from "../../../base/address.js";
import { plural } from "../../../base/format.js";
import { Agent } from "../../../parts/agent.js";
import { Time } from "../../../parts/time.js";
import { blockingLeases, type BlockingLease } from "../blocking-leases.js";
import { oldestFirst, sourceOf, type Item } from "../source.js";

function itemOf({ lease, waiting, endsMs, endsSoon }: BlockingLease): Item {
  const { id, holder, resources, reason } = lease;
  const [first, ...more] = waiting;
  const [resource = id, ...others] = resources;
  return {
    key: id,
    name: others.length === 0 ? resource : `${resource} and ${others.length} more`,
    address: addressOf("leases", id),
    line: (
      <>
        <Agent {...holder} /> holds it
        {reason !== "" && ` (${reason})`}
        {first !== undefined && (
          <>
            , <Agent {...first.holder} />
            {more.length > 0 && ` and ${plural(more.length, "more", "more")}`} {more.length > 0 ? "wait" : "waits"}
          </>
        )}
        {endsSoon && (
          <>
            {" · ends at the latest "}
            <Time at={new Date(endsMs).toISOString()} as="ahead" />
          </>
        )}
      </>
    ),
    since: first?.requested_at ?? lease.requested_at,
    tone: endsSoon ? "bad" : "warn",
    // No action is offered here, because breaking a lease needs a reason, which the user enters on the lease's page.
    actions: [],
  };
}

export const BLOCKING_LEASES = sourceOf<LeaseWaits>({
  title: "Blocking leases",
  address: addressOf("leases"),
  none: "no request waits for long",
  loader: waitsLoader,
  itemsOf: (waits, nowMs) => oldestFirst(blockingLeases(waits, nowMs).map(itemOf)),
});
