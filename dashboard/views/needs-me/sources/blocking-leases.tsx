/**
 * Finds leases that block other requests. A lease is shown if a request has waited for it too long, if it is automatic,
 * or if it will end soon.
 */
import { SECOND_MS } from "../../../../shared/duration.js";
import { waitsLoader } from "../../../api/leases.js";
import type { LeaseWaits } from "../../../api/types.js";
import { addressOf } from "../../../base/address.js";
import { duration, plural } from "../../../base/format.js";
import { Agent } from "../../../parts/agent.js";
import { Time } from "../../../parts/time.js";
import { blockingLeases, type BlockingLease } from "../blocking-leases.js";
import { oldestFirst, sourceOf, type Item } from "../source.js";

function itemOf(blocking: BlockingLease): Item {
  const { lease, endsSoon, waitedLong } = blocking;
  const { id, holder, resources } = lease;
  const [resource = id, ...others] = resources;
  return {
    key: id,
    name: others.length === 0 ? resource : `${resource} and ${others.length} more`,
    address: addressOf("leases", id),
    line: lease.automatic === true ? <AutomaticLine of={blocking} /> : <Line of={blocking} />,
    since: blocking.waiting[0]?.requested_at ?? lease.requested_at,
    tone: endsSoon ? "bad" : waitedLong ? "warn" : "note",
    // No action is offered here, because breaking a lease needs a reason, which the user enters on the lease's page.
    actions: [],
    message: { to: holder, subject: `Please release ${id} soon: another agent waits for it` },
  };
}

/** Shows the agent that has waited longest, and the number of the others that wait. */
function Waiting({ of: { waiting } }: { readonly of: BlockingLease }) {
  const [first, ...more] = waiting;
  if (first === undefined) return null;
  return (
    <>
      <Agent {...first.holder} />
      {more.length > 0 && ` and ${plural(more.length, "more", "more")}`} {more.length > 0 ? "wait" : "waits"}
    </>
  );
}

function AutomaticLine({ of }: { readonly of: BlockingLease }) {
  const { holder, max_s } = of.lease;
  return (
    <>
      <Waiting of={of} /> for the automatic lease of <Agent {...holder} />, which ends with its turn, or{" "}
      {duration(max_s * SECOND_MS)} after its last edit.
    </>
  );
}

function Line({ of }: { readonly of: BlockingLease }) {
  const { holder, reason } = of.lease;
  return (
    <>
      <Agent {...holder} /> holds it
      {reason !== "" && ` (${reason})`}
      {", "}
      <Waiting of={of} />
      {of.endsSoon && (
        <>
          {" · ends at the latest "}
          <Time at={new Date(of.endsMs).toISOString()} as="ahead" />
        </>
      )}
    </>
  );
}

export const BLOCKING_LEASES = sourceOf<LeaseWaits>({
  title: "Blocking leases",
  address: addressOf("leases"),
  none: "no request waits for long",
  loader: waitsLoader,
  itemsOf: (waits, nowMs) => oldestFirst(blockingLeases(waits, nowMs).map(itemOf)),
});
