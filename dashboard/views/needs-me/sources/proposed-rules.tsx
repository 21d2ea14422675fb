/** Finds proposed rules. They have no effect until a person accepts them. */
import { getJson } from "../../../api/client.js";
import { decideRule } from "../../../api/rules.js";
import type { Rule, RuleList } from "../../../api/types.js";
import { addressOf } from "../../../base/address.js";
import { Agent } from "../../../parts/agent.js";
import { oldestFirst, sourceOf, type Item } from "../source.js";

function itemOf({ project, rule_id, severity, pattern, message, context, proposed_by, created_at }: Rule): Item {
  const name = `${project}/${rule_id}`;
  const decide = (step: "accept" | "reject") => () => decideRule({ project, rule_id }, step);
  return {
    key: name,
    name,
    address: addressOf("rules", project, rule_id),
    line: (
      <>
        {proposed_by !== "" && (
          <>
            <Agent id={proposed_by} />
            {" proposes · "}
          </>
        )}
        {severity} at <code>{pattern}</code>
        {message !== "" && ` · ${message}`}
        {context !== "" && ` · ${context}`}
      </>
    ),
    why: "It has no effect until it is accepted.",
    since: created_at,
    tone: "note",
    actions: [
      { text: "Accept", kind: "primary", run: decide("accept"), done: `Rule ${name} accepted` },
      { text: "Reject", run: decide("reject"), done: `Rule ${name} rejected; it cannot be proposed again` },
    ],
  };
}

export const PROPOSED_RULES = sourceOf<readonly Rule[]>({
  title: "Proposed rules",
  address: addressOf("rules"),
  none: "no rule is proposed",
  loader: {
    key: "needs me: proposed rules",
    kinds: ["rule"],
    fetch: async (signal) => (await getJson<RuleList>("/api/rules?status=proposed", signal)).rules,
  },
  itemsOf: (rules) => oldestFirst(rules.map(itemOf)),
});
