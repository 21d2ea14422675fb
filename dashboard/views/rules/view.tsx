/** The view of rules: proposed and decided rules of all projects, or the page of the rule in the address. */
import type { ViewProps } from "../../base/view-props.js";
import { RuleLists } from "./lists.js";
import { RulePage } from "./rule-page.js";

export function View({ segments: [project = "", ...rest], query }: ViewProps) {
  const rule_id = rest.join("/");
  if (rule_id === "") return <RuleLists query={project === "" ? query : { ...query, project }} />;
  const rule = { project, rule_id };
  return <RulePage key={`${project}/${rule_id}`} rule={rule} />;
}
