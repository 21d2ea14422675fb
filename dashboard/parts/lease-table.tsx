/** Shows leases as a table, and the state of a lease as badges. */
import { useCheckouts } from "../api/agents.js";
import { type Checkout, checkoutTitle } from "../api/checkouts.js";
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
  /** The number of requests that wait for the lease. */
  readonly waiting: number;
}

/**
 * Shows the state of a lease and its position in the wait queue. Also shows whether a hook made the lease, and how many
 * requests wait for it.
 */
export function LeaseState({ lease: { state, mode, position, automatic, max_holders }, waiting }: StateProps) {
  return (
    <span class="badges">
      <Badge tone={TONES[state]}>{position === null ? state : `${state}, position ${position}`}</Badge>
      {mode === "shared" && <Badge>{max_holders === undefined ? "shared" : `at most ${max_holders}`}</Badge>}
      {automatic === true && <Badge tone="note">automatic</Badge>}
      {waiting > 0 && <Badge tone="warn">{waiting === 1 ? "1 waits" : `${count(waiting)} wait`}</Badge>}
    </span>
  );
}

/** Shows the resources of a lease, as a link to the lease's page. */
export function LeaseLink({ id, resources, any = [] }: Pick<Lease, "id" | "resources" | "any">) {
  const [first = any[0] ?? id, ...more] = resources;
  return (
    <a class="mono" href={addressOf("leases", id)} title={resources.join("\n")}>
      {more.length === 0 ? first : `${first} and ${more.length} more`}
    </a>
  );
}

function titleOf(id: string, checkouts: ReadonlyMap<string, Checkout>): string {
  const checkout = checkouts.get(id);
  return checkout === undefined ? id : checkoutTitle(checkout);
}

interface LeaseTableProps {
  readonly label: string;
  readonly leases: readonly Lease[];
  readonly waiting: ReadonlyMap<string, number>;
  /** Set if all leases in the table have the same holder. The column with the holder is then left out. */
  readonly ofOne?: true;
}

export function LeaseTable({ label, leases, waiting, ofOne }: LeaseTableProps) {
  const { checkouts, labels } = useCheckouts();
  // This column is left out if no lease in the table is limited to one checkout.
  const checkout: Column<Lease> = {
    head: "Checkout",
    cell: ({ scope, checkout: id }) => (
      <span class="in-checkout">
        {scope === "repo" || id === null ? (
          <span class="muted absent">all</span>
        ) : (
          <span class="mono" title={titleOf(id, checkouts)}>
            {labels.get(id) ?? id}
          </span>
        )}
      </span>
    ),
  };
  const columns: readonly Column<Lease>[] = [
    {
      head: "Resources",
      kind: "wide",
      opens: true,
      sort: ({ resources }) => resources[0] ?? null,
      cell: (lease) => <LeaseLink {...lease} />,
    },
    ...(ofOne === true
      ? []
      : [
          {
            head: "Holder",
            sort: ({ holder }: Lease) => holder.name,
            cell: ({ holder }: Lease) => <Agent {...holder} />,
          },
        ]),
    ...(leases.some(({ scope }) => scope === "checkout") ? [checkout] : []),
    {
      head: "State",
      sort: ({ state }) => state,
      cell: (lease) => <LeaseState lease={lease} waiting={waiting.get(lease.id) ?? 0} />,
    },
    { head: "Reason", kind: "wide", cell: ({ reason }) => <span title={reason}>{reason}</span> },
    {
      head: "Since",
      sort: ({ granted_at, requested_at }) => granted_at ?? requested_at,
      cell: ({ granted_at, requested_at }) => <Time at={granted_at ?? requested_at} />,
    },
    {
      head: "Ends",
      sort: ({ ended_at, expires_at }) => ended_at ?? expires_at,
      cell: (lease) => <End of={lease} />,
    },
  ];
  return (
    <div class="leases">
      <Table
        label={label}
        columns={columns}
        rows={leases}
        cards
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
