/** The section about the rate limits of accounts that are in effect. It is left out if there are none. */
import { useResource } from "../../api/resource.js";
import type { RateLimit } from "../../api/types.js";
import { Agent } from "../../parts/agent.js";
import { Failure } from "../../parts/notice.js";
import { Section } from "../../parts/page.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { limitsLoader } from "./loader.js";

export function Limits() {
  const resource = useResource(limitsLoader);
  const limits = resource.data.value?.limits ?? [];
  return (
    <>
      <Failure of={resource} />
      {limits.length > 0 && (
        <Section title="Rate limits">
          <Table label="Rate limits" columns={COLUMNS} rows={limits} keyOf={({ id }) => String(id)} />
        </Section>
      )}
    </>
  );
}

const COLUMNS: readonly Column<RateLimit>[] = [
  { head: "Account", cell: ({ account }) => <span class="mono">{account}</span> },
  { head: "Provider", cell: ({ provider }) => provider },
  { head: "Until", cell: ({ until }) => <Time at={until} as="ahead" /> },
  { head: "Reason", cell: ({ reason }) => reason },
  { head: "Reported by", optional: true, cell: ({ reported_by }) => <Agent id={reported_by} /> },
];
