/** The filters of the audit log. They are kept in the query of the page's address. */
import { useResource } from "../../api/resource.js";
import type { AddressQuery } from "../../parts/address-query.js";
import { agentName, UNKNOWN_ACTOR, type AgentNames } from "../../parts/agent-name.js";
import { Button } from "../../parts/button.js";
import { Choice, Fields, TextField } from "../../parts/fields.js";
import { RangeFields } from "../../parts/range-fields.js";
import { summaryLoader } from "./loader.js";
import { ofRange, type AuditFilter } from "./model.js";

interface FiltersProps {
  readonly filter: AuditFilter;
  readonly set: AddressQuery["set"];
  readonly names: AgentNames;
}

export function Filters({ filter, set, names }: FiltersProps) {
  const counts = useResource(summaryLoader(ofRange(filter))).data.value?.action_counts ?? {};
  const actions = [...new Set([...Object.keys(counts), filter.action])].filter((action) => action !== "").sort();
  const ids = [...new Set([...names.keys(), filter.actor])].filter((id) => id !== "" && id !== UNKNOWN_ACTOR);
  const actors = ids.map((id) => [id, agentName(id, names)] as const).sort(([, a], [, b]) => a.localeCompare(b));
  const filtered = Object.values(filter).some((value) => value !== "");
  return (
    <Fields>
      <TextField
        label="Search"
        type="search"
        placeholder="In loaded rows…"
        value={filter.search}
        onInput={(search) => set({ search })}
      />
      <Choice
        label="Action"
        value={filter.action}
        choices={[["", "Any"], ...actions.map((action) => [action, action] as const)]}
        onChoose={(action) => set({ action })}
      />
      <Choice
        label="Actor"
        value={filter.actor}
        choices={[["", "Any"], [UNKNOWN_ACTOR, UNKNOWN_ACTOR], ...actors]}
        onChoose={(actor) => set({ actor })}
      />
      <Choice
        label="Outcome"
        value={filter.outcome}
        choices={[
          ["", "Any"],
          ["success", "success"],
          ["error", "error"],
        ]}
        onChoose={(outcome) => set({ outcome })}
      />
      <RangeFields from={filter.from} to={filter.to} set={set} />
      {filtered && (
        <Button onClick={() => set({ action: "", actor: "", outcome: "", from: "", to: "", search: "" })}>
          Clear filters
        </Button>
      )}
    </Fields>
  );
}
