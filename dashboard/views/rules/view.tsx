/** The view of rules: proposed and decided rules of all projects, or the page of the rule in the address. */
import type { ViewProps } from "../../base/view-props.js";
import { RuleLists } from "./lists.js";
import { RulePage } from "./rule-page.js";

export function View({ segments: [project = "", ...rest], query }: ViewProps) {
  const ruleId = rest.join("/");
  if (ruleId === "") return <RuleLists query={project === "" ? query : { ...query, project }} />;
  const rule = { project, rule_id: ruleId };
  return <RulePage key={`${project}/${ruleId}`} rule={rule} />;
}
