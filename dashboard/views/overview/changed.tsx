/** Shows the newest changes with their actors. They are the newest rows of the audit log. */
import { useResource } from "../../api/resource.js";
import type { AuditEntry } from "../../api/types.js";
import { addressOf } from "../../base/address.js";
import { Agent } from "../../parts/agent.js";
import { AuditResource } from "../../parts/audit-resource.js";
import { Empty } from "../../parts/empty.js";
import { Failure } from "../../parts/notice.js";
import { Section } from "../../parts/page.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { newestChanges } from "./loader.js";

const COLUMNS: readonly Column<AuditEntry>[] = [
  { head: "When", cell: ({ timestamp }) => <Time at={timestamp} /> },
  { head: "Action", cell: ({ action }) => action },
  { head: "What", cell: (entry) => <AuditResource entry={entry} />, kind: "wide" },
  { head: "By", cell: ({ actor }) => <Agent id={actor} />, optional: true },
];

export function Changed() {
  const changes = useResource(newestChanges);
  const rows = changes.data.value;
  return (
    <Section title="Newest changes" actions={<a href={addressOf("audit")}>Audit log</a>}>
      <Failure of={changes} />
      {rows !== undefined && rows.length > 0 && (
        <div class="overview-frame">
          <Table
            label="Changes, newest first"
            columns={COLUMNS}
            rows={rows}
            keyOf={({ id }) => id}
            toneOf={({ outcome }) => (outcome === "error" ? "bad" : undefined)}
          />
        </div>
      )}
      {rows?.length === 0 && (
        <Empty title="No changes yet" command="koor-cli state set plan/first --data '{&quot;goal&quot;:1}'">
          Every change appears here with its actor.
        </Empty>
      )}
    </Section>
  );
}
