/** Shows the agents that violate a contract now, and earlier violations from the history of runs. */
import { useMemo } from "preact/hooks";
import { useAgentsById } from "../../api/agents.js";
import { useResource } from "../../api/resource.js";
import { count } from "../../base/format.js";
import { Agent } from "../../parts/agent.js";
import { Badge } from "../../parts/badge.js";
import { Failure } from "../../parts/notice.js";
import { Section } from "../../parts/page.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { OutcomeBadge, useOutcomes } from "./contract-table.js";
import { complianceRuns, RUNS_MAX } from "./loader.js";
import { findingsOf, type Finding } from "./outcomes.js";

export function Compliance({ project, name }: { readonly project: string; readonly name: string }) {
  const runs = useResource(complianceRuns);
  const agents = useAgentsById();
  const outcome = useOutcomes()?.get(`${project}/${name}`);
  const all = runs.data.value;
  const findings = useMemo(
    () => findingsOf((all ?? []).filter((run) => run.project === project && run.contract === name)),
    [all, project, name],
  );
  if (all === undefined) return <Failure of={runs} />;
  const columns: readonly Column<Finding>[] = [
    {
      head: "Agent",
      sort: ({ instance_id }) => agents.get(instance_id)?.name ?? instance_id,
      cell: ({ instance_id }) => <Agent id={instance_id} />,
    },
    {
      head: "State",
      cell: ({ now, instance_id }) =>
        !now ? (
          <Badge>fixed</Badge>
        ) : agents.get(instance_id)?.status === "active" ? (
          <Badge tone="bad">violated</Badge>
        ) : (
          <Badge tone="warn">not checked now</Badge>
        ),
    },
    {
      head: "Violation",
      sort: ({ path }) => path,
      kind: "wide",
      cell: ({ path, message }) => (
        <span title={`${path}: ${message}`}>
          <code>{path}</code> {message}
        </span>
      ),
    },
    { head: "Since", optional: true, sort: ({ since }) => since, cell: ({ since }) => <Time at={since} /> },
    { head: "Last seen", optional: true, sort: ({ until }) => until, cell: ({ until }) => <Time at={until} /> },
  ];
  return (
    <Section
      title="Compliance"
      actions={
        <span class="hint">
          <OutcomeBadge of={outcome} /> {outcome !== undefined && <Time at={outcome.run_at} />}
        </span>
      }
    >
      <Failure of={runs} />
      {findings.length === 0 ? (
        <p class="hint">
          {outcome === undefined
            ? `No active agent with the workspace ${project} was checked against this contract.`
            : `No violation in the newest ${count(RUNS_MAX)} runs of all contracts.`}
        </p>
      ) : (
        <div class="stacked">
          <Table
            label="Violations"
            columns={columns}
            rows={findings}
            keyOf={({ instance_id, path, message, until }) => `${instance_id} ${path} ${message} ${until}`}
            toneOf={({ now }) => (now ? "bad" : undefined)}
          />
        </div>
      )}
    </Section>
  );
}
