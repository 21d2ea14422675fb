/** The tables of rules: proposed rules with their actions, and decided rules. */
import type { Rule } from "../../api/types.js";
import { Button } from "../../parts/button.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { Decide } from "./decide.js";
import { nameOf } from "./model.js";
import { Pattern, Project, Proposer, RuleLink, Scope, Severity, Status } from "./members.js";

interface ProposedTableProps {
  readonly rules: readonly Rule[];
  readonly onPreview: (rule: Rule) => void;
  readonly onDone: () => Promise<void>;
}

export function ProposedTable({ rules, onPreview, onDone }: ProposedTableProps) {
  const columns: readonly Column<Rule>[] = [
    {
      head: "Rule",
      sort: ({ rule_id }) => rule_id,
      cell: (rule) => (
        <>
          <RuleLink to={rule} />
          <div class="second">
            <Project of={rule} />
          </div>
        </>
      ),
    },
    {
      head: "Looks for",
      kind: "wide",
      cell: (rule) => (
        <>
          <div class="rule-line">
            <Severity of={rule} /> {rule.message}
          </div>
          <div class="rule-line second">
            <Pattern of={rule} />
          </div>
        </>
      ),
    },
    {
      head: "In",
      optional: true,
      cell: (rule) => (
        <div class="rule-scope">
          <Scope of={rule} />
        </div>
      ),
    },
    {
      head: "Proposed",
      sort: ({ created_at }) => created_at,
      optional: true,
      cell: (rule) => (
        <>
          <Proposer of={rule} />
          <div class="second">
            <Time at={rule.created_at} />
          </div>
        </>
      ),
    },
    {
      head: "Decide",
      cell: (rule) => (
        <div class="buttons rule-actions">
          <Decide rule={rule} onDone={onDone} oneOfMany />
          <Button onClick={() => onPreview(rule)}>Preview</Button>
        </div>
      ),
    },
  ];
  return (
    <div class="stacked">
      <Table label="Proposed rules" columns={columns} rows={rules} keyOf={nameOf} />
    </div>
  );
}

const DECIDED: readonly Column<Rule>[] = [
  { head: "Project", sort: ({ project }) => project, cell: (rule) => <Project of={rule} /> },
  { head: "Rule", opens: true, sort: ({ rule_id }) => rule_id, cell: (rule) => <RuleLink to={rule} /> },
  { head: "Status", sort: ({ status }) => status, cell: (rule) => <Status of={rule} /> },
  {
    head: "Looks for",
    kind: "wide",
    optional: true,
    cell: (rule) => (
      <div class="rule-line">
        <Severity of={rule} /> {rule.message === "" ? "" : `${rule.message} `}
        <span class="muted">
          <Pattern of={rule} />
        </span>
      </div>
    ),
  },
  {
    head: "In",
    optional: true,
    cell: (rule) => (
      <div class="rule-scope">
        <Scope of={rule} />
      </div>
    ),
  },
  { head: "Source", optional: true, sort: ({ source }) => source, cell: (rule) => rule.source },
  { head: "Age", optional: true, sort: ({ created_at }) => created_at, cell: (rule) => <Time at={rule.created_at} /> },
];

export function DecidedTable({ rules }: { readonly rules: readonly Rule[] }) {
  return <Table label="Decided rules" columns={DECIDED} rows={rules} keyOf={nameOf} />;
}
