/** The newest language-model calls in the range. */
import type { Usage } from "../../api/types.js";
import { useHistory } from "../../api/use-history.js";
import { count, dollars } from "../../base/format.js";
import { Agent } from "../../parts/agent.js";
import { Button } from "../../parts/button.js";
import { Failure } from "../../parts/notice.js";
import { Section } from "../../parts/page.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { callLog } from "./loader.js";
import type { UsageChoice } from "./model.js";

export function Calls({ choice }: { readonly choice: UsageChoice }) {
  const { history } = useHistory(callLog(choice));
  const rows = history.rows.value;
  if (rows === undefined) return <Failure of={history} />;
  return (
    <>
      <Failure of={history} />
      {rows.length > 0 && (
        <Section title="Newest calls">
          <Table label="Calls" columns={COLUMNS} rows={rows} keyOf={({ id }) => id} />
          {!history.complete.value && !history.full && <Button onClick={() => history.older()}>Load older</Button>}
        </Section>
      )}
    </>
  );
}

const COLUMNS: readonly Column<Usage>[] = [
  { head: "Time", sort: ({ created_at }) => created_at, cell: ({ created_at }) => <Time at={created_at} as="clock" /> },
  { head: "Agent", cell: ({ instance_id }) => <Agent id={instance_id} /> },
  { head: "Project", optional: true, sort: ({ project }) => project, cell: ({ project }) => project },
  {
    head: "Model",
    sort: ({ model }) => model,
    kind: "wide",
    cell: ({ provider, model }) => (
      <span title={`${model} of ${provider}`}>
        <span class="mono">{model}</span> <span class="muted">{provider}</span>
      </span>
    ),
  },
  { head: "For", optional: true, cell: ({ request_type, session_tag }) => session_tag || request_type },
  {
    head: "Tokens in",
    kind: "number",
    optional: true,
    sort: ({ tokens_in }) => tokens_in,
    cell: ({ tokens_in }) => count(tokens_in),
  },
  {
    head: "Tokens out",
    kind: "number",
    optional: true,
    sort: ({ tokens_out }) => tokens_out,
    cell: ({ tokens_out }) => count(tokens_out),
  },
  { head: "Cost", kind: "number", sort: ({ cost_usd }) => cost_usd, cell: ({ cost_usd }) => dollars(cost_usd) },
];
