/** Shows the landings of all lanes, and the results of the last landings. If nothing was landed, it shows nothing. */
import { getJson } from "../../api/client.js";
import { useResource, type Loader } from "../../api/resource.js";
import type { Event, Lease } from "../../api/types.js";
import { apiPath, query } from "../../base/path.js";
import { Agent } from "../../parts/agent.js";
import { Badge } from "../../parts/badge.js";
import { Section } from "../../parts/page.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { listLandings, type Landing } from "./landings.js";

/** The number of events that are read. It is larger than RESULTS_SHOWN, because some events are not results. */
const EVENTS = 20;

/**
 * Loads the results of landings. They are loaded again after each change of a lease, because the result of a landing is
 * published just before its lease ends.
 */
const resultsLoader: Loader<readonly Event[]> = {
  key: "landings",
  kinds: ["lease"],
  gapMsMin: 1_000,
  fetch: (signal) => getJson<Event[]>(apiPath("events", "history") + query({ topic: "land.*", last: EVENTS }), signal),
};

const COLUMNS: readonly Column<Landing>[] = [
  { head: "Branch", kind: "wide", cell: ({ branch }) => <span class="mono">{branch}</span> },
  { head: "Into", cell: ({ lane }) => <span class="mono">{lane}</span> },
  { head: "Agent", cell: ({ holder }) => <Agent {...holder} /> },
  { head: "State", cell: ({ state, tone }) => <Badge tone={tone}>{state}</Badge> },
  { head: "Since", optional: true, cell: ({ at }) => <Time at={at} /> },
];

export function Landings({ leases }: { readonly leases: readonly Lease[] }) {
  const events = useResource(resultsLoader).data.value ?? [];
  const rows = listLandings(leases, events);
  if (rows.length === 0) return null;
  return (
    <Section title="Landings">
      <Table label="Landings" columns={COLUMNS} rows={rows} keyOf={({ key }) => key} />
    </Section>
  );
}
