/** The page of one lease: its facts, its blockers, the requests that wait for it, and the button that breaks it. */
import type { ComponentChildren } from "preact";
import { SECOND_MS } from "../../../shared/duration.js";
import { useCheckouts } from "../../api/agents.js";
import { checkoutTitle } from "../../api/checkouts.js";
import { ApiError } from "../../api/client.js";
import { leaseLoader, nearbyLoader, waitingFor, waitsLoader } from "../../api/leases.js";
import { useResource } from "../../api/resource.js";
import type { Lease, LeaseWaits } from "../../api/types.js";
import { addressOf, storyAddress } from "../../base/address.js";
import { duration } from "../../base/format.js";
import { query } from "../../base/path.js";
import { Agent } from "../../parts/agent.js";
import { Empty } from "../../parts/empty.js";
import { type Fact, FactList } from "../../parts/fact-list.js";
import { End, LeaseState, LeaseTable } from "../../parts/lease-table.js";
import { Failure } from "../../parts/notice.js";
import { Page, Section } from "../../parts/page.js";
import { Time } from "../../parts/time.js";
import { Break } from "./break.js";

const NOT_FOUND = 404;

export function LeasePage({ id }: { readonly id: string }) {
  const resource = useResource(leaseLoader(id));
  const waits = useResource(waitsLoader).data.value;
  const lease = resource.data.value;
  const error = resource.error.value;
  const missing = error instanceof ApiError && error.status === NOT_FOUND;
  const live = lease !== undefined && lease.ended_at === null;
  return (
    <Page
      title="Leases"
      part={id}
      home={addressOf("leases")}
      actions={
        <>
          {lease !== undefined && (
            <a class="button" href={storyAddress(lease.granted_at ?? lease.requested_at)}>
              As it was
            </a>
          )}
          <a class="button" href={addressOf("audit") + query({ search: id })}>
            Audit
          </a>
          {live && <Break lease={lease} onDone={() => resource.refresh()} />}
        </>
      }
    >
      {missing ? (
        <Empty title={`There is no lease ${id}`}>Ended leases are kept for 7 days.</Empty>
      ) : (
        <Failure of={resource} />
      )}
      {lease !== undefined && <Facts lease={lease} waiting={waits === undefined ? 0 : countFor(waits, id)} />}
      {live && waits !== undefined && <Blockers waits={waits} id={id} />}
      {live && <Nearby lease={lease} />}
    </Page>
  );
}

const countFor = (waits: LeaseWaits, id: string): number => waitingFor(waits).get(id) ?? 0;

function Facts({ lease, waiting }: { readonly lease: Lease; readonly waiting: number }) {
  const { holder, workspace, resources, reason, note, task, fence, requested_at, granted_at } = lease;
  const { scope, checkout, automatic, any, max_holders } = lease;
  const { checkouts } = useCheckouts();
  const known = checkout === null ? undefined : checkouts.get(checkout);
  const facts: readonly Fact[] = [
    ["Holder", <Agent key="holder" {...holder} />],
    [lease.state === "lost" ? "Lost because" : "Reason", reason],
    ["Broken because", note],
    [
      "Automatic",
      automatic === true && "A hook made it for an edit. If a request waits for it, it ends with its holder's turn.",
    ],
    ["Task", task !== null && <Task key="task" id={task} />],
    ["Workspace", workspace],
    ["One of", any !== undefined && <Mono key="any" text={any.join(", ")} />],
    ["Holders", max_holders !== undefined && `at most ${max_holders} together`],
    ["Scope", scope === "repo" ? "all checkouts" : "its holder's checkout"],
    [
      "Checkout",
      checkout !== null && <Mono key="checkout" text={known === undefined ? checkout : checkoutTitle(known)} />,
    ],
    ["Branch", known !== undefined && known.branch !== null && <Mono key="branch" text={known.branch} />],
    ["Fence", fence ?? "none yet"],
    ["Requested", <Time key="requested" at={requested_at} />],
    ["Granted", granted_at !== null && <Time key="granted" at={granted_at} />],
    [
      lease.ended_at === null ? "Ends" : "Ended",
      <>
        <End of={lease} />
        {lease.ended_at === null && <EndRule of={lease} />}
      </>,
    ],
  ];
  return (
    <section class="card" aria-label="Facts">
      <div class="lease-head">
        <ul class="mono">
          {resources.map((resource) => (
            <li key={resource}>{resource}</li>
          ))}
        </ul>
        <LeaseState lease={lease} waiting={waiting} />
      </div>
      <FactList facts={facts} />
    </section>
  );
}

function Mono({ text }: { readonly text: string }) {
  return <span class="mono">{text}</span>;
}

function Task({ id }: { readonly id: string }) {
  return (
    <a class="mono" href={addressOf("tasks", id)}>
      {id}
    </a>
  );
}

/** Shows the rule by which a live lease ends. */
function EndRule({ of: { expires_at, ttl_s, max_s, touched_at } }: { readonly of: Lease }) {
  return (
    <div class="hint">
      {expires_at === null ? "Once granted it ends " : "It ends "}
      {duration(ttl_s * SECOND_MS)} after its holder was last seen, and at most {duration(max_s * SECOND_MS)} after{" "}
      {touched_at === undefined ? "the grant" : "the renewal "}
      {touched_at !== undefined && <Time at={touched_at} />}
    </div>
  );
}

/** Shows the part of the wait graph that concerns one lease. */
function Blockers({ waits: { waits, leases }, id }: { readonly waits: LeaseWaits; readonly id: string }) {
  const of = (ids: readonly string[]): Lease[] => leases.filter((lease) => ids.includes(lease.id));
  const parts = [
    ["Blocked by", of(waits.filter(({ lease }) => lease === id).map((wait) => wait.for))],
    ["Blocks", of(waits.filter((wait) => wait.for === id).map(({ lease }) => lease))],
  ] as const;
  return <>{parts.map(([title, found]) => found.length > 0 && <Others key={title} title={title} leases={found} />)}</>;
}

/** Shows the leases of the same files in other checkouts. */
function Nearby({ lease }: { readonly lease: Lease }) {
  const found = useResource(nearbyLoader(lease)).data.value ?? [];
  if (found.length === 0) return null;
  return (
    <Others title="Nearby" leases={found}>
      <p class="hint">They are about the same files in other checkouts. The changes will have to be merged.</p>
    </Others>
  );
}

interface OthersProps {
  readonly title: string;
  readonly leases: readonly Lease[];
  readonly children?: ComponentChildren;
}

function Others({ title, leases, children }: OthersProps) {
  return (
    <Section title={title}>
      {children}
      <LeaseTable label={`Leases: ${title.toLowerCase()}`} leases={leases} waiting={new Map()} />
    </Section>
  );
}
