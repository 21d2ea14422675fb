/**
 * Shows the commands that a task requires, and the recorded runs of each command. There are separate columns for runs
 * that an agent claimed, that a program observed, and that CI observed.
 */
import type { Task } from "../../api/types.js";
import { Badge } from "../../parts/badge.js";
import { Section } from "../../parts/page.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { MISSING_WORDS, proofOf } from "./proof.js";

type Required = Task["evidence"][number];

function Seen({ of }: { readonly of: Required["observed"] }) {
  if (of === null) return <span class="muted">none</span>;
  const { tone, text } = proofOf(of);
  return (
    <span title={`by ${of.name === "" ? of.seen_by : of.name}`}>
      <Badge tone={tone}>{text}</Badge> <Time at={of.at} />
    </span>
  );
}

const COLUMNS: readonly Column<Required>[] = [
  { head: "Command", kind: "wide", cell: ({ command }) => <code>{command}</code> },
  {
    head: "Passed",
    cell: ({ why }) =>
      why === null ? <Badge tone="good">seen to pass</Badge> : <Badge tone="warn">{MISSING_WORDS[why]}</Badge>,
  },
  { head: "CI", cell: ({ ci }) => <Seen of={ci} /> },
  { head: "Observed", cell: ({ observed }) => <Seen of={observed} /> },
  { head: "Said", cell: ({ said }) => <Seen of={said} /> },
];

export function Evidence({ task: { evidence, edited_at } }: { readonly task: Task }) {
  return (
    <Section title="Evidence">
      <Table label="Required commands" cards columns={COLUMNS} rows={evidence} keyOf={({ command }) => command} />
      {edited_at !== null && (
        <p class="hint">
          Files were edited after a run, <Time at={edited_at} />.
        </p>
      )}
    </Section>
  );
}
