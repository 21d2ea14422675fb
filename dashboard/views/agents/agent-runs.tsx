/** Lists the compliance runs of one agent: the checks against the contracts of its project. */
import { useResource } from "../../api/resource.js";
import type { ComplianceRun } from "../../api/types.js";
import { addressOf } from "../../base/address.js";
import { plural } from "../../base/format.js";
import { Badge } from "../../parts/badge.js";
import { Empty } from "../../parts/empty.js";
import { Failure } from "../../parts/notice.js";
import { Section } from "../../parts/page.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { runsLoader } from "./loader.js";

const COLUMNS: readonly Column<ComplianceRun>[] = [
  { head: "Checked", cell: ({ run_at }) => <Time at={run_at} /> },
  {
    head: "Contract",
    cell: ({ project, contract }) => (
      <a href={addressOf("contracts", project, contract)}>
        {project}/{contract}
      </a>
    ),
  },
  {
    head: "Outcome",
    cell: ({ pass, violations }) =>
      pass ? <Badge tone="good">passes</Badge> : <Badge tone="bad">{plural(violations.length, "violation")}</Badge>,
  },
  {
    head: "Violations",
    kind: "wide",
    cell: ({ violations }) => {
      const text = violations.map(({ path, message }) => `${path}: ${message}`).join("\n");
      return (
        <span class="muted" title={text}>
          {text}
        </span>
      );
    },
  },
];

export function AgentRuns({ id }: { readonly id: string }) {
  const runs = useResource(runsLoader(id));
  const list = runs.data.value;
  return (
    <Section title="Compliance">
      <Failure of={runs} />
      {list !== undefined &&
        (list.length === 0 ? (
          <Empty title="No compliance run yet" command="koor-cli compliance run">
            Active agents are checked against the contracts of their workspace, every five minutes or on demand.
          </Empty>
        ) : (
          <Table
            label="Compliance runs"
            columns={COLUMNS}
            rows={list}
            keyOf={(run) => run.id}
            toneOf={({ pass }) => (pass ? undefined : "bad")}
          />
        ))}
    </Section>
  );
}
