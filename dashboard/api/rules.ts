/** Sends the requests that accept, reject and delete rules, for every view that shows rules. */
import { apiPath, query } from "../base/path.js";
import { getJson, remove, sendOnce, send } from "./client.js";
import type { Rule, RuleList } from "./types.js";

type RuleAddress = Pick<Rule, "project" | "rule_id">;

/**
 * Accepts or rejects a proposed rule.
 * @throws ApiError if the request fails, unless the rule already has the wanted status
 */
export function decideRule({ project, rule_id }: RuleAddress, step: "accept" | "reject"): Promise<void> {
  return sendOnce(
    () => send("POST", apiPath("rules", project, rule_id, step)),
    async () => {
      const { rules } = await getJson<RuleList>(`/api/rules${query({ project, status: `${step}ed` })}`);
      return rules.some((rule) => rule.rule_id === rule_id);
    },
  );
}

export function deleteRule({ project, rule_id }: RuleAddress): Promise<void> {
  return remove(apiPath("rules", project, rule_id));
}
