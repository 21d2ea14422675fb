/** Components that each show one field of a rule. They are used in tables and on the rule's page. */
import { Agent } from "../../parts/agent.js";
import { Badge, type BadgeTone } from "../../parts/badge.js";
import type { Rule, RuleStatus } from "../../api/types.js";
import { EVERY_PROJECT, ruleAddress, scopeOf } from "./model.js";

const STATUS_TONES: Readonly<Record<RuleStatus, BadgeTone>> = {
  proposed: "warn",
  accepted: "good",
  rejected: "plain",
};

export function Status({ of }: { readonly of: Rule }) {
  return <Badge tone={STATUS_TONES[of.status]}>{of.status}</Badge>;
}

export function Severity({ of }: { readonly of: Pick<Rule, "severity"> }) {
  return <Badge tone={of.severity === "error" ? "bad" : "warn"}>{of.severity}</Badge>;
}

export function RuleLink({ to }: { readonly to: Rule }) {
  return (
    <a href={ruleAddress(to)} class="rule-id">
      {to.rule_id}
    </a>
  );
}

/** Shows a rule's project, with an explanation if the rule applies to every project. */
export function Project({ of: { project } }: { readonly of: Pick<Rule, "project"> }) {
  if (project !== EVERY_PROJECT) return <>{project}</>;
  return (
    <span title="applies to every project">
      <Badge tone="note">{EVERY_PROJECT}</Badge>
    </span>
  );
}

/** Shows the pattern of a rule with its match type. */
export function Pattern({ of: { match_type, pattern } }: { readonly of: Rule }) {
  return (
    <span title={pattern}>
      {match_type !== "regex" && <span class="muted">{match_type} </span>}
      <code>{pattern}</code>
    </span>
  );
}

export function Scope({ of }: { readonly of: Rule }) {
  const scope = scopeOf(of);
  return scope === "" ? <span class="muted">everything</span> : <span title={scope}>{scope}</span>;
}

/** Shows the agent that proposed a rule. If the stored text does not name an agent, shows the text. */
export function Proposer({ of: { proposed_by } }: { readonly of: Rule }) {
  return <Agent id={proposed_by} />;
}
