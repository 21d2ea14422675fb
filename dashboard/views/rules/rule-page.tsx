/** The page of one rule: its members, a preview that checks a text, and its history. */
import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso/router";
import { useResource } from "../../api/resource.js";
import type { AuditEntry } from "../../api/types.js";
import { Agent } from "../../parts/agent.js";
import { Badge } from "../../parts/badge.js";
import { Failure, Notice } from "../../parts/notice.js";
import { Page, Section } from "../../parts/page.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { CheckPanel } from "./check-panel.js";
import { Decide, DeleteButton, DeleteQuestion } from "./decide.js";
import { Facts } from "./facts.js";
import { AUDIT_ROWS, oneRule, previewPath, REPLACED, ruleHistory, type RuleAddress } from "./loader.js";
import { nameOf } from "./model.js";

export function RulePage({ rule: address }: { readonly rule: RuleAddress }) {
  const { route } = useLocation();
  const found = useResource(oneRule(address));
  const history = useResource(ruleHistory(address));
  const deleting = useSignal(false);
  const rule = found.data.value;
  const refresh = async (): Promise<void> => {
    await Promise.all([found.refresh(), history.refresh()]);
  };
  return (
    <Page
      title="Rules"
      home="/rules"
      part={nameOf(address)}
      actions={
        rule && (
          <>
            {rule.status === "proposed" && <Decide rule={rule} onDone={refresh} />}
            <DeleteButton
              onClick={() => {
                deleting.value = true;
              }}
            />
          </>
        )
      }
    >
      <Failure of={found} />
      {rule === null && <Notice>This rule does not exist now. Its history is below.</Notice>}
      {rule && (
        <div class="columns">
          <Facts rule={rule} />
          <Section title="Preview">
            <CheckPanel path={previewPath(rule)} about={rule} />
          </Section>
        </div>
      )}
      <Section title="History">
        <Failure of={history} />
        <History entries={history.data.value} since={rule?.created_at ?? ""} />
      </Section>
      {deleting.value && (
        <DeleteQuestion
          rule={address}
          onDone={() => route("/rules")}
          onClose={() => {
            deleting.value = false;
          }}
        />
      )}
    </Page>
  );
}

/** The audit log's actions in words. */
const DONE: Readonly<Record<string, string>> = {
  "rule.propose": "proposed",
  "rule.accept": "accepted",
  "rule.reject": "rejected",
  "rule.delete": "deleted",
  "rules.put": "all rules of the project replaced",
};

const HISTORY: readonly Column<AuditEntry>[] = [
  { head: "When", cell: ({ timestamp }) => <Time at={timestamp} /> },
  {
    head: "What",
    kind: "wide",
    cell: ({ action, outcome }) => (
      <>
        {DONE[action] ?? action} {outcome === "error" && <Badge tone="bad">refused</Badge>}
      </>
    ),
  },
  { head: "By", cell: ({ actor }) => <Agent id={actor} /> },
];

interface HistoryProps {
  readonly entries: readonly AuditEntry[] | undefined;
  /**
   * The time when the rule was first stored; "" if it is unknown. Replacements of all rules before this time did not
   * affect the rule, so the history leaves them out.
   */
  readonly since: string;
}

function History({ entries, since }: HistoryProps) {
  if (entries === undefined) return null;
  const ofRule = entries.filter(({ action, timestamp }) => action !== REPLACED || timestamp >= since);
  if (ofRule.length === 0)
    return (
      <p class="hint">
        No entry in the newest {AUDIT_ROWS} audit rows of each action on rules. The rule may come from an import, a
        template or a restore.
      </p>
    );
  return <Table label="Changes of the rule" columns={HISTORY} rows={ofRule} keyOf={({ id }) => id} />;
}
