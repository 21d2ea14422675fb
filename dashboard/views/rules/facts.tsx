/** Shows all members of a rule. */
import type { ComponentChildren } from "preact";
import type { Rule } from "../../api/types.js";
import { Section } from "../../parts/page.js";
import { Time } from "../../parts/time.js";
import { Project, Proposer, Severity, Status } from "./members.js";

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

const SENSES: Readonly<Record<Rule["match_type"], string>> = {
  regex: "each line that matches is a violation",
  missing: "a text without a match is a violation",
  custom: "a check that the server knows by this name, else a regex",
};

export function Facts({ rule }: { readonly rule: Rule }) {
  const { match_type, pattern, message, stack, applies_to, source, context, created_at } = rule;
  return (
    <Section title="The rule">
      <div class="card">
        <dl class="facts">
          <Fact name="Status">
            <Status of={rule} />
          </Fact>
          <Fact name="Project">
            <Project of={rule} />
          </Fact>
          <Fact name="Severity">
            <Severity of={rule} />
          </Fact>
          <Fact name="Looks for">
            <code>{pattern}</code>
            <div class="hint">
              {match_type}: {SENSES[match_type]}
            </div>
          </Fact>
          <Fact name="Message">{message === "" ? <span class="muted">none</span> : message}</Fact>
          <Fact name="Stack">{stack === "" ? <span class="muted">every stack</span> : stack}</Fact>
          <Fact name="Files">
            {applies_to.every((glob) => glob === "*") ? (
              <span class="muted">every file</span>
            ) : (
              <code>{applies_to.join(", ")}</code>
            )}
          </Fact>
          <Fact name="Source">{source}</Fact>
          <Fact name="Proposed by">
            <Proposer of={rule} />
          </Fact>
          <Fact name="Since">
            <Time at={created_at} />
          </Fact>
          <Fact name="Why">
            {context === "" ? <span class="muted">none</span> : <div class="rule-context">{context}</div>}
          </Fact>
        </dl>
      </div>
    </Section>
  );
}
