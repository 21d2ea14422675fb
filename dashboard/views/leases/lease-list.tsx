/** Shows the wait graph, and below it the table of leases with its filters. */
import { useSignal } from "@preact/signals";
import { LEASES_SHOWN, leasesLoader, waitingFor, waitsLoader } from "../../api/leases.js";
import { useResource } from "../../api/resource.js";
import type { Lease } from "../../api/types.js";
import { useAddressQuery, type AddressQuery } from "../../parts/address-query.js";
import { AgentChoice, WorkspaceChoice } from "../../parts/agent-choice.js";
import { Empty } from "../../parts/empty.js";
import { Choice, Fields, TextField } from "../../parts/fields.js";
import { LeaseTable } from "../../parts/lease-table.js";
import { Failure } from "../../parts/notice.js";
import { Page } from "../../parts/page.js";
import { Landings } from "./landing-table.js";
import { WaitGraph } from "./wait-graph.js";

const STATES = [
  ["", "Held or waiting"],
  ["held", "Held"],
  ["waiting", "Waiting"],
  ["released", "Released"],
  ["lost", "Lost"],
  ["all", "All, last 7 days"],
] as const;

export function LeaseList() {
  const { query, set } = useAddressQuery();
  const { workspace = "", holder = "", resource = "" } = query;
  const [state] = STATES.find(([one]) => one === query["state"]) ?? STATES[0];
  const leases = useResource(leasesLoader({ workspace, holder, resource, state }));
  const waits = useResource(waitsLoader).data.value;
  const list = leases.data.value;
  const filtered = workspace !== "" || holder !== "" || resource !== "" || state !== "";
  return (
    <Page title="Leases">
      {waits !== undefined && waits.waits.length > 0 && <WaitGraph waits={waits} />}
      {!filtered && list !== undefined && <Landings leases={list} />}
      <Filters query={query} set={set} state={state} list={list ?? []} />
      <Failure of={leases} />
      {list !== undefined && list.length === 0 && <Nothing filtered={filtered} />}
      {list !== undefined && list.length > 0 && waits !== undefined && (
        <LeaseTable label="Leases" leases={list} waiting={waitingFor(waits)} />
      )}
      {list !== undefined && list.length >= LEASES_SHOWN && (
        <p class="hint">At most the newest {LEASES_SHOWN} of each state are shown: a filter shows others.</p>
      )}
    </Page>
  );
}

function Nothing({ filtered }: { readonly filtered: boolean }) {
  return filtered ? (
    <Empty title="No lease matches">Remove a filter to see more.</Empty>
  ) : (
    <Empty title="No leases yet" command="koor-cli register ana && koor-cli lease acquire path:src">
      An agent leases a resource before it changes it. All held and waiting leases appear here.
    </Empty>
  );
}

interface FiltersProps extends Pick<AddressQuery, "query" | "set"> {
  readonly state: string;
  readonly list: readonly Lease[];
}

function Filters({ query, set, state, list }: FiltersProps) {
  const { workspace = "", holder = "", resource = "" } = query;
  const asked = useSignal(resource);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        set({ resource: asked.value.trim() });
      }}
    >
      <Fields>
        <TextField
          label="Overlaps the resource"
          type="search"
          placeholder="path:src/api/**"
          value={asked.value}
          onInput={(text) => {
            asked.value = text;
            if (text === "") set({ resource: "" });
          }}
        />
        <button type="submit" class="button">
          Find
        </button>
        <Choice label="State" value={state} choices={STATES} onChoose={(chosen) => set({ state: chosen })} />
        <WorkspaceChoice of={list} value={workspace} onChoose={(chosen) => set({ workspace: chosen })} />
        <AgentChoice label="Holder" value={holder} onChoose={(chosen) => set({ holder: chosen })} />
      </Fields>
    </form>
  );
}
