/**
 * Finds leases that block other requests. A lease is shown if a request has waited too long for it, if it is automatic,
 * if its holder is stale, or if it ends soon. Leases of stale holders come first.
 */
import { SECOND_MS } from "../../../../shared/duration.js";
import { getJson } from "../../../api/client.js";
import { waitsLoader } from "../../../api/leases.js";
import type { Instance, LeaseWaits } from "../../../api/types.js";
import { addressOf } from "../../../base/address.js";
import { duration, plural } from "../../../base/format.js";
import { Agent } from "../../../parts/agent.js";
import { Time } from "../../../parts/time.js";
import { askAgent, breakAction } from "../actions.js";
import { blockingLeases, type BlockingLease } from "../blocking-leases.js";
import { oldestFirst, sourceOf, type Item } from "../source.js";

interface Blocking {
  readonly waits: LeaseWaits;
  /** The ids of stale agents. They will not release their leases. */
  readonly stale: ReadonlySet<string>;
}

function itemOf(blocking: BlockingLease, stale: boolean): Item {
  const { lease, waiting, endsSoon, waitedLong } = blocking;
  const { id, holder, resources } = lease;
  const [resource = id, ...others] = resources;
  const wait = waiting.length === 1 ? "One request waits" : `${waiting.length} requests wait`;
  return {
    key: id,
    name: others.length === 0 ? resource : `${resource} and ${others.length} more`,
    address: addressOf("leases", id),
    line: lease.automatic === true ? <AutomaticLine of={blocking} /> : <Line of={blocking} />,
    why: stale
      ? `${wait}, and ${holder.name} is stale: it will probably not release it.`
      : endsSoon
        ? `${wait}, and ${holder.name} will lose it in the middle of its work.`
        : `${wait} until ${holder.name} releases it.`,
    since: waiting[0]?.requested_at ?? lease.requested_at,
    tone: stale || endsSoon ? "bad" : waitedLong ? "warn" : "note",
    actions: [
      ...(stale ? [] : [askAgent(holder, `Please release ${id} soon: another agent waits for it`)]),
      breakAction(id, holder),
    ],
  };
}

/** Shows the agent that has waited longest, and how many more agents wait. */
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

export const BLOCKING_LEASES = sourceOf<Blocking>({
  title: "Blocking leases",
  address: addressOf("leases"),
  none: "no request waits for long",
  loader: {
    key: "needs me: blocking leases",
    kinds: ["lease", "instance"],
    gapMsMin: 1_000,
    // A change without a key only reports that agents were active, which changes no lease.
    concerns: ({ kind, key }) => kind === "lease" || key !== null,
    fetch: async (signal) => {
      const [waits, stale] = await Promise.all([
        waitsLoader.fetch(signal),
        getJson<Instance[]>("/api/instances/stale", signal),
      ]);
      return { waits, stale: new Set(stale.map(({ id }) => id)) };
    },
  },
  itemsOf: ({ waits, stale }, nowMs) => {
    const found = blockingLeases(waits, nowMs, stale);
    const itemsWith = (held: boolean): Item[] =>
      oldestFirst(
        found.filter(({ lease }) => stale.has(lease.holder.id) === held).map((blocking) => itemOf(blocking, held)),
      );
    return [...itemsWith(true), ...itemsWith(false)];
  },
});
