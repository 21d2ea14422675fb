/** Shows leases as a table, and the state of a lease as badges. */
import { useAgentsById } from "../api/agents.js";
import type { Lease } from "../api/types.js";
import { addressOf } from "../base/address.js";
import { count } from "../base/format.js";
import { Agent } from "./agent.js";
import { Badge, type BadgeTone } from "./badge.js";
import { Table, type Column } from "./table.js";
import { Time } from "./time.js";

const TONES: Readonly<Record<Lease["state"], BadgeTone>> = {
  held: "good",
  waiting: "warn",
  released: "plain",
  lost: "bad",
};

interface StateProps {
  readonly lease: Lease;
  /** Number of requests that wait for it. */
  readonly waiting: number;
}

/** Shows the state of a lease, its position in the wait queue, and how many requests wait for it. */
export function LeaseState({ lease: { state, mode, position }, waiting }: StateProps) {
  return (
    <span class="badges">
      <Badge tone={TONES[state]}>{position === null ? state : `${state}, position ${position}`}</Badge>
      {mode === "shared" && <Badge>shared</Badge>}
      {waiting > 0 && <Badge tone="warn">{waiting === 1 ? "1 waits" : `${count(waiting)} wait`}</Badge>}
    </span>
  );
}

/**
 * Returns the branch of a lease's checkout, as its holder has reported it. Returns null if it is unknown, or if the
 * holder works in another checkout now.
 */
export function useBranch({ checkout, holder }: Pick<Lease, "checkout" | "holder">): string | null {
  const current = useAgentsById().get(holder.id)?.checkout;
  return checkout !== null && current?.id === checkout ? current.branch : null;
}

/** Shows the checkout to whose files a lease is limited: its branch, or its id if the branch is unknown. */
function LimitedTo({ of: lease }: { readonly of: Lease }) {
  const branch = useBranch(lease);
  if (lease.scope === "repo") return <span class="muted">all</span>;
  return (
    <span class="mono" title={lease.checkout ?? ""}>
      {branch ?? lease.checkout}
    </span>
  );
}

/** Shows the resources of a lease, as a link to the lease's page. */
export function LeaseLink({ id, resources }: Pick<Lease, "id" | "resources">) {
  const [first = id, ...more] = resources;
  return (
    <a class="mono" href={addressOf("leases", id)} title={resources.join("\n")}>
      {more.length === 0 ? first : `${first} and ${more.length} more`}
    </a>
  );
}

/** The column of the checkouts. It is left out of a table whose leases are all about the files of all checkouts. */
const CHECKOUT: Column<Lease> = { head: "Checkout", optional: true, cell: (lease) => <LimitedTo of={lease} /> };

interface LeaseTableProps {
  readonly label: string;
  readonly leases: readonly Lease[];
  readonly waiting: ReadonlyMap<string, number>;
  /** Set if all leases in the table have the same holder. The column with the holder is then left out. */
  readonly ofOne?: true;
}

export function LeaseTable({ label, leases, waiting, ofOne }: LeaseTableProps) {
  const columns: readonly Column<Lease>[] = [
    { head: "Resources", kind: "wide", cell: (lease) => <LeaseLink {...lease} /> },
    ...(ofOne === true ? [] : [{ head: "Holder", cell: ({ holder }: Lease) => <Agent {...holder} /> }]),
    ...(leases.some(({ scope }) => scope === "checkout") ? [CHECKOUT] : []),
    { head: "State", cell: (lease) => <LeaseState lease={lease} waiting={waiting.get(lease.id) ?? 0} /> },
    { head: "Reason", kind: "wide", optional: true, cell: ({ reason }) => <span title={reason}>{reason}</span> },
    { head: "Since", optional: true, cell: (lease) => <Time at={lease.granted_at ?? lease.requested_at} /> },
    { head: "Ends", optional: true, cell: (lease) => <End of={lease} /> },
    { head: "Fence", kind: "number", optional: true, cell: ({ fence }) => fence },
  ];
  return (
    <div class="stacked">
      <Table
        label={label}
        columns={columns}
        rows={leases}
        keyOf={({ id }) => id}
        toneOf={({ state }) => (state === "waiting" ? "warn" : state === "lost" ? "bad" : undefined)}
      />
    </div>
  );
}

/** Shows when a lease ended. For a live lease, shows when it will expire if its holder stays inactive. */
export function End({ of: { expires_at, ended_at } }: { readonly of: Lease }) {
  if (ended_at !== null) return <Time at={ended_at} />;
  return expires_at === null ? null : <Time at={expires_at} as="ahead" />;
}
