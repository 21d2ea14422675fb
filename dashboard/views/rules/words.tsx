/** A rule's members as they stand in tables and on its page. */
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

/** The project, and what it means where it is none. */
export function Project({ of: { project } }: { readonly of: Pick<Rule, "project"> }) {
  if (project !== EVERY_PROJECT) return <>{project}</>;
  return (
    <span title="holds for every project">
      <Badge tone="note">{EVERY_PROJECT}</Badge>
    </span>
  );
}

/** The regex, and in which sense it is looked for. */
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

/** Who proposed it: an agent where it is one, else what stands there. */
export function Proposer({ of: { proposed_by } }: { readonly of: Rule }) {
  return <Agent id={proposed_by} />;
}
