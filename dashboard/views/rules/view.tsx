/** Rules: proposals that wait for a decision, the rules of all projects, one rule. */
import type { ViewProps } from "../../base/view-props.js";
import { RuleLists } from "./lists.js";
import { RulePage } from "./rule-page.js";

export function View({ segments: [project = "", ...rest], query }: ViewProps) {
  const rule_id = rest.join("/");
  if (rule_id === "") return <RuleLists query={project === "" ? query : { ...query, project }} />;
  const rule = { project, rule_id };
  return <RulePage key={`${project}/${rule_id}`} rule={rule} />;
}
