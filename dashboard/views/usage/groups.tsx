/**
 * Shows the groups of usage in a range. A chart shows the largest groups over time, and a table shows all groups with
 * their shares.
 */
import { addressOf } from "../../base/address.js";
import { compact, count, dollars } from "../../base/format.js";
import { Agent } from "../../parts/agent.js";
import { agentName, type AgentNames } from "../../parts/agent-name.js";
import { Chart } from "../../parts/chart.js";
import { Section } from "../../parts/page.js";
import { Share } from "../../parts/share.js";
import { Table, type Column } from "../../parts/table.js";
import type { Sums } from "./loader.js";
import { barSeconds, barTimes, groupRows, groupSeries, measured, type GroupRow, type UsageChoice } from "./model.js";

interface GroupsProps {
  readonly choice: UsageChoice;
  readonly sums: Sums;
  readonly names: AgentNames;
}

const FORMATS = { cost: dollars, tokens: compact, calls: count } as const;
const WORDS = { cost: "Cost", tokens: "Tokens", calls: "Calls" } as const;
const GROUP_HEADS = { project: "Project", model: "Model", agent: "Agent" } as const;

function nameOf(group: string, by: UsageChoice["by"], names: AgentNames): string {
  if (group === "") return "unknown";
  return by === "agent" ? agentName(group, names) : group;
}

export function GroupChart({ choice, sums: { asked, askedMs, summary }, names }: GroupsProps) {
  const { by, show } = choice;
  const times = barTimes(asked, summary.series, askedMs);
  const series = groupSeries(summary.series, times, groupRows(summary.groups, show), show);
  return (
    <Chart
      label={`${WORDS[show]} by the ${asked.interval === "hour" ? "hour" : "day (UTC)"}`}
      kind="bars"
      stacked
      times={barSeconds(times, asked.interval)}
      series={series.map(({ group, values }) => ({
        label: group === null ? "all others" : nameOf(group, by, names),
        values,
      }))}
      format={FORMATS[show]}
    />
  );
}

export function GroupTable({ choice, sums: { summary }, names }: GroupsProps) {
  const { by, show } = choice;
  const rows = groupRows(summary.groups, show);
  const all = measured(summary.total, show);
  const columns: readonly Column<GroupRow>[] = [
    {
      head: GROUP_HEADS[by],
      sort: ({ group }) => (by === "agent" ? agentName(group, names) : group),
      cell: ({ group }) => <GroupName group={group} by={by} names={names} />,
    },
    {
      head: "Share",
      kind: "wide",
      cell: ({ totals }) => (
        <span class="usage-share">
          <Share value={measured(totals, show)} of={all} />
          <span class="usage-percent">{percent(measured(totals, show), all)}</span>
        </span>
      ),
    },
    sum("Cost", ({ total_cost_usd }) => total_cost_usd, dollars),
    { ...sum("Tokens in", ({ total_tokens_in }) => total_tokens_in, count), optional: true },
    { ...sum("Tokens out", ({ total_tokens_out }) => total_tokens_out, count), optional: true },
    { ...sum("Calls", ({ request_count }) => request_count, count), optional: true },
  ];
  return (
    <Section title={`By ${by}`}>
      <Table label={`Sums by ${by}`} columns={columns} rows={rows} keyOf={({ group }) => group} />
    </Section>
  );
}

/** Returns a column with one of the sums. */
function sum(
  head: string,
  valueOf: (totals: GroupRow["totals"]) => number,
  format: (value: number) => string,
): Column<GroupRow> {
  return {
    head,
    kind: "number",
    sort: ({ totals }) => valueOf(totals),
    cell: ({ totals }) => format(valueOf(totals)),
  };
}

function percent(value: number, all: number): string {
  return all === 0 ? "0 %" : `${((value / all) * 100).toFixed(value / all < 0.1 ? 1 : 0)} %`;
}

function GroupName({
  group,
  by,
  names,
}: { readonly group: string } & Pick<GroupsProps, "names"> & Pick<UsageChoice, "by">) {
  if (group === "") return <span class="muted">{nameOf(group, by, names)}</span>;
  if (by === "agent") return <Agent id={group} />;
  return by === "project" ? <a href={addressOf("specs", group)}>{group}</a> : <span class="mono">{group}</span>;
}
