/** The section about budgets, with what is used of each. It is left out if there are no budgets. */
import { useResource } from "../../api/resource.js";
import type { Budget } from "../../api/types.js";
import { compact, count, dollars, plural } from "../../base/format.js";
import { Agent } from "../../parts/agent.js";
import { Badge } from "../../parts/badge.js";
import { Failure } from "../../parts/notice.js";
import { Section } from "../../parts/page.js";
import { Share } from "../../parts/share.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { addressOf } from "../../base/address.js";
import { budgetsLoader } from "./loader.js";
import { budgetRows } from "./model.js";

const TONES = { ok: "good", warned: "warn", exhausted: "bad" } as const;
const PERCENT = 100;
const NO_LIMIT = <span class="muted absent">no limit</span>;

export function Budgets() {
  const resource = useResource(budgetsLoader);
  const budgets = resource.data.value?.budgets ?? [];
  return (
    <>
      <Failure of={resource} />
      {budgets.length > 0 && (
        <Section title="Budgets">
          <Table label="Budgets" columns={COLUMNS} rows={budgetRows(budgets)} keyOf={({ id }) => id} cards />
        </Section>
      )}
    </>
  );
}

const COLUMNS: readonly Column<Budget>[] = [
  { head: "Budget", sort: ({ id }) => id, cell: ({ id }) => <span class="mono">{id}</span> },
  {
    head: "State",
    sort: ({ state }) => state,
    cell: ({ state, policy }) => (
      <span title={policy === "deny" ? "denies tools at 100 %" : "only warns at 100 %"}>
        <Badge tone={TONES[state]}>{state}</Badge>
      </span>
    ),
  },
  { head: "Of", sort: ({ target }) => target, cell: (budget) => <Target {...budget} /> },
  {
    head: "Used",
    sort: ({ share }) => share,
    cell: (budget) => (
      <span class={`usage-share usage-budget usage-${budget.state}`}>
        <Share value={budget.share} of={1} />
        <span class="usage-percent">{Math.floor(budget.share * PERCENT)} %</span>
      </span>
    ),
  },
  {
    head: "Tokens",
    sort: ({ tokens, used }) => (tokens === null ? null : used.tokens),
    cell: (budget) => <Tokens {...budget} />,
  },
  {
    head: "Cost",
    sort: ({ cost_usd, used }) => (cost_usd === null ? null : used.cost_usd),
    cell: (budget) => <Cost {...budget} />,
  },
  {
    head: "Unknown",
    sort: ({ unpriced }) => unpriced,
    kind: "number",
    optional: true,
    cell: ({ unpriced }) => <span title={`${plural(unpriced, "report")} without a cost`}>{count(unpriced)}</span>,
  },
  {
    head: "Until",
    sort: ({ ends_at }) => ends_at,
    optional: true,
    cell: ({ ends_at }) => (ends_at === null ? <span class="muted">no end</span> : <Time at={ends_at} as="ahead" />),
  },
];

function Target({ scope, target }: Budget) {
  if (scope === "task") return <a href={addressOf("tasks", target)}>{target}</a>;
  if (scope === "agent") return <Agent id={target} />;
  return (
    <>
      {target === "" ? <span class="muted">default</span> : target} <span class="muted">workspace</span>
    </>
  );
}

function Tokens({ tokens, used }: Budget) {
  if (tokens === null) return NO_LIMIT;
  return (
    <span class="usage-tokens" title={`${count(used.tokens)} of ${count(tokens)} tokens`}>
      {compact(used.tokens)} of {compact(tokens)}
    </span>
  );
}

/**
 * Shows how many dollars of a budget are used. If the cost of some reports is not known, the number is a lower bound.
 */
function Cost({ cost_usd, used, unpriced }: Budget) {
  if (cost_usd === null) return NO_LIMIT;
  return (
    <>
      {unpriced > 0 && "≥ "}
      {dollars(used.cost_usd)} of {dollars(cost_usd)}
    </>
  );
}
