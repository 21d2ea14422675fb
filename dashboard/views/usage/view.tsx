/**
 * The view of usage. It shows the budgets, the rate limits, the newest calls, and the cost of language-model calls over
 * time, by project, model and agent.
 */
import { useResource } from "../../api/resource.js";
import { compact, count, dollars, plural } from "../../base/format.js";
import { useAddressQuery, type AddressQuery } from "../../parts/address-query.js";
import { useAgentNames } from "../../parts/agent.js";
import { Empty } from "../../parts/empty.js";
import { Choice, Fields } from "../../parts/fields.js";
import { Failure } from "../../parts/notice.js";
import { Page } from "../../parts/page.js";
import { FromToFields } from "../../parts/range-fields.js";
import { Stat, Stats } from "../../parts/stat.js";
import { Budgets } from "./budgets.js";
import { Limits } from "./limits.js";
import { Calls } from "./calls.js";
import { GroupChart, GroupTable } from "./groups.js";
import { sumsLoader } from "./loader.js";
import { choiceIn, GROUPS, MEASURES, RANGES, type Range, type Totals, type UsageChoice } from "./model.js";

const RANGE_LABELS: Readonly<Record<Range, string>> = {
  today: "Today",
  "24h": "Last 24 hours",
  "7d": "Last 7 days",
  "30d": "Last 30 days",
  own: "Custom",
};
const GROUP_LABELS = { project: "Project", model: "Model", agent: "Agent" } as const;
const MEASURE_LABELS = { cost: "Cost", tokens: "Tokens", calls: "Calls" } as const;

/** A call in the form in which an agent reports it, as an example in the empty state. */
const CALL = '{"provider":"acme","model":"large-1","tokens_in":1200,"cost_usd":0.1}';

export function View() {
  const { query, set } = useAddressQuery();
  const choice = choiceIn(query);
  const names = useAgentNames();
  const resource = useResource(sumsLoader(choice));
  const sums = resource.data.value;
  return (
    <Page title="Usage">
      <Budgets />
      <Limits />
      <Choices choice={choice} set={set} />
      <Failure of={resource} />
      {sums !== undefined && sums.summary.total.request_count === 0 && (
        <Empty
          title={`No language-model calls ${choice.range === "own" ? "in this range" : "reported recently"}`}
          command={`curl /api/llm/usage -d '${CALL}'`}
        >
          Agents report their calls. Their cost is summed up here, and by <code>koor-cli llm summary</code>.
        </Empty>
      )}
      {sums !== undefined && sums.summary.total.request_count > 0 && (
        <>
          <TotalsOf sums={sums.summary.total} />
          <GroupChart choice={choice} sums={sums} names={names} />
          <GroupTable choice={choice} sums={sums} names={names} />
        </>
      )}
      <Calls choice={choice} />
    </Page>
  );
}

function Choices({ choice, set }: { readonly choice: UsageChoice; readonly set: AddressQuery["set"] }) {
  const { range, by, show, from, to } = choice;
  return (
    <Fields>
      <Choice
        label="Range"
        value={range}
        choices={RANGES.map((one) => [one, RANGE_LABELS[one]] as const)}
        onChoose={(chosen) => set({ range: chosen, ...(chosen === "own" ? {} : { from: "", to: "" }) })}
      />
      {range === "own" && <FromToFields from={from} to={to} set={set} />}
      <Choice
        label="By"
        value={by}
        choices={GROUPS.map((one) => [one, GROUP_LABELS[one]] as const)}
        onChoose={(chosen) => set({ by: chosen })}
      />
      <Choice
        label="Show"
        value={show}
        choices={MEASURES.map((one) => [one, MEASURE_LABELS[one]] as const)}
        onChoose={(chosen) => set({ show: chosen })}
      />
    </Fields>
  );
}

function TotalsOf({ sums }: { readonly sums: Totals }) {
  const { total_cost_usd, total_tokens_in, total_tokens_out, request_count } = sums;
  return (
    <Stats>
      <Stat label="Cost" value={dollars(total_cost_usd)} about={`${dollars(total_cost_usd / request_count)} a call`} />
      <Stat label="Tokens in" value={compact(total_tokens_in)} about={plural(total_tokens_in, "token")} />
      <Stat label="Tokens out" value={compact(total_tokens_out)} about={plural(total_tokens_out, "token")} />
      <Stat label="Calls" value={count(request_count)} about="as agents reported them" />
    </Stats>
  );
}
