/**
 * The audit view: changes and rejected calls with their actors. The list is live and can be filtered, summarized and
 * exported.
 */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { useHistory } from "../../api/use-history.js";
import type { AuditEntry } from "../../api/types.js";
import { count, plural } from "../../base/format.js";
import { useAddressQuery } from "../../parts/address-query.js";
import { Agent, useAgentNames } from "../../parts/agent.js";
import type { AgentNames } from "../../parts/agent-name.js";
import { AuditResource } from "../../parts/audit-resource.js";
import { formatDetail } from "../../parts/audit-format.js";
import { Button } from "../../parts/button.js";
import { Badge } from "../../parts/badge.js";
import { Empty } from "../../parts/empty.js";
import { Failure } from "../../parts/notice.js";
import { Page } from "../../parts/page.js";
import { repeatColumns, useRepeats } from "../../parts/repeats.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { Entry } from "./entry.js";
import { Export } from "./export-buttons.js";
import { Filters } from "./filters.js";
import { auditLog } from "./loader.js";
import { filterIn, isRepeat, matching, type AuditFilter } from "./model.js";
import { OverTime } from "./over-time.js";
import { Summary } from "./summary.js";

export function View() {
  const { query, set, go } = useAddressQuery();
  const filter = filterIn(query);
  const names = useAgentNames();
  const chosen = useSignal<AuditEntry | null>(null);
  return (
    <Page title="Audit" actions={<Export filter={filter} names={names} />}>
      <Filters filter={filter} set={set} names={names} />
      <OverTime filter={filter} go={go} />
      <div class="audit-sides">
        <Rows
          filter={filter}
          names={names}
          chosen={chosen.value}
          choose={(entry) => {
            chosen.value = entry;
          }}
        />
        <aside class="audit-beside" aria-label="Details and summary">
          {chosen.value !== null && (
            <Entry
              key={chosen.value.id}
              entry={chosen.value}
              onClose={() => {
                chosen.value = null;
              }}
            />
          )}
          <Summary filter={filter} choose={(action) => set({ action })} />
        </aside>
      </div>
    </Page>
  );
}

interface RowsProps {
  readonly filter: AuditFilter;
  readonly names: AgentNames;
  readonly chosen: AuditEntry | null;
  readonly choose: (entry: AuditEntry) => void;
}

function Rows({ filter, names, chosen, choose }: RowsProps) {
  const { history } = useHistory(auditLog(filter));
  const rows = history.rows.value;
  const { outcome, search } = filter;
  const matched = useMemo(() => matching(rows ?? [], { outcome, search }, names), [rows, outcome, search, names]);
  const { shown, toggle } = useRepeats(matched, isRepeat, ({ id }) => id, "head");
  const columns = useMemo(() => repeatColumns(columnsWith(choose), "Action", toggle), []);
  if (rows === undefined) return <Failure of={history} />;
  return (
    <div class="audit-rows">
      <Failure of={history} />
      <p class="hint audit-count" role="status">
        {plural(matched.length, "row")}
        {matched.length === rows.length ? "" : ` of ${plural(rows.length, "row")} searched`}
        {history.complete.value ? ", all there are" : ""}
      </p>
      {matched.length === 0 ? (
        <Nothing filter={filter} complete={history.complete.value} />
      ) : (
        <Table
          label="Audit log"
          columns={columns}
          cards
          rows={shown}
          keyOf={({ key }) => key}
          grows="head"
          isCurrent={({ members }) => members.some(({ id }) => id === chosen?.id)}
          toneOf={({ row }) => (row.outcome === "error" ? "bad" : undefined)}
        />
      )}
      {!history.complete.value &&
        (history.full ? (
          <p class="hint">No more rows can be loaded: to see older rows, choose a range or an action.</p>
        ) : (
          <Button onClick={() => history.older()}>Load older</Button>
        ))}
    </div>
  );
}

function Nothing({ filter, complete }: { readonly filter: AuditFilter; readonly complete: boolean }) {
  if (!complete) return <Empty title="None of the loaded rows matches">Older rows may match.</Empty>;
  const filtered = Object.values(filter).some((value) => value !== "");
  return filtered ? (
    <Empty title="No row matches">Remove a filter to see more.</Empty>
  ) : (
    <Empty title="No changes yet" command="koor-cli state set plans/login --data '{}'">
      Every change appears here, and every change that was refused.
    </Empty>
  );
}

function columnsWith(choose: (entry: AuditEntry) => void): readonly Column<AuditEntry>[] {
  return [
    { head: "Time", cell: ({ timestamp }) => <Time at={timestamp} as="clock" /> },
    {
      head: "Actor",
      cell: ({ actor }) => (
        <span class="audit-actor">
          <Agent id={actor} />
        </span>
      ),
    },
    {
      head: "Action",
      cell: ({ action, count: times }) => (
        <>
          <span class="mono">{action}</span>
          {times !== undefined && <span class="muted"> × {count(times)}</span>}
        </>
      ),
    },
    { head: "Resource", kind: "wide", cell: (entry) => <AuditResource entry={entry} /> },
    { head: "Outcome", optional: true, cell: ({ outcome }) => <Outcome outcome={outcome} /> },
    { head: "Detail", kind: "wide", opens: true, cell: (entry) => <Detail entry={entry} choose={choose} /> },
  ];
}

/** Shows the outcome of a call. Success has no colour, because it is the usual outcome. */
function Outcome({ outcome }: Pick<AuditEntry, "outcome">) {
  return outcome === "error" ? <Badge tone="bad">error</Badge> : <span class="muted">success</span>;
}

function Detail({ entry, choose }: { readonly entry: AuditEntry; readonly choose: (entry: AuditEntry) => void }) {
  const words = formatDetail(entry.detail) || "none";
  return (
    <button
      type="button"
      class="button-bare audit-detail"
      title={words}
      aria-label={`Detail of row ${entry.id}: ${words}`}
      onClick={() => choose(entry)}
    >
      {words}
    </button>
  );
}
